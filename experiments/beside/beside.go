// Package beside lays what a simulation predicted beside what a machine measured.
//
// A prediction is the result directory of "experiments sim" with a preset of the very
// machine, written before anything is measured there. Two cells belong together if they
// have the same workload, sizes, arm and number of Ps, whatever their topologies are
// called. What is predicted is how arms compare and where their memory is; times are
// shown, too, but they are not what the simulated machine is for.
package beside

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"numasched/experiments/harness"
	"numasched/sched/policy"
)

// Near is how far a ratio may be from its prediction, as a share of it, before the
// prediction counts as wrong.
const Near = 0.10

// NearPoints is the same for shares of local memory, in points of percent.
const NearPoints = 5

// A Row is one cell. Numbers that one of the two does not have are NaN.
type Row struct {
	harness.Cell
	Unit          string  // of work
	Time          float64 // predicted over measured time per unit, or latency where arrivals decide the time
	Over          float64 // how many times as good as the baseline, predicted; NaN for the baseline
	Measured      float64 // the same, measured
	Low, High     float64 // its interval; infinite if there were too few repetitions
	Local         float64 // percent of local memory, predicted
	LocalMeasured float64
	LocalBy       *harness.Metric // who counted that
}

// A Verdict says whether a prediction holds.
type Verdict string

const (
	Right Verdict = "right"
	Open  Verdict = "open" // the measurement is too uncertain to tell
	Wrong Verdict = "WRONG"
	None  Verdict = "" // one of the two has no number
)

// OfRatio judges the predicted ratio.
func (r *Row) OfRatio() Verdict {
	switch {
	case math.IsNaN(r.Over + r.Measured):
		return None
	case math.Abs(r.Over/r.Measured-1) <= Near && r.Low > r.Measured*(1-2*Near) && r.High < r.Measured*(1+2*Near):
		return Right
	case r.Low <= r.Over*(1+Near) && r.Over*(1-Near) <= r.High:
		return Open
	}
	return Wrong
}

// OfLocal judges the predicted share of local memory.
func (r *Row) OfLocal() Verdict {
	switch off := math.Abs(r.Local - r.LocalMeasured); {
	case math.IsNaN(off):
		return None
	case off <= NearPoints:
		return Right
	}
	return Wrong
}

// A Page is a prediction beside a measurement.
type Page struct {
	Predicted, Measured *harness.Results
	Baseline            string
	Nodes               int // with CPUs, of the machine
	Rows                []Row
}

// New lays a prediction beside a measurement.
func New(predicted, measured *harness.Results) (*Page, error) {
	switch {
	case predicted.Meta.Place != harness.Simulated:
		return nil, fmt.Errorf("%s is of a %s run: want a simulated one, the prediction", predicted.Dir, predicted.Meta.Place)
	case measured.Meta.Place == harness.Simulated:
		return nil, fmt.Errorf("%s is simulated: want what a machine measured", measured.Dir)
	}
	p := &Page{Predicted: predicted, Measured: measured, Baseline: measured.Meta.Baseline}
	for _, t := range measured.Meta.Topologies {
		p.Nodes = max(p.Nodes, t.NodesWithCPUs)
	}
	speed := measured.Meta.Place.HasSpeed()
	before := harness.Summarize(predicted.Measurements, p.Baseline)
	for _, g := range measured.Groups() {
		at := slices.IndexFunc(before, func(o harness.Group) bool {
			return o.Workload == g.Workload && o.Params == g.Params && o.Procs == g.Procs
		})
		if at < 0 {
			continue
		}
		for i := range g.Rows {
			now := &g.Rows[i]
			then := before[at].Find(now.Arm)
			if then == nil {
				continue
			}
			nan := math.NaN()
			r := Row{Cell: g.Cell, Unit: g.Unit, Time: nan, Over: nan, Measured: nan, Low: nan, High: nan, Local: then.Mid(harness.MemoryLocal), LocalMeasured: nan}
			r.Arm = now.Arm
			if speed {
				r.Time = then.NsPerUnit.Center / now.NsPerUnit.Center
				if g.Open() {
					r.Time = then.Mid(harness.P99) / now.Mid(harness.P99)
				}
				if s := then.Speedup; s != nil {
					r.Over = s.Center
				}
				if s := now.Speedup; s != nil {
					r.Measured, r.Low, r.High = s.Center, s.Lo, s.Hi
				}
			}
			for _, m := range []*harness.Metric{harness.Pages, harness.Touched} {
				if v := now.Mid(m); !math.IsNaN(v) {
					r.LocalMeasured, r.LocalBy = v, m
					break
				}
			}
			p.Rows = append(p.Rows, r)
		}
	}
	if len(p.Rows) == 0 {
		return nil, errors.New("prediction and measurement have no cell in common")
	}
	return p, nil
}

