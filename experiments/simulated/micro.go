package simulated

import (
	"io"
	"slices"

	"numasched/experiments/progress"
	"numasched/experiments/spell"
	"numasched/sched/sim/micro"
)

// Microbench runs the tables that were measured on some presets, or on all that have such
// tables: the simulated values beside the measured ones. A preset without tables is a
// [spell.UnknownError].
func Microbench(presets []string, stderr io.Writer) ([][]micro.Cell, error) {
	all := micro.Presets()
	if len(presets) == 0 {
		presets = all
	}
	var jobs []progress.Job[[]micro.Cell]
	for _, name := range presets {
		if !slices.Contains(all, name) {
			return nil, &spell.UnknownError{What: "preset", Name: name, Valid: all}
		}
		jobs = append(jobs, progress.Job[[]micro.Cell]{Name: name, Run: func() ([]micro.Cell, error) { return micro.Run(name) }})
	}
	return progress.Parallel(stderr, jobs)
}
