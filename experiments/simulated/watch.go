package simulated

import (
	"bytes"
	"fmt"
	"io"

	"numasched/experiments/progress"
	"numasched/sched"
)

// A Watch says what is to be seen of the runs of a sweep, beside their results.
type Watch struct {
	Trace sched.SchedTrace // printed if its Every is not 0; its Out is not looked at
	Check bool             // also the invariants that take more runs
}

// RunWatched simulates all cells on all CPUs of this computer. The lines of the trace are printed
// to stderr, those of one run after those of another.
func (sw *Sweep) RunWatched(w Watch, stderr io.Writer) ([]*Run, error) {
	var jobs []progress.Job[*Run]
	lines := make([]bytes.Buffer, len(sw.Cells)) // for runs take place at the same time
	for i, c := range sw.Cells {
		c.Trace = w.Trace
		c.Trace.Out = &lines[i]
		jobs = append(jobs, progress.Job[*Run]{Name: c.Title(), Run: func() (*Run, error) {
			r, err := c.Run(c.Arm, c.Program, c.Procs)
			if err == nil && w.Check {
				err = c.Check(r, c.Arm, c.Program, c.Procs)
			}
			return r, err
		}})
	}
	runs, err := progress.Parallel(stderr, jobs)
	for i := range lines {
		if w.Trace.Every != 0 && len(lines) > 1 {
			c := &sw.Cells[i]
			fmt.Fprintf(stderr, "%s %s P=%d %s:\n", c.Preset.Name, c.Program.Name, c.Procs, c.Arm)
		}
		lines[i].WriteTo(stderr)
	}
	return runs, err
}