// Table shows the rows.
func (p *Page) Table() harness.Table {
	t := harness.Table{Title: "predicted, then measured", Head: []string{"cell", "over " + p.Baseline, "measured", "interval", "", "local", "measured", "", "time"}}
	const localAt = 5
	if p.Nodes < 2 { // all is local
		t.Head = slices.Delete(t.Head, localAt, localAt+3)
	}
	number := func(v float64, format func(float64) string) string {
		if math.IsNaN(v) {
			return "-"
		}
		return format(v)
	}
	for i := range p.Rows {
		r := &p.Rows[i]
		interval, what := "", ""
		if r.Open() {
			what = " p99"
		}
		if !math.IsNaN(r.Low) && !math.IsInf(r.Low, 0) && !math.IsInf(r.High, 0) {
			interval = harness.FormatRatio(r.Low) + ".." + harness.FormatRatio(r.High)
		}
		row := []string{
			fmt.Sprintf("%s%s P=%d %s", r.Workload, what, r.Procs, r.Arm),
			number(r.Over, harness.FormatRatio), number(r.Measured, harness.FormatRatio), interval, string(r.OfRatio()),
			number(r.Local, harness.FormatPercent), number(r.LocalMeasured, harness.FormatPercent), string(r.OfLocal()),
			number(100*(r.Time-1), func(v float64) string { return fmt.Sprintf("%+.0f %%", v) }),
		}
		if p.Nodes < 2 {
			row = slices.Delete(row, localAt, localAt+3)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// Print prints the table and the sentences below it.
func (p *Page) Print(w io.Writer) {
	t := p.Table()
	t.Print(w)
	fmt.Fprintln(w)
	for _, line := range p.Lines() {
		fmt.Fprintln(w, harness.Wrap(line, "  "))
	}
}

// locked reports whether an arm takes Go's lock in simulation.
func locked(arm string) bool {
	a, err := policy.ByName(arm)
	return err == nil && a.SchedLock
}

// Lines says in sentences how the prediction did, and what this machine cannot show.
func (p *Page) Lines() (lines []string) {
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if p.Nodes < 2 {
		say("This machine has one NUMA node: all memory is equally near. What is measured here shows what the scheduler costs. It shows nothing about locality, and neither does the prediction.")
	}
	ratios, locals := map[Verdict]int{}, map[Verdict]int{}
	worst := 0.0
	where := ""
	var times []float64
	for i := range p.Rows {
		r := &p.Rows[i]
		ratios[r.OfRatio()]++
		if off := math.Abs(math.Log(r.Over / r.Measured)); r.OfRatio() == Wrong && off > worst {
			worst = off
			where = fmt.Sprintf(", most of all %s under %s with P=%d: %s predicted, %s measured", r.Workload, r.Arm, r.Procs, harness.FormatRatio(r.Over), harness.FormatRatio(r.Measured))
		}
		if p.Nodes > 1 {
			locals[r.OfLocal()]++
		}
		if !math.IsNaN(r.Time) {
			times = append(times, math.Abs(r.Time-1))
		}
	}
	if n := ratios[Right] + ratios[Open] + ratios[Wrong]; n > 0 {
		say("Of %s over %s, %d were predicted within %.0f %%. For %d the measurement is too uncertain to tell. %d were predicted wrong%s.",
			harness.Count(n, "ratio", "ratios"), p.Baseline, ratios[Right], 100*Near, ratios[Open], ratios[Wrong], where)
	} else if !p.Measured.Meta.Place.HasSpeed() {
		say("Times on a virtual NUMA machine mean nothing. Only locality is compared.")
	}
	if n := locals[Right] + locals[Wrong]; n > 0 {
		say("Of %s of local memory, %d were predicted within %d points.", harness.Count(n, "share", "shares"), locals[Right], NearPoints)
	}
	if len(times) > 0 {
		slices.Sort(times)
		say("Times were predicted with a median error of %.0f %%.", 100*times[len(times)/2])
	}
	if slices.ContainsFunc(p.Rows, func(r Row) bool { return locked(r.Arm) }) {
		if slices.Contains(p.Predicted.Meta.Command, "--nolock") {
			say("flat and its kin are predicted without Go's lock, and are measured without it. Only goroutine has it.")
		} else {
			say("flat and its kin are predicted with Go's lock, and are measured without it. So their ratios to arms without such a lock are not predictions of what is measured: \"experiments sim --nolock\" makes these.")
		}
	}
	before, after := p.Predicted.Written(), p.Measured.Began()
	switch {
	case before.IsZero() || after.IsZero():
		say("It is not known whether the prediction was there before the measurement.")
	case before.After(after):
		say("This is no prediction: it was written at %s, after the measurement had begun at %s.", before.Format("15:04:05"), after.Format("15:04:05"))
	default:
		say("The prediction was written at %s, before the measurement began at %s.", before.Format("2006-01-02 15:04:05 MST"), after.Format("15:04:05"))
	}
	return lines
}
