package plot

import (
	"bytes"
	"flag"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"numasched/experiments/harness"
)

var update = flag.Bool("update", false, "write the golden files")

// Every case is a run directory with made-up results. To look at the figures:
// go run ./experiments plot experiments/testdata/CASE.
var cases = map[string][]string{
	"onenode":     {"speedup", "throughput"}, // all is local
	"fournodes":   {"speedup", "throughput", "locality", "steals"},
	"scaling":     {"speedup", "throughput", "scaling", "locality", "locality-scaling", "steals"},
	"virtual":     {"locality", "steals"},    // no speed
	"interrupted": {"speedup", "throughput"}, // no intervals, nothing counted
}

func load(t *testing.T, name string) *harness.Results {
	t.Helper()
	res, err := harness.Load(filepath.Join("..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestFiguresAreGolden(t *testing.T) {
	for name, want := range cases {
		figures := Figures(load(t, name))
		var got []string
		for i := range figures {
			f := &figures[i]
			got = append(got, f.Name)
			var svg bytes.Buffer
			if err := f.WriteSVG(&svg); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+"-"+f.Name+".svg")
			if *update {
				if err := os.WriteFile(golden, svg.Bytes(), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			old, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(old, svg.Bytes()) {
				t.Errorf("%s is not as it was: look at it, then go test ./experiments/plot -update", golden)
			}
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: figures %v, want %v", name, got, want)
		}
	}
}

func TestFiguresSayWhatTheyAre(t *testing.T) {
	for name, want := range map[string]string{
		"onenode":   "host: real threads, measured time",
		"fournodes": "PRETENDED NODES",
		"scaling":   "simulated machine: virtual time",
		"virtual":   "virtual NUMA machine: locality only, not speed",
	} {
		figures := Figures(load(t, name))
		for i := range figures {
			var svg strings.Builder
			if err := figures[i].WriteSVG(&svg); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(svg.String(), want) {
				t.Errorf("%s, %s: %q is not in the figure", name, figures[i].Name, want)
			}
		}
	}
}

// What has no number must not be drawn as one, and must not panic: series
// without values, zeros on a log axis, infinite intervals.
func TestOddNumbersDoNotBreakFigures(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	ms := func(arm string, ns float64, more ...harness.Value) harness.Measurement {
		return harness.Measurement{
			Cell: harness.Cell{Workload: "fib", Arm: arm, Topo: "x", Procs: 1}, Runs: 1,
			Values: append([]harness.Value{{Value: ns, Unit: "ns/task"}}, more...),
		}
	}
	on := func(procs int, m harness.Measurement) harness.Measurement {
		m.Procs = procs
		return m
	}
	local, remote := harness.StealsNear.In("task"), harness.StealsFar.In("task")
	for name, all := range map[string][]harness.Measurement{
		"nothing":          nil,
		"baseline only":    {ms("flat", 1)},
		"no baseline":      {ms("numa", 1), ms("goroutine", 1e9)},
		"unknown arm":      {ms("flat", 1), ms("an-arm-of-tomorrow-with-a-long-name", 3)},
		"zero and nothing": {ms("flat", 1, harness.Value{Unit: local}, harness.Value{Unit: remote}), ms("numa", 1e-6)},
		"zero and much": {ms("flat", 1, harness.Value{Unit: local}, harness.Value{Unit: remote}),
			ms("numa", 1, harness.Value{Value: 1e-9, Unit: local}, harness.Value{Value: 1e6, Unit: remote})},
		"odd percentages": {ms("flat", 1, harness.Value{Value: nan, Unit: harness.Local.Unit}), ms("numa", 1, harness.Value{Value: 101, Unit: harness.Local.Unit})},
		"odd Ps":          {on(0, ms("flat", 1)), on(-1, ms("flat", 2)), on(1, ms("flat", 3)), on(math.MaxInt, ms("flat", 4)), on(0, ms("numa", 1)), on(1, ms("numa", 1))},
		"infinite counts": {ms("flat", 1, harness.Value{Value: inf, Unit: local}, harness.Value{Value: nan, Unit: remote}), ms("numa", 1, harness.Value{Value: inf, Unit: local}, harness.Value{Value: 1, Unit: remote})},
		"extremes":        {ms("flat", 1e-300), ms("numa", 1e300), ms("gm", inf)},
	} {
		res := &harness.Results{Measurements: all, Meta: harness.Meta{Place: harness.Host}}
		figures := Figures(res)
		for i := range figures {
			var svg, picture bytes.Buffer
			if err := figures[i].WriteSVG(&svg); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, bad := range []string{"NaN", "Inf"} {
				if strings.Contains(svg.String(), bad) {
					t.Errorf("%s, %s: %s is drawn", name, figures[i].Name, bad)
				}
			}
			if err := figures[i].WritePNG(&picture); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if _, err := png.Decode(&picture); err != nil {
				t.Errorf("%s, %s: %v", name, figures[i].Name, err)
			}
		}
	}
}

func TestSpeedUpsNearOneAreEnlargedWhereOthersAreFar(t *testing.T) {
	for _, c := range []struct {
		all, numa []float64
		hi        float64 // of the second panel; 0: none
	}{
		{[]float64{0.03, 0.98, 1.02}, []float64{0.98, 1.02}, 1.25},
		{[]float64{0.03, 1.9}, []float64{1.9}, 2},
		{[]float64{0.95, 1.1}, []float64{0.95, 1.1}, 0}, // the axis shows it well enough
		{[]float64{0.001, 50}, []float64{50}, 0},        // not near 1
	} {
		part, ok := ratios(c.all).near(c.numa)
		if ok != (c.hi > 0) || ok && !(part.holds(c.hi) && !part.holds(1.1*c.hi)) {
			t.Errorf("%v: a panel from %v to %v, %v; want it to end at %v", c.all, part.lo, part.hi, ok, c.hi)
		}
	}
}

func TestRatioTicksAreInOrderAndIncludeOne(t *testing.T) {
	for _, vs := range [][]float64{{1}, {0.97, 1.02}, {0.5, 1.9}, {0.2, 1.2}, {0.0066, 2}, {0.001, 4000}} {
		a := ratios(vs)
		one := false
		for i, tick := range a.ticks {
			one = one || tick.at == 1
			if i > 0 && tick.at <= a.ticks[i-1].at || a.at(tick.at) < 0 || a.at(tick.at) > 1 {
				t.Errorf("%v: tick %v at %v", vs, tick, a.at(tick.at))
			}
		}
		if !one || len(a.ticks) < 2 || len(a.ticks) > 16 {
			t.Errorf("%v: ticks %v", vs, a.ticks)
		}
	}
}
