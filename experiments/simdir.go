package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"numasched/experiments/harness"
	"numasched/experiments/workload"
	"numasched/sched/policy"
	"numasched/sched/sim"
	"numasched/topology"
)

// A sweep is what one command simulates: every arm on every workload, with every number
// of Ps, on every machine. Its runs are independent, so they use all CPUs of this
// computer. Its results are in the order of its cells.
type sweep struct {
	seed     uint64
	machines []harness.TopoMeta
	cells    []simCell
}

type simCell struct {
	simOptions
	arm   string
	prog  workload.Program
	procs int
}

func (c *simCell) cell() harness.Cell {
	return harness.Cell{Workload: c.prog.Name, Params: c.prog.Sizes(), Arm: c.arm, Topo: c.preset.Name, Procs: c.procs}
}

// title names the cell where there is little room.
func (c *simCell) title() string { return c.prog.Name + " " + c.arm }

// sweep checks the command line and turns it into cells.
func (f *simFlags) sweep() (*sweep, error) {
	names := splitList(f.presets)
	if len(names) == 0 {
		return nil, usagef("--preset: want at least one of %s, synthetic:NxC or a file.json", strings.Join(sim.PresetNames(), ", "))
	}
	arms, err := parseArms(f.arms)
	if err != nil {
		return nil, err
	}
	loads, err := parseWorkloads(f.workloads, !f.full)
	if err != nil {
		return nil, err
	}
	sw := &sweep{seed: f.seed}
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
		if slices.ContainsFunc(sw.machines, func(t harness.TopoMeta) bool { return t.Label == p.Name }) {
			return nil, usagef("--preset: two of the list are named %s: one run cannot tell them apart", p.Name)
		}
		sw.machines = append(sw.machines, harness.SimulatedTopology(p.Name, topo, p.Assumed()))
		procs, err := parseShares(f.procs, name, topo.Allowed.Len())
		if err != nil {
			return nil, err
		}
		for _, l := range loads {
			for _, n := range procs {
				for _, arm := range arms {
					if _, err := policy.ByName(arm); err == nil { // stock goroutines are not simulated
						sw.cells = append(sw.cells, simCell{simOptions{p, topo, f.seed}, arm, l.Program, n})
					}
				}
			}
		}
	}
	if len(sw.cells) == 0 {
		return nil, usagef("--arm %s: nothing to simulate", f.arms)
	}
	return sw, nil
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

// run simulates all cells on all CPUs of this computer. If ctx ends first, it returns the
// finished runs, and nil for the others.
func (sw *sweep) run(ctx context.Context, stderr io.Writer) ([]*simRun, error) {
	var jobs []job[*simRun]
	for i := range sw.cells {
		c := &sw.cells[i]
		jobs = append(jobs, job[*simRun]{c.title(), func() (*simRun, error) {
			if ctx.Err() != nil {
				return nil, nil
			}
			return c.run(c.arm, c.prog, c.procs)
		}})
	}
	return inParallel(stderr, jobs)
}

// measurements turns runs into results. It leaves out runs that were not finished.
func (sw *sweep) measurements(runs []*simRun) (ms []harness.Measurement) {
	for i, r := range runs {
		if r != nil {
			ms = append(ms, harness.Measurement{Cell: sw.cells[i].cell(), Runs: 1, Values: r.values(), Exact: true})
		}
	}
	return ms
}

