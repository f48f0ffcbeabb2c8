package harness

import (
	"slices"
	"testing"

	"numasched/experiments/workload"
	"numasched/sched"
)

// What a run that only warms up has counted is forgotten, before the first that counts.
func TestMeasureForgetsWhatWarmsUp(t *testing.T) {
	for _, warm := range []bool{false, true} {
		var did []string
		do := func(what string) { did = append(did, what) }
		in := &workload.Instance{
			Setup:  func(*sched.Sched) error { do("setup"); return nil },
			Stock:  func() error { do("run"); return nil },
			Warmed: func() { do("warmed") },
			Check:  func(*sched.Sched) error { do("check"); return nil },
		}
		if _, err := Measure(in, sched.Config{Procs: 1}, Repetition{Runs: 2, Warm: warm}, nil); err != nil {
			t.Fatal(err)
		}
		want := []string{"setup", "run", "run", "check"}
		if warm {
			want = []string{"setup", "run", "warmed", "run", "run", "check"}
		}
		if !slices.Equal(did, want) {
			t.Errorf("warm %v: %q, want %q", warm, did, want)
		}
	}
}
