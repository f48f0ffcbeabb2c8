package simulated

import (
	"strings"
	"testing"

	"numasched/experiments/harness"
	"numasched/experiments/workload"
)

// What a simulated run counts is in its results: how much longer work takes away from its
// data, moves of threads, and what each node's memory and each link carried.
func TestResultsHaveEveryCount(t *testing.T) {
	m := machine(t, "snb-4s-ring")
	sw := &Sweep{Seed: 1, Machines: []harness.TopoMeta{harness.SimulatedTopology(m.Preset.Name, m.Topology, nil)}}
	for _, arm := range []string{"flat", "numa"} {
		sw.Cells = append(sw.Cells, Cell{Machine: m, Arm: arm, Program: workload.ByName("triad").Program(true), Procs: 64})
	}
	runs, err := sw.Run(t.Context(), new(strings.Builder))
	if err != nil {
		t.Fatal(err)
	}
	ms, err := harness.ReadMeasurements(strings.NewReader(string(harness.ResultsText(sw.Meta(nil), sw.Measurements(runs)))), "x")
	if err != nil {
		t.Fatal(err)
	}
	flat := runs[0]
	if len(flat.Bandwidth) == 0 {
		t.Fatal("no part of the machine carried anything: this test needs some")
	}
	var tables strings.Builder
	groups := harness.Summarize(ms, "flat")
	for _, table := range harness.Tables(groups, sw.Meta(nil)) {
		table.Print(&tables)
	}
	for _, want := range []string{harness.Inflation.Name, harness.Moves.Name} {
		if !strings.Contains(tables.String(), want) {
			t.Errorf("the tables have no column %q", want)
		}
	}
	for _, l := range flat.Bandwidth {
		if v, ok := ms[0].Get(l.Name + "-GB/s"); !ok || v < 0.999*l.GBps || v > 1.001*l.GBps {
			t.Errorf("%s: the results have %v GB/s (%v), the run %v", l.Name, v, ok, l.GBps)
		}
		if strings.Contains(tables.String(), l.Name) {
			t.Errorf("the tables have a column of %s: there may be a hundred links", l.Name)
		}
	}
	for i, r := range runs {
		if v, _ := ms[i].Get("work-inflation"); v != r.WorkInflation {
			t.Errorf("%s: inflation %v, the run has %v", r.Arm, v, r.WorkInflation)
		}
		if v, _ := ms[i].Get("thread-moves/chunk"); v != float64(r.Migrations)/float64(r.Units) {
			t.Errorf("%s: %v moves of threads, the run has %d of %d chunks", r.Arm, v, r.Migrations, r.Units)
		}
	}
	for _, c := range groups[0].Rows[0].Counted {
		if m := c.Metric; m.Each && (m.Unit != m.Name+"-GB/s" || m.Better != harness.Carried.Better) {
			t.Errorf("metric %+v of one part", m)
		}
	}
}
