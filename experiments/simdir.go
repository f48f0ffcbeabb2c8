package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"numasched/experiments/harness"
	"numasched/experiments/simulated"
	"numasched/sched/sim"
	"numasched/topology"
)

// sweep checks the command line and turns it into cells.
func (f *simFlags) sweep() (*simulated.Sweep, error) {
	names := splitList(f.presets)
	if len(names) == 0 {
		return nil, usagef("--preset: want at least one of %s, synthetic:NxC or a file.json", strings.Join(sim.PresetNames(), ", "))
	}
	arms, err := parseSimArms(f.arms)
	if err != nil {
		return nil, err
	}
	loads, err := parseWorkloads(f.workloads, !f.full)
	if err != nil {
		return nil, err
	}
	sw := &simulated.Sweep{Seed: f.seed}
	for _, name := range names {
		p, err := loadPreset(name)
		if err != nil {
			return nil, err
		}
		topo, err := topology.Load(p.Topology)
		if err != nil {
			return nil, usageError{err}
		}
		if strings.ContainsAny(p.Name, "/ \t") || p.Name == "" {
			return nil, usagef("--preset %s: its name is %q: want one word without slashes, for benchmark names", name, p.Name)
		}
		if slices.ContainsFunc(sw.Machines, func(t harness.TopoMeta) bool { return t.Label == p.Name }) {
			return nil, usagef("--preset: two of the list are named %s: one run cannot tell them apart", p.Name)
		}
		sw.Machines = append(sw.Machines, harness.SimulatedTopology(p.Name, topo, p.Assumed()))
		procs, err := parseShares(f.procs, name, topo.Allowed.Len())
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
	sw.Cells = slices.DeleteFunc(sw.Cells, func(simulated.Cell) bool { i++; return !f.shard.has(i) })
	if len(sw.Cells) == 0 {
		return nil, usagef("--shard %s: nothing to simulate: there are %s", f.shard.String(), all)
	}
	return sw, nil
}

// parseSimArms reads the arms that sim runs: "flat,numa" or "all".
func parseSimArms(s string) ([]string, error) {
	names, arms := schedulerNames(), splitList(s)
	if len(arms) == 0 {
		return nil, usagef("--arm: empty list (valid: %s, all)", strings.Join(names, ", "))
	}
	if slices.Contains(arms, "all") {
		return names, nil
	}
	for _, a := range arms {
		switch {
		case slices.Contains(names, a):
		case slices.Contains(append(armNames(), peerNames()...), a):
			return nil, usagef("--arm %s: it runs on a host only, see \"run\"; want arms that can be simulated: %s, all", a, strings.Join(names, ", "))
		default:
			return nil, usagef("--arm: %w", unknown("arm", a, append(names, "all")))
		}
	}
	return arms, nil
}

// parseShares reads numbers of Ps and shares of a machine's CPUs: "16,1/2,all".
func parseShares(s, machine string, cpus int) ([]int, error) {
	var ps []int
	for _, item := range splitList(s) {
		if item == "all" {
			item = "1/1"
		}
		n, d, share := strings.Cut(item, "/")
		num, err := strconv.Atoi(n)
		if share && err == nil {
			var den int
			if den, err = strconv.Atoi(d); err == nil && num >= 1 && num <= den {
				num = max(1, cpus*num/den)
			} else {
				num = 0
			}
		}
		if err != nil || num < 1 {
			return nil, usagef("--procs %q: want numbers of at least 1 or shares of the CPUs, as in 16,1/2,all", item)
		}
		if num > cpus {
			return nil, usagef("--procs %d is impossible: %s has %s (want 1 to %d)", num, machine, harness.Count(cpus, "CPU", "CPUs"), cpus)
		}
		if !slices.Contains(ps, num) {
			ps = append(ps, num)
		}
	}
	if len(ps) == 0 {
		return nil, usagef("--procs: empty list (want numbers or shares, as in 16,1/2,all)")
	}
	slices.Sort(ps)
	return ps, nil
}

// writeSweep simulates a sweep, writes a result directory, and says what was found.
func writeSweep(sw *simulated.Sweep, dir string, command []string, stdout, stderr io.Writer) error {
	lock, err := harness.LockNewDir(dir)
	if err != nil {
		return dirError(dir, err)
	}
	defer lock.Unlock()
	ctx, stop := untilInterrupted()
	defer stop()
	began := time.Now()
	runs, err := sw.Run(ctx, stderr)
	if err != nil {
		return err
	}
	return keepSweep(sw, runs, dir, command, began, lock, stdout)
}

// keepSweep writes the files of a sweep that ran, and says what was found.
func keepSweep(sw *simulated.Sweep, runs []*simulated.Run, dir string, command []string, began time.Time, lock *harness.Lock, stdout io.Writer) error {
	meta := sw.Meta(command)
	for _, r := range runs {
		if r == nil {
			continue
		}
		for _, warning := range r.Warnings {
			if w := r.Preset + ": " + warning; !slices.Contains(meta.Warnings, w) {
				meta.Warnings = append(meta.Warnings, w)
			}
		}
	}
	if err := harness.WriteSimulated(dir, meta, sw.Measurements(runs), began); err != nil {
		return err
	}
	if meta.Done > 0 {
		res, err := harness.Load(dir)
		if err != nil {
			return err
		}
		printSweep(stdout, res)
		lock.Unlock()
		if err := publish(res); err != nil {
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
		return usagef("--verify: %w", err)
	}
	args := res.Meta.Command
	if res.Meta.Place != harness.Simulated || len(args) < 2 || args[1] != "sim" {
		return usagef("--verify: %s is of a %s: want the results of \"experiments sim --out\"", dir, res.Meta.Place)
	}
	if !res.Meta.Complete() && res.Meta.Suspect == nil {
		return usagef("--verify: %s is not complete: %d of %d runs", dir, res.Meta.Done, res.Meta.Planned)
	}
	var f simFlags
	if err := f.parse(args[2:]); err != nil {
		return usagef("--verify: the command in %s: %w", filepath.Join(dir, harness.MetaFile), err)
	}
	if f.claims {
		return f.verifyClaims(dir, args, stdout, stderr)
	}
	sw, err := f.sweep()
	if err != nil {
		return usagef("--verify: the command in %s: %w", filepath.Join(dir, harness.MetaFile), err)
	}
	return sw.Again(dir, stdout, stderr)
}
