// Package compare says how the results in one directory differ from those in another.
package compare

import (
	"fmt"
	"io"
	"math"
	"strings"

	"golang.org/x/perf/benchmath"

	"numasched/experiments/harness"
)

// A Comparison is how the results in one directory differ from those in another.
// "experiments compare --json" prints it.
type Comparison struct {
	Old      string    `json:"old"` // directories
	New      string    `json:"new"`
	Baseline string    `json:"baseline,omitempty"` // if set, ratios over this arm are compared, not times
	Notes    []string  `json:"notes"`              // what else differs, and what is no plain measurement
	Cells    []Changed `json:"cells"`              // that both directories have, in the order of the old one
	OnlyOld  []string  `json:"onlyOld,omitempty"`  // benchmark names of cells that the other lacks
	OnlyNew  []string  `json:"onlyNew,omitempty"`
}

// A Changed cell. Its two numbers are times per unit of work in ns or, where arrivals
// decide how long that is, 99th percentiles of latency; or they are ratios: the
// baseline's time or latency over the arm's.
type Changed struct {
	harness.Cell
	Unit    string            `json:"unit"`   // of work
	Metric  string            `json:"metric"` // that is compared, by its unit in result files
	Old     *harness.Estimate `json:"oldValue"`
	New     *harness.Estimate `json:"newValue"`
	Percent float64           `json:"changePercent"`
	P       float64           `json:"p"`         // two-sided Mann-Whitney U test; 0 or 1 for exact results
	Differs bool              `json:"different"` // at 5 %

	test string // "p=0.002 n=24"
}

// samples are the values of all cells of a directory.
type samples struct {
	cells []harness.Cell
	of    map[harness.Cell]*harness.CellTimes
}

// New compares two results: times per unit of work, or latencies where those are the
// result; with a baseline, ratios over that arm, which both have. They may be of several machines.
func New(from, to *harness.Results, baseline string) (*Comparison, error) {
	c := &Comparison{Old: from.Dir, New: to.Dir, Baseline: baseline, Notes: []string{}}
	var values [2]samples
	for i, res := range []*harness.Results{from, to} {
		values[i].cells, values[i].of = harness.Times(res.Measurements)
		if baseline != "" {
			values[i].cells, values[i].of = harness.Ratios(res.Measurements, baseline)
		}
		if m := &res.Meta; !m.Plain() {
			c.Notes = append(c.Notes, fmt.Sprintf("%s is no plain measurement: %s", res.Dir, m.Label()))
		}
		for _, s := range res.Meta.Suspect {
			c.Notes = append(c.Notes, res.Dir+": "+s)
		}
	}
	c.Notes = append(c.Notes, differences(&from.Meta, &to.Meta)...)
	for _, cell := range values[0].cells {
		if values[1].of[cell] == nil {
			c.OnlyOld = append(c.OnlyOld, cell.Name())
			continue
		}
		c.Cells = append(c.Cells, compareCell(cell, values[0].of[cell], values[1].of[cell]))
	}
	for _, cell := range values[1].cells {
		if values[0].of[cell] == nil {
			c.OnlyNew = append(c.OnlyNew, cell.Name())
		}
	}
	if len(c.Cells) == 0 {
		return nil, fmt.Errorf("%s and %s have no cell in common", from.Dir, to.Dir)
	}
	return c, nil
}

func compareCell(cell harness.Cell, x, y *harness.CellTimes) Changed {
	var assume benchmath.Assumption = benchmath.AssumeNothing
	if x.Exact && y.Exact {
		assume = benchmath.AssumeExact
	}
	sx := assume.Summary(x.Sample, harness.Confidence)
	sy := assume.Summary(y.Sample, harness.Confidence)
	cmp := assume.Compare(x.Sample, y.Sample)
	return Changed{
		Cell: cell, Unit: x.Unit, Metric: x.Metric, Old: harness.EstimateOf(sx), New: harness.EstimateOf(sy),
		Percent: 100 * (sy.Center/sx.Center - 1), P: min(1, cmp.P), Differs: cmp.P <= cmp.Alpha && sx.Center != sy.Center, test: cmp.String(),
	}
}

