package beside

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"numasched/experiments/harness"
)

// made returns results of flat and numa on one cell. numa's time is that over flat's, and
// the values belong to it.
func made(place harness.Place, nodes int, at time.Time, flat float64, numa []float64, values ...harness.Value) *harness.Results {
	r := &harness.Results{Dir: string(place), Meta: harness.Meta{Place: place, Baseline: "flat",
		Topologies: []harness.TopoMeta{{Label: string(place), NodesWithCPUs: nodes}}}}
	r.Meta.Sessions = []harness.Session{{Start: at, End: at.Add(time.Minute)}}
	for _, ns := range numa {
		for _, arm := range []string{"flat", "numa"} {
			m := harness.Measurement{Cell: harness.Cell{Workload: "triad", Params: "n=9", Arm: arm, Topo: string(place), Procs: 8}, Runs: 1,
				Exact: place == harness.Simulated, Values: []harness.Value{{Value: flat, Unit: "ns/chunk"}}}
			if arm == "numa" {
				m.Values = append([]harness.Value{{Value: ns, Unit: "ns/chunk"}}, values...)
			}
			r.Measurements = append(r.Measurements, m)
		}
	}
	return r
}

func local(v float64, m *harness.Metric) harness.Value { return harness.Value{Value: v, Unit: m.Unit} }

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestPredictionsAreJudged(t *testing.T) {
	around := []float64{49, 50, 51, 49, 50, 51} // 2x flat
	for _, c := range []struct {
		name          string
		predicted     float64 // ns of numa; flat takes 100
		local         float64
		ratio, memory Verdict
		measuredAt    time.Time
		place         harness.Place
		nodes         int
		said          []string
	}{
		{name: "right", predicted: 50, local: 97, ratio: Right, memory: Right, measuredAt: noon.Add(time.Hour), place: harness.Host, nodes: 2,
			said: []string{"Of 1 ratio over flat, 1 were predicted within 10 %", "1 share of local memory, 1 were", "before the measurement began", "median error of 0 %"}},
		{name: "wrong", predicted: 80, local: 60, ratio: Wrong, memory: Wrong, measuredAt: noon.Add(time.Hour), place: harness.Host, nodes: 2,
			said: []string{"Of 1 ratio over flat, 0 were predicted", "1 were predicted wrong, most of all triad under numa with P=8: 1.25x predicted, 2.00x measured"}},
		{name: "too late", predicted: 50, local: 97, ratio: Right, memory: Right, measuredAt: noon.Add(-time.Hour), place: harness.Host, nodes: 2,
			said: []string{"This is no prediction"}},
		{name: "one node", predicted: 50, local: 97, ratio: Right, memory: Right, measuredAt: noon.Add(time.Hour), place: harness.Host, nodes: 1,
			said: []string{"one NUMA node", "shows nothing about locality"}},
		{name: "virtual", predicted: 80, local: 97, memory: Right, measuredAt: noon.Add(time.Hour), place: harness.Virtual, nodes: 4,
			said: []string{"Only locality is compared"}},
	} {
		p, err := New(made(harness.Simulated, c.nodes, noon, 100, []float64{c.predicted}, local(c.local, harness.MemoryLocal)),
			made(c.place, c.nodes, c.measuredAt, 100, around, local(95, harness.Pages), local(50, harness.Touched)))
		if err != nil {
			t.Fatal(err)
		}
		numa := p.Rows[1]
		if got := numa.OfRatio(); got != c.ratio {
			t.Errorf("%s: ratio %v, measured %v: %q, want %q", c.name, numa.Over, numa.Measured, got, c.ratio)
		}
		if got := numa.OfLocal(); got != c.memory || numa.LocalBy != harness.Pages {
			t.Errorf("%s: local %v, measured %v by %v: %q, want %q", c.name, numa.Local, numa.LocalMeasured, numa.LocalBy, got, c.memory)
		}
		if got := p.Rows[0].OfRatio(); got != None {
			t.Errorf("%s: flat is compared with itself", c.name)
		}
		lines := strings.Join(p.Lines(), "\n")
		for _, want := range c.said {
			if !strings.Contains(lines, want) {
				t.Errorf("%s: does not say %q:\n%s", c.name, want, lines)
			}
		}
		if head := strings.Join(p.Table().Head, " "); strings.Contains(head, "local") != (c.nodes > 1) || len(p.Table().Rows[0]) != len(p.Table().Head) {
			t.Errorf("%s: %d nodes, columns %s", c.name, c.nodes, head)
		}
		var page bytes.Buffer
		if err := p.WriteHTML(&page, "a", "b"); err != nil || !strings.Contains(page.String(), `href="a/index.html"`) || strings.Contains(page.String(), "WRONG") != (c.ratio == Wrong || c.memory == Wrong) {
			t.Errorf("%s: %v, page\n%s", c.name, err, page.String())
		}
	}
}

