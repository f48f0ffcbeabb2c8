package harness

import (
	"io"

	"numasched/experiments/workload"
	"numasched/sched"
	"numasched/sched/trace"
)

// Record runs in once, as cfg says, and writes what r has kept of it, after a check, for
// ui.perfetto.dev.
func Record(w io.Writer, r *trace.Recorder, in *workload.Instance, cfg sched.Config, seed uint64) error {
	cfg.Events = r.Sink
	of, err := Measure(in, cfg, Repetition{Runs: 1, Seed: seed}, nil)
	if err == nil {
		err = r.Validate()
	}
	if err != nil {
		return err
	}
	return r.WriteChrome(w, of.Sched)
}
