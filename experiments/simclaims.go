package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"numasched/experiments/claims"
	"numasched/experiments/harness"
	"numasched/experiments/usage"
	"numasched/experiments/workload"
	"numasched/sched/sim"
)

// plan returns what --claims simulates.
func (f *simFlags) plan() (*claims.Plan, error) {
	names := usage.List(f.presets)
	if len(names) == 0 {
		names = claims.QuickMachines
		if f.full {
			names = claims.Machines
		}
	}
	var machines []*sim.Preset
	for _, name := range names {
		p, err := usage.Preset(name)
		if err != nil {
			return nil, err
		}
		machines = append(machines, p)
	}
	var progs []workload.Program
	if f.claimLoads {
		loads, err := usage.Workloads(f.workloads, !f.full)
		if err != nil {
			return nil, err
		}
		for _, l := range loads {
			progs = append(progs, l.Program)
		}
	}
	p, err := claims.NewPlan(machines, progs, f.seed, f.full)
	if err != nil {
		return nil, usage.Wrong(err)
	}
	if f.shard.Of > 0 {
		if err := p.Shard(f.shard.Number, f.shard.Of); err != nil {
			return nil, usage.Errorf("--shard %s: %w", f.shard.String(), err)
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
		return usage.DirError(f.out, err)
	}
	lock, err := harness.LockDir(f.out)
	if err != nil {
		return usage.DirError(f.out, err)
	}
	defer lock.Unlock()
	if _, err := os.Stat(filepath.Join(f.out, harness.MetaFile)); !errors.Is(err, fs.ErrNotExist) {
		return usage.Errorf("--out %s: it exists: want a folder that does not, or one that --claims did not finish", f.out)
	}
	ctx, stop := untilInterrupted()
	defer stop()
	began := time.Now()
	sw, runs, err := plan.Simulate(ctx, f.out, command, stderr)
	if errors.As(err, new(*claims.OtherCommandError)) {
		return usage.Errorf("--out %s: %w", f.out, err)
	}
	if err != nil {
		return err
	}
	meta, err := sw.Keep(runs, f.out, command, began)
	if err != nil {
		return err
	}
	lock.Unlock() // showSweep locks the directory
	return showSweep(meta, runs, f.out, stdout)
}

// verifyClaims simulates the claim table in dir again and compares its files.
func (f *simFlags) verifyClaims(dir string, command []string, stdout, stderr io.Writer) error {
	plan, err := f.plan()
	if err != nil {
		return usage.Errorf("--verify: the command in %s: %w", filepath.Join(dir, harness.MetaFile), err)
	}
	if err := plan.Again(filepath.Join(dir, claims.File), command, stdout, stderr); err != nil {
		return err
	}
	return plan.Sweep().Again(dir, stdout, stderr)
}

// readShard reads the command of a shard of a claim table, as [claims.Reader] says. The whole
// command has the words of the shard's, but for --shard and --out.
func readShard(command []string, out string) (whole []string, own harness.Shard, err error) {
	if len(command) < 2 || command[1] != "sim" {
		return nil, own, nil
	}
	words := command[2:]
	var f simFlags
	if err := f.parse(words); err != nil {
		return nil, own, err
	}
	if !f.claims {
		return nil, own, nil
	}
	whole = slices.Clone(command[:2])
	err = new(simFlags).command(nil).Flags().ParseAll(words, func(flag *pflag.Flag, _ string) error {
		n := 2 // words: the flag and its value
		if flag.NoOptDefVal != "" || strings.Contains(words[0], "=") {
			n = 1
		}
		switch flag.Name {
		case "shard":
		case "out":
			whole = append(whole, "--out", out)
		default:
			whole = append(whole, words[:n]...)
		}
		words = words[n:]
		return nil
	})
	return whole, f.shard, err
}
