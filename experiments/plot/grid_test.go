package plot

import (
	"fmt"
	"strings"
	"testing"

	"numasched/experiments/harness"
)

// Machines stand side by side with the same rows. What one of them has not run is empty
// there, and what none has a number of is left out.
func TestMachinesStandSideBySide(t *testing.T) {
	var all []harness.Measurement
	for _, c := range []harness.Cell{
		{Workload: "triad", Params: "n=8", Arm: "flat", Topo: "a", Procs: 4},
		{Workload: "triad", Params: "n=8", Arm: "numa", Topo: "a", Procs: 4},
		{Workload: "fib", Arm: "flat", Topo: "a", Procs: 4},
		{Workload: "fib", Arm: "gm", Topo: "a", Procs: 4},
		{Workload: "triad", Params: "n=8", Arm: "flat", Topo: "b", Procs: 8},
		{Workload: "triad", Params: "n=8", Arm: "numa", Topo: "b", Procs: 8},
		{Workload: "triad", Params: "n=8", Arm: "gm", Topo: "b", Procs: 8},
	} {
		all = append(all, harness.Measurement{Cell: c, Runs: 1, Exact: true, Values: []harness.Value{{Value: 1, Unit: "ns/task"}}})
	}
	groups := harness.Summarize(all, "flat")
	rowOf := func(_ *harness.Group, r *harness.Row) row {
		if r.Speedup == nil {
			return row{}
		}
		return row{text: harness.FormatRatio(r.Speedup.Center)}
	}
	gr := newGrid(groups, panel{}, nil, rowOf)
	if gr == nil {
		t.Fatal("no grid of two machines")
	}
	text := func(f *forest) string {
		var b strings.Builder
		for _, r := range f.rows {
			b.WriteString(r.name + "=" + r.text + ";")
		}
		return b.String()
	}
	for i, want := range []string{
		"triad · n=8=;numa=1.00x;gm=;fib=;gm=1.00x;",
		"=;=1.00x;=1.00x;=;=;",
	} {
		if got := text(&gr.columns[i]); got != want {
			t.Errorf("column %d is %q, want %q", i, got, want)
		}
	}
	if titles := strings.Join(gr.titles, " "); titles != "a\nP=4 b\nP=8" {
		t.Errorf("titles %q", titles)
	}
	if newGrid(groups[:1], panel{}, nil, rowOf) != nil {
		t.Error("one machine has a grid")
	}
}

// Where the kernel has counted pages, the bar is its count. What the scheduler believes
// is a ring.
func TestTheKernelsCountIsTheBar(t *testing.T) {
	groups := load(t, "virtual").Groups()
	var svg strings.Builder
	for _, f := range Figures(load(t, "virtual")) {
		if f.Name == "locality" {
			if err := f.WriteSVG(&svg); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, g := range groups {
		for _, r := range g.Rows {
			want := fmt.Sprintf("%.1f (", r.Mid(harness.Pages))
			if !strings.Contains(svg.String(), want) {
				t.Errorf("%s under %s: the figure does not have %s", g.Workload, r.Arm, want)
			}
		}
	}
}

// A size that follows the machine does not tell rows apart: each machine has its number in
// the row. A size that was chosen does, also where only some groups have it.
func TestSizesThatFollowTheMachineShareARow(t *testing.T) {
	var all []harness.Measurement
	for _, c := range []harness.Cell{
		{Workload: "triad", Params: "n=8", Topo: "a"},
		{Workload: "triad", Params: "n=8/skew=4", Topo: "a"},
		{Workload: "heat", Params: "n=3/sweeps=1", Topo: "a"},
		{Workload: "short", Params: "gap=1", Topo: "a"},
		{Workload: "short", Params: "gap=2", Topo: "a"},
		{Workload: "triad", Params: "n=9", Topo: "b"},
		{Workload: "triad", Params: "n=9/skew=4", Topo: "b"},
		{Workload: "heat", Params: "n=4/sweeps=1", Topo: "b"},
		{Workload: "short", Params: "gap=2", Topo: "b"},
	} {
		for _, arm := range []string{"flat", "numa"} {
			c.Arm, c.Procs = arm, 4
			all = append(all, harness.Measurement{Cell: c, Runs: 1, Exact: true, Values: []harness.Value{{Value: 1, Unit: "ns/task"}}})
		}
	}
	groups := harness.Summarize(all, "flat")
	if got, want := strings.Join(JobNames(groups), ", "), "triad, triad skew=4, heat, short gap=1, short gap=2, triad, triad skew=4, heat, short gap=2"; got != want {
		t.Errorf("names %q, want %q", got, want)
	}
	gr := newGrid(groups, panel{}, nil, func(_ *harness.Group, r *harness.Row) row { return row{text: r.Arm} })
	var headings []string
	for i, r := range gr.columns[0].rows {
		if r.heading {
			headings = append(headings, r.name)
		} else if gr.columns[1].rows[i].text == "" && headings[len(headings)-1] != "short · gap=1" {
			t.Errorf("%s: nothing of the second machine", headings[len(headings)-1])
		}
	}
	if got, want := strings.Join(headings, "; "), "triad · n by machine; triad · skew=4 · n by machine; heat · sweeps=1 · n by machine; short · gap=1; short · gap=2"; got != want {
		t.Errorf("headings %q, want %q", got, want)
	}
}
