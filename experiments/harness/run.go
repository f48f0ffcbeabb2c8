package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"numasched/experiments/progress"
)

// A Bench measures one repetition of one cell.
type Bench func(c *PlanCell, rep Repetition) (Outcome, error)

// A Repetition says how a cell is run once more.
type Repetition struct {
	Runs int    // of the workload, timed together; at least 1
	Warm bool   // one more run comes first and is not timed
	Seed uint64 // the same for all arms in a round
}

// An Outcome is what a Bench found.
type Outcome struct {
	Values     []Value // the time per unit of work first
	Histograms []Histogram
	Elapsed    time.Duration // of the timed runs
	Wanted     bool          // the arm wants threads bound to their nodes
	Bound      bool          // they were
	Why        string        // why not, if they were not

	Warnings []string // what was asked for and not done
}

// A Status says how far a run has come.
type Status struct {
	Phase   string // "choosing run lengths" or "measuring"
	Cell    Cell   // measured next
	Done    int    // in this phase
	Planned int
	Left    time.Duration // estimate; 0 while there is none
}

// Step returns the status as it is shown.
func (s Status) Step() progress.Step {
	step := progress.Step{Phase: s.Phase, Done: s.Done, Planned: s.Planned, Left: progress.Left(s.Left)}
	if s.Cell.Workload != "" {
		step.What = s.Cell.Workload + " " + s.Cell.Arm
	}
	return step
}

// ErrInterrupted means that ctx ended before the plan was done. Finished
// repetitions are kept, and a later Run with resume adds the others.
var ErrInterrupted = errors.New("interrupted")

// Run measures the plan of meta, writes the results into dir, and completes meta.
//
// If dir already holds a run, that is an error unless resume is set and the run
// was begun with the same configuration. Then Run adds the missing repetitions. It
// writes a repetition to results.txt as soon as it is finished, so that nothing is
// lost however the process ends. It writes run.json after every round. It holds a
// lock on dir all the time.
func Run(ctx context.Context, dir string, meta *Meta, resume bool, bench Bench, progress func(Status)) error {
	r := runner{ctx: ctx, dir: dir, meta: meta, bench: bench, progress: progress, done: map[Cell]int{}, aside: map[Cell]time.Duration{}}
	meta.Format = metaFormat
	meta.Planned = meta.Plan.Reps * len(meta.Plan.Cells)
	if meta.Baseline == "" {
		meta.Baseline = meta.Plan.baseline()
	}
	lock, err := r.open(resume)
	if err != nil {
		return &DirError{err}
	}
	defer lock.Unlock()
	if lock.Missing != nil {
		r.warn(fmt.Sprintf("lock the result directory (%v): a second run there would not be noticed", lock.Missing))
	}
	meta.Sessions = append(meta.Sessions, Session{Start: now(), End: now()})
	err = r.calibrate()
	if err == nil {
		err = r.measure()
	}
	return errors.Join(err, r.save(), r.file.Close())
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

// A DirError says why a run cannot begin or go on in a directory. Nothing was
// measured, and the directory is as it was.
type DirError struct{ Err error }

// Error returns the text of the cause.
func (e *DirError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *DirError) Unwrap() error { return e.Err }

type runner struct {
	ctx      context.Context
	dir      string
	meta     *Meta
	bench    Bench
	progress func(Status)
	file     *os.File
	all      []Measurement
	done     map[Cell]int           // repetitions in the file
	aside    map[Cell]time.Duration // what a repetition takes besides its runs: to set up and to check
}

// open locks the directory and begins a run there, or goes on with the one that is
// there. It creates the directory if need be. If it fails it leaves everything as
// it was.
func (r *runner) open(resume bool) (lock *Lock, err error) {
	_, err = os.Stat(r.dir)
	made := errors.Is(err, fs.ErrNotExist)
	switch {
	case made && resume:
		return nil, errors.New("there is no such directory, and so no run to go on with")
	case made:
		err = os.MkdirAll(r.dir, 0o777)
	}
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil && made {
			os.Remove(r.dir)
		}
	}()
	if lock, err = LockDir(r.dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			lock.Unlock()
		}
	}()
	names, err := files(r.dir)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		err = r.create()
	} else {
		err = r.takeUp(resume)
	}
	return lock, err
}

