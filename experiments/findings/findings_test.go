package findings

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"numasched/experiments/harness"
)

// made returns simulated results of one machine, with the given makespans per
// unit for flat and numa, and numa's locality and distance from the bound. The
// data is bound by memory if busiest and bound say the same.
func made(nodes int, workload string, flat, numa, local, bound, busiest float64) *harness.Results {
	cell := func(arm string, ns float64) harness.Measurement {
		return harness.Measurement{
			Cell: harness.Cell{Workload: workload, Arm: arm, Topo: "m", Procs: 8}, Runs: 1, Exact: true,
			Values: []harness.Value{{Value: ns, Unit: "ns/chunk"}, {Value: local, Unit: harness.MemoryLocal.Unit},
				{Value: bound, Unit: harness.OverBound.Unit}, {Value: busiest, Unit: harness.Busiest.Unit}},
		}
	}
	return &harness.Results{
		Meta:         harness.Meta{Place: harness.Simulated, Topologies: []harness.TopoMeta{{Label: "m", CPUs: 8, NodesWithCPUs: nodes}}},
		Measurements: []harness.Measurement{cell("flat", flat), cell("numa", numa)},
	}
}

func TestFindingsJudge(t *testing.T) {
	for _, c := range []struct {
		name  string
		res   *harness.Results
		homed bool
		short []string // what it falls short in
	}{
		{"meets all", made(4, "triad", 200, 100, 96, 1.1, 100/1.1), true, nil},
		{"too slow", made(4, "triad", 170, 100, 96, 1.1, 100/1.1), true, []string{"over flat 1.700x"}},
		{"too far", made(8, "heat", 200, 100, 94.9, 1.1, 100/1.1), true, []string{"local 94.9 %"}},
		{"all wrong", made(8, "heat", 100, 100, 50, 1.3, 100/1.3), true, []string{"over flat 1.000x", "local 50.0 %", "over the bound 1.300x"}},
		{"two nodes", made(2, "triad", 100, 100, 96, 1.3, 100/1.3), false, nil},
		{"two nodes, slower", made(2, "triad", 97, 100, 96, 1.3, 100/1.3), false, []string{"over flat 0.970x"}},
		{"in the caches", made(4, "triad", 100, 100, 0, 5, 3), false, nil},
		{"no homes", made(4, "fib", 97.9, 100, 0, 5, 3), false, []string{"over flat 0.979x"}},
	} {
		fs := judge(c.res)
		if len(fs) != 1 || fs[0].homed != c.homed || len(fs[0].shorts) != len(c.short) {
			t.Errorf("%s: %+v", c.name, fs)
			continue
		}
		_, lines := Of(c.res)
		text := strings.Join(lines, "\n")
		for i, want := range c.short {
			if !strings.HasPrefix(fs[0].shorts[i], want) {
				t.Errorf("%s: falls short in %q, want %q", c.name, fs[0].shorts[i], want)
			}
		}
		if all := regexp.MustCompile(`, \d+ falls? short`).MatchString(text); all != (len(c.short) > 0) {
			t.Errorf("%s: says %q", c.name, text)
		}
	}
}

// Beside the ratios stands what they do not show: what flat is there, and that
// numa-wrongmap still has locality.
func TestFindingsSayWhatTheRatiosDoNotShow(t *testing.T) {
	if _, lines := Of(made(4, "fib", 200, 100, 0, 5, 3)); strings.Contains(strings.Join(lines, "\n"), "flat is not") {
		t.Errorf("on work without homes: %s", lines)
	}
	if _, lines := Of(made(2, "heat", 200, 100, 96, 1.1, 100/1.1)); !strings.Contains(strings.Join(lines, "\n"), "flat is not what a Go program gets") {
		t.Errorf("on two nodes: %s", lines)
	}
	res := made(4, "triad", 200, 100, 96, 1.1, 100/1.1)
	text := func() string {
		_, lines := Of(res)
		return strings.Join(lines, "\n")
	}
	if got := text(); !strings.Contains(got, "flat is not what a Go program gets") || strings.Contains(got, "numa-wrongmap") {
		t.Errorf("without numa-wrongmap: %s", got)
	}
	for i, local := range []float64{15, 46} {
		wrong := made(4, "triad", 200, 110, local, 1.1, 100/1.1).Measurements
		for j := range wrong {
			wrong[j].Topo = fmt.Sprint("m", i)
			if wrong[j].Arm == "numa" {
				wrong[j].Arm = "numa-wrongmap"
			}
		}
		both := made(4, "triad", 200, 100, 96, 1.1, 100/1.1).Measurements
		both[1].Topo = wrong[0].Topo
		res.Measurements = append(res.Measurements, append(wrong, both[1])...)
		res.Meta.Topologies = append(res.Meta.Topologies, harness.TopoMeta{Label: wrong[0].Topo, CPUs: 8, NodesWithCPUs: 4})
	}
	want := "numa has 1.10x to 1.10x the throughput of numa-wrongmap. That arm is not sharding without locality"
	if got := text(); !strings.Contains(got, want) || !strings.Contains(got, "15 to 46 % of its bytes are local") || !strings.Contains(got, "is not known from it") {
		t.Errorf("with numa-wrongmap: %s", got)
	}
	wrong := made(4, "triad", 200, 110, 2, 1.1, 100/1.1).Measurements
	for j := range wrong {
		if wrong[j].Arm == "numa" {
			wrong[j].Arm = "numa-wrongmap"
		}
	}
	res = made(4, "triad", 200, 100, 96, 1.1, 100/1.1)
	res.Measurements = append(res.Measurements, wrong...)
	if got := text(); !strings.Contains(got, "but 2 to 2 % of its bytes local. So that much is locality") {
		t.Errorf("with a numa-wrongmap that has no locality: %s", got)
	}
}