// values returns what goes into results.txt. No product is added to anything, because
// some compilers fuse the two operations and would give other digits.
func (r *simRun) values() []harness.Value {
	units := float64(r.Units)
	vs := []harness.Value{{Value: float64(r.MakespanNs) / units, Unit: "ns/" + r.Unit}}
	add := func(v float64, unit string) { vs = append(vs, harness.Value{Value: v, Unit: unit}) }
	percent := func(part, all int64, unit string) {
		if all > 0 {
			add(100*float64(part)/float64(all), unit)
		}
	}
	if r.Declared > 0 {
		add(float64(r.Declared)*1000/float64(r.MakespanNs), "MB/s")
	}
	percent(r.HomeRuns, r.HomeRuns+r.AwayRuns, harness.UnitLocal)
	if r.Locality >= 0 {
		add(100*r.Locality, harness.UnitMemoryLocal)
	}
	if r.BoundRatio > 0 {
		add(r.BoundRatio, harness.UnitOverBound)
	}
	busiest := 0.0
	for _, l := range r.Bandwidth {
		busiest = max(busiest, l.Share)
	}
	add(100*busiest, harness.UnitBusiest)
	all := r.WorkNs + r.SchedulingNs + r.IdleNs
	percent(r.WorkNs, all, harness.UnitWork)
	percent(r.SchedulingNs, all, harness.UnitScheduling)
	percent(r.IdleNs, all, harness.UnitIdle)
	local, remote := harness.StealUnits(r.Unit)
	add(float64(r.StealsL3+r.StealsNode)/units, local)
	add(float64(r.StealsRemote)/units, remote)
	add(float64(r.Bytes)/units, "memory-B/"+r.Unit)
	add(float64(r.WakeP99Ns), "wake-p99-ns")
	add(float64(r.Events), "events")
	return vs
}

func (sw *sweep) meta(command []string) *harness.Meta {
	m := harness.NewMeta(harness.Simulated, nil)
	m.Topologies = sw.machines
	m.Command = command
	m.Plan = harness.Plan{Seed: sw.seed, Reps: 1}
	for i := range sw.cells {
		m.Plan.Cells = append(m.Plan.Cells, harness.PlanCell{Cell: sw.cells[i].cell(), Unit: sw.cells[i].prog.Unit, Runs: 1})
	}
	return m
}

// write simulates the sweep, writes a result directory, and says what was found.
func (sw *sweep) write(dir string, command []string, stdout, stderr io.Writer) error {
	lock, err := harness.LockNewDir(dir)
	if harness.DiskFull(err) {
		return err
	}
	if err != nil {
		return usagef("--out %s: %w", dir, err)
	}
	defer lock.Unlock()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	runs, err := sw.run(ctx, stderr)
	if err != nil {
		return err
	}
	meta := sw.meta(command)
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
	if err := harness.WriteSimulated(dir, meta, sw.measurements(runs)); err != nil {
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
	return failedCheck(runs)
}

// errNotReproduced says that results differ from those that are kept. The differences
// have been printed.
var errNotReproduced = errors.New("not reproduced")

// differencesShown is how many differing lines of a file are shown.
const differencesShown = 10

// verifySweep simulates the sweep in dir again and compares results.txt byte for byte.
func verifySweep(dir string, stdout, stderr io.Writer) error {
	res, err := harness.Load(dir)
	if err != nil {
		return usagef("--verify: %w", err)
	}
	path := filepath.Join(dir, harness.ResultsFile)
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
	sw, err := f.sweep()
	if err != nil {
		return usagef("--verify: the command in %s: %w", filepath.Join(dir, harness.MetaFile), err)
	}
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	runs, err := sw.run(context.Background(), stderr)
	if err != nil {
		return err
	}
	again := harness.ResultsText(sw.meta(nil), sw.measurements(runs))
	if n := differ(stdout, path, old, again); n > 0 {
		return fmt.Errorf("%w: %s in %s", errNotReproduced, harness.Count(n, "line differs", "lines differ"), path)
	}
	fmt.Fprintf(stdout, "%s: reproduced bit for bit: %s, %d bytes, on %s/%s\n", path, harness.Count(len(runs), "simulated run", "simulated runs"), len(old), runtime.GOOS, runtime.GOARCH)
	return failedCheck(runs)
}

// differ prints the lines in which a file and its reproduction differ, and returns
// their number. The number is 0 only if every byte is the same.
func differ(w io.Writer, path string, old, again []byte) int {
	if bytes.Equal(old, again) {
		return 0
	}
	a, b := bytes.SplitAfter(old, []byte("\n")), bytes.SplitAfter(again, []byte("\n"))
	n := 0
	for i := range max(len(a), len(b)) {
		var x, y []byte
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if bytes.Equal(x, y) {
			continue
		}
		if n++; n <= differencesShown {
			fmt.Fprintf(w, "%s:%d:\n  kept: %q\n  now:  %q\n", path, i+1, x, y)
		}
	}
	if n > differencesShown {
		fmt.Fprintf(w, "and %s\n", harness.Count(n-differencesShown, "line more", "lines more"))
	}
	return n
}
