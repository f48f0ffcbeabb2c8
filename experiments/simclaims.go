package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
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

// claimText returns what claims.txt has at the end of a run: the pieces of a shard, or else
// whole blocks.
func (f *simFlags) claimText(command []string, pieces []claims.Block) ([]byte, error) {
	if f.shard.of == 0 {
		var err error
		if pieces, err = claims.Join(pieces); err != nil {
			return nil, err
		}
	}
	return claims.Text(command, pieces), nil
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
	pieces, err := unfinished(path, command)
	if err != nil {
		return usagef("--out %s: %w", f.out, err)
	}
	keep := func(text []byte) error {
		return harness.WriteFile(path, func(w io.Writer) error { _, err := w.Write(text); return err })
	}
	if len(pieces) > 0 {
		fmt.Fprintf(stderr, "%s: %d of %d pieces are there\n", path, len(pieces), plan.Pieces())
	}
	err = plan.Run(ctx, slices.Clone(pieces), stderr, func(b claims.Block) error {
		pieces = append(pieces, b)
		return keep(claims.Text(command, pieces))
	})
	var runs []*simulated.Run
	sw := plan.Sweep()
	if err == nil {
		runs, err = sw.Run(ctx, stderr)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %d of %d pieces are kept in %s; the same command goes on with the rest", harness.ErrInterrupted, len(pieces), plan.Pieces(), path)
	}
	if err != nil {
		return err
	}
	text, err := f.claimText(command, pieces)
	if err == nil {
		err = keep(text)
	}
	if err != nil {
		return err
	}
	return keepSweep(sw, runs, f.out, command, began, lock, stdout)
}

// unfinished returns the pieces in a file that the command began, or none if there is no file.
func unfinished(path string, command []string) ([]claims.Block, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if head := claims.Text(command, nil); err == nil && !bytes.HasPrefix(data, head) {
		err = fmt.Errorf("%s is of another command: want one that begins with %q", path, bytes.TrimSpace(head))
	}
	if err != nil {
		return nil, err
	}
	return claims.ReadPieces(filepath.Dir(path))
}

// verifyClaims simulates the claim table in dir again and compares its files.
func (f *simFlags) verifyClaims(dir string, command []string, stdout, stderr io.Writer) error {
	plan, err := f.plan()
	if err != nil {
		return usagef("--verify: the command in %s: %w", filepath.Join(dir, harness.MetaFile), err)
	}
	path := filepath.Join(dir, claims.File)
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var pieces []claims.Block
	if err := plan.Run(context.Background(), nil, stderr, func(b claims.Block) error { pieces = append(pieces, b); return nil }); err != nil {
		return err
	}
	text, err := f.claimText(command, pieces)
	if err != nil {
		return err
	}
	if n := differ(stdout, path, old, text); n > 0 {
		return fmt.Errorf("%w: %s in %s", errNotReproduced, harness.Count(n, "line differs", "lines differ"), path)
	}
	fmt.Fprintf(stdout, "%s: reproduced bit for bit: %s, %d bytes, on %s/%s\n", path, harness.Count(plan.Pieces(), "piece", "pieces"), len(old), runtime.GOOS, runtime.GOARCH)
	return verifyRuns(plan.Sweep(), dir, stdout, stderr)
}
