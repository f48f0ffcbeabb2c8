package main

import (
	"strings"
	"testing"

	"golang.org/x/perf/benchmath"

	"numasched/experiments/harness"
	"numasched/experiments/report"
	"numasched/experiments/usage"
	"numasched/experiments/workload"
)

// What was measured at a size of the public table stands beside it, as CPU time for a task
// and over oneTBB's of the same machine. Other sizes do not.
func TestBesideAPublicTable(t *testing.T) {
	group := func(load, params string, ns map[string]float64) harness.Group {
		g := harness.Group{Cell: harness.Cell{Workload: load, Params: params, Procs: 2}}
		for _, arm := range []string{"numa", "onetbb"} {
			if ns[arm] > 0 {
				g.Rows = append(g.Rows, harness.Row{Arm: arm, NsPerUnit: benchmath.Summary{Center: ns[arm]}})
			}
		}
		return g
	}
	got := report.BesidePublished([]harness.Group{
		group("fib", "n=39", map[string]float64{"numa": 20, "onetbb": 50}),
		group("fib", "n=32", map[string]float64{"numa": 1, "onetbb": 1}),
		group("skynet", "depth=8/channels=0", map[string]float64{"numa": 30}),
	})
	var lines []string
	for _, row := range append([][]string{got.Head}, got.Rows...) {
		lines = append(lines, strings.Join(row, "|"))
	}
	want := `runtime|fib P=2|over|skynet P=2|over
numa|40.0|0.40x|60.0|-
onetbb|100|1.00x|-|-
published libfork|42.4|0.25x|22.8|0.28x
published TooManyCooks|51.6|0.31x|26.7|0.33x
published taskflow|125|0.74x|118|1.45x
published onetbb|169|1.00x|81.4|1.00x`
	if text := strings.Join(lines, "\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if n := len(report.BesidePublished([]harness.Group{group("fib", "n=32", map[string]float64{"numa": 1})}).Rows); n != 0 {
		t.Errorf("%d lines beside no size of the table", n)
	}
	for _, args := range []string{"peers --tables --quick", "peers --tables --workload fib"} {
		if status, _, errs := cli(strings.Fields(args)...); status != 2 || !strings.Contains(errs, "--tables and --") {
			t.Errorf("%s: status %d, %q", args, status, errs)
		}
	}
	loads, err := usage.Workloads(tableLoads(), false)
	if err != nil || len(loads) != 4 {
		t.Fatalf("%d workloads, %v; want those of the table and skynet's original size", len(loads), err)
	}
	for _, l := range loads {
		if big := l.Name == "skynet" && l.Params["depth"] == 8; l.Stock == big {
			t.Errorf("goroutines have %s %s: %v", l.Name, l.Sizes(), l.Stock)
		}
	}
	if in, err := workload.ByName("skynet").New(workload.Params{"depth": 8}); err != nil || in.Stock != nil {
		t.Errorf("skynet with a hundred million goroutines is measured (%v)", err)
	}
}
