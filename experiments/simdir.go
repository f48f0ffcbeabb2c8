package main

import (
	"context"
	"errors"
	"io"
	"path/filepath"

	"numasched/experiments/harness"
	"numasched/experiments/report"
	"numasched/experiments/simulated"
	"numasched/experiments/usage"
	"numasched/experiments/workload"
)

// sweep checks the command line and turns it into cells.
func (f *simFlags) sweep() (*simulated.Sweep, error) {
	machines, err := usage.Simulated(f.presets, f.procs)
	if err != nil {
		return nil, err
	}
	arms, err := usage.SimArms(f.arms)
	if err != nil {
		return nil, err
	}
	loads, err := usage.Workloads(f.workloads, !f.full)
	if err != nil {
		return nil, err
	}
	for i := range machines {
		machines[i].NoLock = f.noLock
	}
	sw, all := simulated.Grid{Seed: f.seed, Machines: machines, Programs: programs(loads), Arms: arms, Shard: f.shard}.Sweep()
	if len(sw.Cells) == 0 {
		return nil, usage.Errorf("--shard %s: nothing to simulate: there are %s", f.shard.String(), harness.Count(all, "run", "runs"))
	}
	return sw, nil
}

func programs(loads []workload.Load) (all []workload.Program) {
	for _, l := range loads {
		all = append(all, l.Program)
	}
	return all
}

// into simulates into the directory of --out, and says what was found.
func (f *simFlags) into(simulate func(context.Context, string, []string, io.Writer) (*harness.Meta, []*simulated.Run, error), line []string, stdout, stderr io.Writer) error {
	ctx, stop := untilInterrupted()
	defer stop()
	meta, runs, err := simulate(ctx, f.out, line, stderr)
	if errors.As(err, new(*harness.DirError)) {
		return usage.DirError(f.out, err)
	}
	if err != nil {
		return err
	}
	return report.ShowSweep(stdout, f.out, meta, runs)
}

// verifySweep simulates the sweep in dir again and compares its files byte for byte.
func verifySweep(dir string, stdout, stderr io.Writer) error {
	res, err := harness.Load(dir)
	if err != nil {
		return usage.Errorf("--verify: %w", err)
	}
	args := res.Meta.Command
	if res.Meta.Place != harness.Simulated || len(args) < 2 || args[1] != "sim" {
		return usage.Errorf("--verify: %s is of a %s: want the results of \"experiments sim --out\"", dir, res.Meta.Place)
	}
	if !res.Meta.Complete() && res.Meta.Suspect == nil {
		return usage.Errorf("--verify: %s is not complete: %d of %d runs", dir, res.Meta.Done, res.Meta.Planned)
	}
	wrong := func(err error) error {
		return usage.Errorf("--verify: the command in %s: %w", filepath.Join(dir, harness.MetaFile), err)
	}
	var f simFlags
	if err := f.parse(args[2:]); err != nil {
		return wrong(err)
	}
	if f.claims {
		plan, err := f.plan()
		if err != nil {
			return wrong(err)
		}
		return plan.Again(dir, args, stdout, stderr)
	}
	sw, err := f.sweep()
	if err != nil {
		return wrong(err)
	}
	return sw.Again(dir, stdout, stderr)
}
