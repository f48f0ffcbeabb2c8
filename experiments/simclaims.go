package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"numasched/experiments/claims"
	"numasched/experiments/harness"
	"numasched/experiments/simulated"
	"numasched/experiments/workload"
	"numasched/sched/sim"
)

// plan returns what --claims simulates.
func (f *simFlags) plan() (*claims.Plan, error) {
	names := splitList(f.presets)
	if len(names) == 0 {
		names = claims.QuickMachines
		if f.full {
			names = claims.Machines
		}
	}
	var machines []*sim.Preset
	for _, name := range names {
		p, err := loadPreset(name)
		if err != nil {
			return nil, err
		}
		machines = append(machines, p)
	}
	var progs []workload.Program
	if f.claimLoads {
		loads, err := parseWorkloads(f.workloads, !f.full)
		if err != nil {
			return nil, err
		}
		for _, l := range loads {
			progs = append(progs, l.Program)
		}
	}
	p, err := claims.NewPlan(machines, progs, f.seed, f.full)
	if err != nil {
		return nil, usageError{err}
	}
	if f.shard.of > 0 {
		if err := p.Shard(f.shard.number, f.shard.of); err != nil {
			return nil, usagef("--shard %s: %w", f.shard.String(), err)
		}
	}
	return p, nil
}

// writeClaims simulates what a claim table needs, piece by piece, into a result directory.
// One that was interrupted goes on where it stopped.
func (f *simFlags) writeClaims(command []string, stdout, stderr io.Writer) error {
	plan, err := f.plan()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(f.out, 0o777); err != nil {
		return dirError(f.out, err)
	}
	lock, err := harness.LockDir(f.out)
	if err != nil {
		return dirError(f.out, err)
	}
	defer lock.Unlock()
	if _, err := os.Stat(filepath.Join(f.out, harness.MetaFile)); !errors.Is(err, fs.ErrNotExist) {
		return usagef("--out %s: it exists: want a folder that does not, or one that --claims did not finish", f.out)
	}
	ctx, stop := untilInterrupted()
	defer stop()
	began := time.Now()
	path := filepath.Join(f.out, claims.File)
	have, err := plan.Keep(ctx, path, command, stderr)
	if errors.As(err, new(*claims.OtherCommandError)) {
		return usagef("--out %s: %w", f.out, err)
	}
	var runs []*simulated.Run
	sw := plan.Sweep()
	if err == nil {
		runs, err = sw.Run(ctx, stderr)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %d of %d pieces are kept in %s; the same command goes on with the rest", harness.ErrInterrupted, have, plan.Pieces(), path)
	}
	if err != nil {
		return err
	}
	return keepSweep(sw, runs, f.out, command, began, lock, stdout)
}

// verifyClaims simulates the claim table in dir again and compares its files.
func (f *simFlags) verifyClaims(dir string, command []string, stdout, stderr io.Writer) error {
	plan, err := f.plan()
	if err != nil {
		return usagef("--verify: the command in %s: %w", filepath.Join(dir, harness.MetaFile), err)
	}
	if err := plan.Again(filepath.Join(dir, claims.File), command, stdout, stderr); err != nil {
		return err
	}
	return plan.Sweep().Again(dir, stdout, stderr)
}