// Print writes a comparison as tables.
func (c *Comparison) Print(w io.Writer) {
	for _, note := range c.Notes {
		fmt.Fprintln(w, harness.Wrap("note: "+note, "  "))
	}
	for rest := c.Cells; len(rest) > 0; {
		n := 1
		for n < len(rest) && sameWork(rest[n].Cell, rest[0].Cell) {
			n++
		}
		t := c.table(rest[:n])
		t.Print(w)
		fmt.Fprintln(w)
		rest = rest[n:]
	}
	for i, names := range [][]string{c.OnlyOld, c.OnlyNew} {
		for _, name := range names {
			fmt.Fprintf(w, "only in %s: %s\n", []string{c.Old, c.New}[i], name)
		}
	}
}

// sameWork reports whether two cells differ in the arm alone.
func sameWork(a, b harness.Cell) bool {
	a.Arm, b.Arm = "", ""
	return a == b
}

// table shows cells that differ in the arm alone.
func (c *Comparison) table(cells []Changed) harness.Table {
	g := harness.Group{Cell: cells[0].Cell}
	what, format := cells[0].Metric, harness.FormatNumber
	latency := what == harness.P99.Unit
	if latency {
		what, format = harness.P99.Name, harness.P99.Format
	}
	if c.Baseline != "" {
		what, format = "over "+c.Baseline, harness.FormatRatio
		if latency {
			what = harness.P99.Name + " of " + c.Baseline + " over that of the arm"
		}
	}
	t := harness.Table{Title: g.Title() + " · " + what, Head: []string{"arm", "old", "±", "new", "±", "change", "test"}}
	for i := range cells {
		x := &cells[i]
		change := "~"
		switch {
		case x.Differs:
			change = fmt.Sprintf("%+.2f%%", x.Percent)
		case x.P == 0:
			change = "same"
		}
		t.Rows = append(t.Rows, []string{x.Arm, format(x.Old.Median), plusMinus(x.Old), format(x.New.Median), plusMinus(x.New), change, x.test})
	}
	return t
}

// plusMinus is the larger half of an interval in percent of the median: "2%".
func plusMinus(e *harness.Estimate) string {
	if e.Low == nil {
		return "?"
	}
	half := max(*e.High-e.Median, e.Median-*e.Low)
	return fmt.Sprintf("%.0f%%", math.Ceil(100*half/e.Median))
}

// differences says in what the two runs differ besides what is compared.
func differences(a, b *harness.Meta) []string {
	var notes []string
	check := func(what, x, y string) {
		if x != y {
			notes = append(notes, fmt.Sprintf("%s differs: %s, %s", what, x, y))
		}
	}
	check("place", string(a.Place), string(b.Place))
	check("CPU", machines(a, func(m *harness.Machine) string { return fmt.Sprintf("%s x%d", m.CPU.Model, m.CPUs) }),
		machines(b, func(m *harness.Machine) string { return fmt.Sprintf("%s x%d", m.CPU.Model, m.CPUs) }))
	check("kernel", machines(a, func(m *harness.Machine) string { return m.Kernel }), machines(b, func(m *harness.Machine) string { return m.Kernel }))
	check("Go", a.Build.Go, b.Build.Go)
	check("commit", a.Build.ShortCommit(), b.Build.ShortCommit())
	return notes
}

// machines says something about every machine of a run.
func machines(m *harness.Meta, what func(*harness.Machine) string) string {
	all := m.Machines
	if all == nil {
		all = []harness.Machine{m.Machine}
	}
	var texts []string
	for i := range all {
		texts = append(texts, what(&all[i]))
	}
	return strings.Join(texts, " and ")
}
