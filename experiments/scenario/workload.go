package scenario

import (
	"io"

	"numasched/experiments/progress"
	"numasched/experiments/simulated"
)

// A MachineError is about the machine that a scenario names.
type MachineError struct{ error }

// Unwrap returns what is wrong.
func (e *MachineError) Unwrap() error { return e.error }

// RunWorkload simulates a scenario that names a workload and no threads.
func (s *Scenario) RunWorkload(stderr io.Writer) ([]*simulated.Run, error) {
	prog := s.Workload.program
	preset, topo, err := s.Machine()
	if err != nil {
		return nil, &MachineError{err}
	}
	procs := s.Workload.Procs
	if procs == 0 {
		procs = topo.Allowed.Len()
	}
	var jobs []progress.Job[*simulated.Run]
	for _, arm := range s.Workload.Arms {
		for i := range s.Runs {
			jobs = append(jobs, progress.Job[*simulated.Run]{Name: prog.Name + " " + arm, Run: func() (*simulated.Run, error) {
				return simulated.Machine{Preset: preset, Topology: topo, Seed: s.Seed + uint64(i)}.Run(arm, prog, procs)
			}})
		}
	}
	return progress.Parallel(stderr, jobs)
}