// takeUp goes on with the run in the directory, if resume is set.
func (r *runner) takeUp(resume bool) error {
	old, err := loadMeta(r.dir)
	switch {
	case err != nil && resume:
		return fmt.Errorf("cannot resume: %w", err)
	case err != nil:
		return errors.New("it exists and is not a run: choose another directory")
	case old.Parts != nil:
		return errors.New("it exists and holds merged runs: choose another directory")
	case !resume && old.Complete():
		return errors.New("it exists and holds a finished run: choose another directory")
	case !resume:
		return errors.New("it exists and holds an unfinished run: choose another directory, or resume it")
	}
	if err := old.mustMatch(r.meta); err != nil {
		return fmt.Errorf("cannot resume: its configuration differs: %w", err)
	}
	r.meta.Plan = old.Plan // with its run lengths
	r.meta.Sessions = old.Sessions
	r.meta.Binding = old.Binding
	r.meta.Warnings = old.Warnings
	r.meta.Command = old.Command
	path := filepath.Join(r.dir, ResultsFile)
	if old.Done == 0 && notBegun(path, old) {
		return r.begin()
	}
	if err := checkHeader(path, old); err != nil {
		return fmt.Errorf("cannot resume: %w", err)
	}
	if err := dropPartialLine(path); err != nil {
		return fmt.Errorf("cannot resume: %w", err)
	}
	if err := dropPartialLine(filepath.Join(r.dir, HistogramsFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot resume: %w", err)
	}
	if r.all, _, err = loadMeasurements(r.dir); err != nil {
		return fmt.Errorf("cannot resume: %w", err)
	}
	if strange := old.notPlanned(r.all); strange != "" {
		return fmt.Errorf("cannot resume: %s: %s", path, strange)
	}
	for i := range r.all {
		r.done[r.all[i].Cell]++
	}
	r.file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	return err
}

// notBegun reports whether the run of m was stopped before it had written the
// whole header of its result file at path.
func notBegun(path string, m *Meta) bool {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	head := header(m)
	return err == nil && len(data) < len(head) && bytes.HasPrefix(head, data)
}

// create writes the files of a new run. If it fails it leaves none behind.
func (r *runner) create() error {
	err := r.meta.save(r.dir)
	if err == nil {
		err = r.begin()
	}
	if err != nil {
		os.Remove(filepath.Join(r.dir, MetaFile))
	}
	return err
}

// begin writes a result file without results.
func (r *runner) begin() (err error) {
	if err = os.Remove(filepath.Join(r.dir, HistogramsFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	path := filepath.Join(r.dir, ResultsFile)
	if r.file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666); err != nil {
		return err
	}
	if _, err = r.file.Write(header(r.meta)); err != nil {
		r.file.Close()
		os.Remove(path)
	}
	return err
}

func (r *runner) save() error {
	r.meta.Done = len(r.all)
	r.meta.Disturbed = disturbance(r.all)
	r.meta.Clocks = clocks(r.all)
	s := &r.meta.Sessions[len(r.meta.Sessions)-1]
	s.End = now()
	return r.meta.save(r.dir)
}

// try runs the bench, but stops waiting when ctx ends. Nothing can stop a workload
// from outside: it runs until the process ends.
func (r *runner) try(c *PlanCell, rep Repetition) (Outcome, error) {
	type result struct {
		Outcome
		error
	}
	if r.ctx.Err() != nil {
		return Outcome{}, ErrInterrupted
	}
	done := make(chan result, 1)
	start := time.Now()
	go func() {
		out, err := r.bench(c, rep)
		done <- result{out, err}
	}()
	select {
	case res := <-done:
		if res.error != nil {
			return res.Outcome, fmt.Errorf("%s under %s: %w", c.Workload, c.Arm, res.error)
		}
		if _, known := r.aside[c.Cell]; !known {
			r.aside[c.Cell] = max(0, time.Since(start)-res.Elapsed)
		}
		return res.Outcome, nil
	case <-r.ctx.Done():
		return Outcome{}, ErrInterrupted
	}
}

// calibrate chooses the number of runs that makes a repetition as long as the
// target, for every cell that has no such number yet. It also warms the cell up.
func (r *runner) calibrate() error {
	cells := r.meta.Plan.Cells
	start := time.Now()
	for i := range cells {
		c := &cells[i]
		if c.Runs > 0 {
			continue
		}
		st := Status{Phase: "choosing run lengths", Cell: c.Cell, Done: i, Planned: len(cells)}
		if i > 0 {
			// Assume that a remaining cell costs what a cell has cost on average, and its repetitions.
			per := time.Since(start) / time.Duration(i)
			st.Left = per*time.Duration(len(cells)-i) + r.left() + time.Duration(r.meta.Plan.Target)*time.Duration((len(cells)-i)*r.meta.Plan.Reps)
		}
		r.progress(st)
		target := time.Duration(r.meta.Plan.Target)
		for runs := 1; ; {
			out, err := r.try(c, Repetition{Runs: runs, Seed: r.meta.Plan.Seed})
			if err != nil {
				return err
			}
			elapsed := max(out.Elapsed, time.Nanosecond)
			perRun := max(1, elapsed/time.Duration(runs))
			fits := max(1, int((target+perRun/2)/perRun))
			if elapsed >= target/4 || fits <= runs {
				c.Runs, c.PerRun = fits, Duration(perRun)
				break
			}
			runs = min(fits, 100*runs) // the first runs are cold and say little: do not jump far
		}
	}
	return r.save()
}

// measure measures the repetitions that are missing.
func (r *runner) measure() error {
	plan := &r.meta.Plan
	for round := range plan.Reps {
		for _, i := range plan.round(round) {
			c := &plan.Cells[i]
			if r.done[c.Cell] > round {
				continue
			}
			r.progress(Status{Phase: "measuring", Cell: c.Cell, Done: len(r.all), Planned: r.meta.Planned, Left: r.left()})
			meter := StartMeter()
			out, err := r.try(c, Repetition{Runs: c.Runs, Warm: c.warm(plan.Target), Seed: plan.Seed + uint64(round)})
			if err != nil {
				return err
			}
			if other, known := meter.Stop(); known {
				out.Values = append(out.Values, Value{round3(other), Other.Unit})
			}
			if err := r.add(c, out); err != nil {
				return err
			}
		}
		if err := r.save(); err != nil {
			return err
		}
	}
	r.progress(Status{Phase: "measuring", Done: len(r.all), Planned: r.meta.Planned})
	return nil
}

// add writes one repetition to the result file and into meta.
func (r *runner) add(c *PlanCell, out Outcome) error {
	m := Measurement{Cell: c.Cell, Runs: c.Runs, Values: out.Values, Histograms: out.Histograms}
	if err := addHistograms(r.dir, histogramLines(&m, r.done[c.Cell]+1)); err != nil {
		return err
	}
	if _, err := r.file.Write(line(&m)); err != nil {
		return err
	}
	r.all = append(r.all, m)
	r.done[c.Cell]++
	r.meta.Sessions[len(r.meta.Sessions)-1].Done++
	for _, w := range out.Warnings {
		r.warn(c.Arm + ": " + w)
	}
	r.noteBinding(Binding{Arm: c.Arm, Topo: c.Topo, Wanted: out.Wanted, Bound: out.Bound, Why: out.Why})
	return nil
}

// warn adds to the run's warnings what was asked for and not done. It adds the same
// text only once.
func (r *runner) warn(what string) {
	if !slices.Contains(r.meta.Warnings, what) {
		r.meta.Warnings = append(r.meta.Warnings, what)
	}
}

// noteBinding keeps one entry for each arm and topology, with the first reason why
// threads could not be bound.
func (r *runner) noteBinding(b Binding) {
	for i := range r.meta.Binding {
		old := &r.meta.Binding[i]
		if old.Arm == b.Arm && old.Topo == b.Topo {
			if old.Bound && !b.Bound {
				*old = b
			}
			return
		}
	}
	r.meta.Binding = append(r.meta.Binding, b)
}

// left estimates the time that the missing repetitions take.
func (r *runner) left() time.Duration {
	plan := &r.meta.Plan
	var sum time.Duration
	for i := range plan.Cells {
		c := &plan.Cells[i]
		per := time.Duration(c.PerRun)*time.Duration(c.Runs) + r.aside[c.Cell]
		if c.warm(plan.Target) {
			per += time.Duration(c.PerRun)
		}
		sum += per * time.Duration(plan.Reps-r.done[c.Cell])
	}
	return sum
}

// round3 rounds a percentage to three digits after the point.
func round3(v float64) float64 { return float64(int64(v*1000+0.5)) / 1000 }
