package report

import (
	"strings"
	"testing"

	"golang.org/x/perf/benchmath"

	"numasched/experiments/harness"
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
	got := BesidePublished([]harness.Group{
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
	if n := len(BesidePublished([]harness.Group{group("fib", "n=32", map[string]float64{"numa": 1})}).Rows); n != 0 {
		t.Errorf("%d lines beside no size of the table", n)
	}
}