func TestBesideRefuses(t *testing.T) {
	sim := made(harness.Simulated, 2, noon, 100, []float64{50})
	host := made(harness.Host, 2, noon, 100, []float64{50})
	other := made(harness.Host, 2, noon, 100, []float64{50})
	for i := range other.Measurements {
		other.Measurements[i].Params = "n=10"
	}
	for _, c := range []struct {
		predicted, measured *harness.Results
		want                string
	}{{host, host, "want a simulated one"}, {sim, sim, "want what a machine measured"}, {sim, other, "no cell in common"}} {
		if _, err := New(c.predicted, c.measured); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// The page says whether the predicted flat has the lock that the measured one lacks.
func TestPageSaysIfFlatHasGosLock(t *testing.T) {
	for _, c := range []struct {
		command []string
		want    string
	}{
		{[]string{"experiments", "sim", "--preset", "p.json"}, "flat and its kin are predicted with Go's lock, and are measured without it."},
		{[]string{"experiments", "sim", "--nolock", "--preset", "p.json"}, "flat and its kin are predicted without Go's lock"},
	} {
		predicted := made(harness.Simulated, 2, noon, 100, []float64{50})
		predicted.Meta.Command = c.command
		p, err := New(predicted, made(harness.Host, 2, noon.Add(time.Hour), 100, []float64{50}))
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Join(p.Lines(), "\n"); !strings.Contains(lines, c.want) {
			t.Errorf("%v: does not say %q:\n%s", c.command, c.want, lines)
		}
	}
}

// A wide interval is no confirmation, and no refutation unless it lies elsewhere.
func TestUncertainMeasurementsDecideNothing(t *testing.T) {
	for _, c := range []struct {
		over, measured, low, high float64
		want                      Verdict
	}{
		{2, 2, 1.9, 2.1, Right}, {2, 2, 1, 4, Open}, {2, 1.6, 1.5, 1.7, Wrong}, {2, 1.2, 0.5, 2.5, Open}, {2, 1, 0.5, 1.5, Wrong},
		{2, 2, math.Inf(-1), math.Inf(1), Open}, {math.NaN(), 1, 1, 1, None},
	} {
		r := Row{Over: c.over, Measured: c.measured, Low: c.low, High: c.high}
		if got := r.OfRatio(); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// A service is judged by its latency. How long a run takes is the arrivals' affair.
func TestLatenciesOfAServiceAreCompared(t *testing.T) {
	service := func(place harness.Place, at time.Time, p99 float64) *harness.Results {
		r := made(place, 2, at, 100, []float64{100, 100, 100, 100, 100, 100})
		for i := range r.Measurements {
			m := &r.Measurements[i]
			m.Workload, m.Params = "kvserve", "gap=20000"
			v := 4e6
			if m.Arm == "numa" {
				v = p99
			}
			m.Values = append(m.Values, harness.Value{Value: v, Unit: harness.P99.Unit})
		}
		return r
	}
	p, err := New(service(harness.Simulated, noon, 1e6), service(harness.Host, noon.Add(time.Hour), 2e6))
	if err != nil {
		t.Fatal(err)
	}
	if r := p.Rows[1]; r.Over != 4 || r.Measured != 2 || r.Time != 0.5 || r.OfRatio() != Wrong {
		t.Errorf("%+v: want 4x predicted, 2x measured, half the latency", r)
	}
	if name := p.Table().Rows[1][0]; name != "kvserve p99 P=8 numa" {
		t.Errorf("called %q", name)
	}
}
