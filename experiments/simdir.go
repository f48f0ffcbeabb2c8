package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"numasched/experiments/harness"
	"numasched/experiments/report"
	"numasched/experiments/simulated"
	"numasched/experiments/usage"
	"numasched/sched/sim"
	"numasched/topology"
)

// sweep checks the command line and turns it into cells.
func (f *simFlags) sweep() (*simulated.Sweep, error) {
	names := usage.List(f.presets)
	if len(names) == 0 {
		return nil, usage.Errorf("--preset: want at least one of %s, synthetic:NxC or a file.json", strings.Join(sim.PresetNames(), ", "))
	}
	arms, err := usage.SimArms(f.arms)
	if err != nil {
		return nil, err
	}
	loads, err := usage.Workloads(f.workloads, !f.full)
	if err != nil {
		return nil, err
	}
	sw := &simulated.Sweep{Seed: f.seed}
	for _, name := range names {
		p, err := usage.Preset(name)
		if err != nil {
			return nil, err
		}
		topo, err := topology.Load(p.Topology)
		if err != nil {
			return nil, usage.Wrong(err)
		}
		if strings.ContainsAny(p.Name, "/ \t") || p.Name == "" {
			return nil, usage.Errorf("--preset %s: its name is %q: want one word without slashes, for benchmark names", name, p.Name)
		}
		if slices.ContainsFunc(sw.Machines, func(t harness.TopoMeta) bool { return t.Label == p.Name }) {
			return nil, usage.Errorf("--preset: two of the list are named %s: one run cannot tell them apart", p.Name)
		}
		sw.Machines = append(sw.Machines, harness.SimulatedTopology(p.Name, topo, p.Assumed()))
		procs, err := usage.Shares(f.procs, name, topo.Allowed.Len())
		if err != nil {
			return nil, err
		}
		for _, l := range loads {
			for _, n := range procs {
				for _, arm := range arms {
					sw.Cells = append(sw.Cells, simulated.Cell{Machine: simulated.Machine{Preset: p, Topology: topo, Seed: f.seed, NoLock: f.noLock}, Arm: arm, Program: l.Program, Procs: n})
				}
			}
		}
	}
	all := harness.Count(len(sw.Cells), "run", "runs")
	i := -1
	sw.Cells = slices.DeleteFunc(sw.Cells, func(simulated.Cell) bool { i++; return !f.shard.Has(i) })
	if len(sw.Cells) == 0 {
		return nil, usage.Errorf("--shard %s: nothing to simulate: there are %s", f.shard.String(), all)
	}
	return sw, nil
}

// writeSweep simulates a sweep, writes a result directory, and says what was found.
func writeSweep(sw *simulated.Sweep, dir string, command []string, stdout, stderr io.Writer) error {
	lock, err := harness.LockNewDir(dir)
	if err != nil {
		return usage.DirError(dir, err)
	}
	defer lock.Unlock()
	ctx, stop := untilInterrupted()
	defer stop()
	began := time.Now()
	runs, err := sw.Run(ctx, stderr)
	if err != nil {
		return err
	}
	meta, err := sw.Keep(runs, dir, command, began)
	if err != nil {
		return err
	}
	lock.Unlock() // showSweep locks the directory
	return showSweep(meta, runs, dir, stdout)
}

// showSweep prints what the sweep in dir has found, and writes its figures and its page. An
// error also says that the sweep was interrupted, or which check failed first.
func showSweep(meta *harness.Meta, runs []*simulated.Run, dir string, stdout io.Writer) error {
	if meta.Done > 0 {
		res, err := harness.Load(dir)
		if err != nil {
			return err
		}
		report.PrintSweep(stdout, res)
		if err := report.Publish(res); err != nil {
			return err
		}
	}
	if !meta.Complete() {
		return fmt.Errorf("%w: %d of %d runs are finished and kept in %s", harness.ErrInterrupted, meta.Done, meta.Planned, dir)
	}
	return simulated.FailedCheck(runs)
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
	var f simFlags
	if err := f.parse(args[2:]); err != nil {
		return usage.Errorf("--verify: the command in %s: %w", filepath.Join(dir, harness.MetaFile), err)
	}
	if f.claims {
		return f.verifyClaims(dir, args, stdout, stderr)
	}
	sw, err := f.sweep()
	if err != nil {
		return usage.Errorf("--verify: the command in %s: %w", filepath.Join(dir, harness.MetaFile), err)
	}
	return sw.Again(dir, stdout, stderr)
}
