package simulated

import (
	"context"
	"io"
	"slices"
	"strconv"
	"time"

	"numasched/experiments/harness"
	"numasched/experiments/progress"
	"numasched/experiments/workload"
)

// A Sweep is what one command simulates: every arm on every workload, with every number
// of Ps, on every machine. Its runs are independent, so they use all CPUs of this
// computer. Its results are in the order of its cells.
type Sweep struct {
	Seed     uint64
	Machines []harness.TopoMeta
	Cells    []Cell
}

// A Cell is one run of a sweep.
type Cell struct {
	Machine
	Arm     string
	Program workload.Program
	Procs   int
}

func (c *Cell) cell() harness.Cell {
	return harness.Cell{Workload: c.Program.Name, Params: c.Program.Sizes(), Arm: c.Arm, Topo: c.Preset.Name, Procs: c.Procs}
}

// Title names the cell where there is little room.
func (c *Cell) Title() string { return c.Program.Name + " " + c.Arm }

// Run simulates all cells on all CPUs of this computer. If ctx ends first, it returns the
// finished runs, and nil for the others.
func (sw *Sweep) Run(ctx context.Context, stderr io.Writer) ([]*Run, error) {
	var jobs []progress.Job[*Run]
	for i := range sw.Cells {
		c := &sw.Cells[i]
		jobs = append(jobs, progress.Job[*Run]{Name: c.Title(), Run: func() (*Run, error) {
			if ctx.Err() != nil {
				return nil, nil
			}
			return c.Run(c.Arm, c.Program, c.Procs)
		}})
	}
	return progress.Parallel(stderr, jobs)
}

// Measurements turns runs into results. It leaves out runs that were not finished.
func (sw *Sweep) Measurements(runs []*Run) (ms []harness.Measurement) {
	for i, r := range runs {
		if r != nil {
			ms = append(ms, harness.Measurement{Cell: sw.Cells[i].cell(), Runs: 1, Values: r.values(), Histograms: r.histograms, Exact: true})
		}
	}
	return ms
}

// values returns what goes into results.txt. No product is added to anything, because
// some compilers fuse the two operations and would give other digits.
func (r *Run) values() []harness.Value {
	units := float64(r.Units)
	vs := []harness.Value{{Value: float64(r.MakespanNs) / units, Unit: harness.Time.In(r.Unit)}}
	add := func(v float64, unit string) { vs = append(vs, harness.Value{Value: v, Unit: unit}) }
	percent := func(part, all int64, unit string) {
		if all > 0 {
			add(100*float64(part)/float64(all), unit)
		}
	}
	if r.Declared > 0 {
		add(float64(r.Declared)*1000/float64(r.MakespanNs), harness.Bandwidth.Unit)
	}
	percent(r.HomeRuns, r.HomeRuns+r.AwayRuns, harness.Local.Unit)
	if r.Locality >= 0 {
		add(100*r.Locality, harness.MemoryLocal.Unit)
	}
	if r.BoundRatio > 0 {
		add(r.BoundRatio, harness.OverBound.Unit)
	}
	busiest := 0.0
	for _, l := range r.Bandwidth {
		busiest = max(busiest, l.Share)
	}
	add(100*busiest, harness.Busiest.Unit)
	for _, l := range r.Bandwidth {
		add(fourDigits(l.GBps), harness.Carried.OfPart(l.Name))
	}
	all := r.WorkNs + r.SchedulingNs + r.IdleNs
	percent(r.WorkNs, all, harness.Work.Unit)
	percent(r.SchedulingNs, all, harness.Scheduling.Unit)
	percent(r.IdleNs, all, harness.Idle.Unit)
	if r.WorkInflation > 0 {
		add(r.WorkInflation, harness.Inflation.Unit)
	}
	add(float64(r.StealsL3+r.StealsNode)/units, harness.StealsNear.In(r.Unit))
	add(float64(r.StealsRemote)/units, harness.StealsFar.In(r.Unit))
	add(float64(r.Migrations)/units, harness.Moves.In(r.Unit))
	add(float64(r.Bytes)/units, harness.MemoryBytes.In(r.Unit))
	add(float64(r.WakeP99Ns), harness.WakeP99.Unit)
	add(float64(r.Events), harness.Events.Unit)
	for _, own := range r.Reported {
		add(own.Value, own.Unit)
	}
	return vs
}

// fourDigits rounds v to four digits: there are many links, and lines are long enough.
func fourDigits(v float64) float64 {
	v, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
	if err != nil {
		panic(err) // what strconv wrote
	}
	return v
}

// Meta describes the sweep as results do.
func (sw *Sweep) Meta(command []string) *harness.Meta {
	m := harness.NewMeta(harness.Simulated, nil)
	m.Topologies = sw.Machines
	m.Command = command
	m.Plan = harness.Plan{Seed: sw.Seed, Reps: 1}
	for i := range sw.Cells {
		m.Plan.Cells = append(m.Plan.Cells, harness.PlanCell{Cell: sw.Cells[i].cell(), Unit: sw.Cells[i].Program.Unit, Runs: 1})
	}
	return m
}

// Into simulates the sweep into dir, which must not exist, and returns what run.json there has. What
// is finished when ctx ends is kept. An error about dir itself, before anything runs, is a
// [harness.DirError].
func (sw *Sweep) Into(ctx context.Context, dir string, command []string, stderr io.Writer) (*harness.Meta, []*Run, error) {
	lock, err := harness.LockNewDir(dir)
	if err != nil {
		return nil, nil, &harness.DirError{Err: err}
	}
	defer lock.Unlock()
	began := time.Now()
	runs, err := sw.Run(ctx, stderr)
	if err != nil {
		return nil, nil, err
	}
	meta, err := sw.Keep(runs, dir, command, began)
	return meta, runs, err
}

// Keep writes the files of a sweep that began then into dir, which the caller has locked. It
// returns what run.json has. Runs that were not finished are nil.
func (sw *Sweep) Keep(runs []*Run, dir string, command []string, began time.Time) (*harness.Meta, error) {
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
	return meta, harness.WriteSimulated(dir, meta, sw.Measurements(runs), began)
}
