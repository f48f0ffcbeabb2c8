package main

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/perf/benchmath"

	"numasched/experiments/harness"
)

func compareCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "compare OLD NEW",
		Short: "compare two result directories cell by cell",
		Long: `Compares two result directories cell by cell: medians of the time per unit of
work with their intervals, the change, and the p-value of the Mann-Whitney U
test. "~" means that no difference was shown. With --baseline the ratios of
throughput over that arm are compared instead: they can be compared across
machines.`,
		Args:              exactly(2, "two result directories"),
		ValidArgsFunction: completeDirs,
	}
	baseline := cmd.Flags().String("baseline", "", "compare ratios of throughput over this `ARM`")
	complete(cmd, "baseline", completeList(armNames(), false))
	asJSON := cmd.Flags().Bool("json", false, "print the comparison as JSON (type comparison in the source describes it)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := compare(args, *baseline)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), c)
		}
		c.print(cmd.OutOrStdout())
		return nil
	}
	return cmd
}

// A comparison is how the results in one directory differ from those in another.
// "experiments compare --json" prints it.
type comparison struct {
	Old      string    `json:"old"` // directories
	New      string    `json:"new"`
	Baseline string    `json:"baseline,omitempty"` // if set, ratios over this arm are compared, not times
	Notes    []string  `json:"notes"`              // what else differs, and what is no plain measurement
	Cells    []changed `json:"cells"`              // that both directories have, in the order of the old one
	OnlyOld  []string  `json:"onlyOld,omitempty"`  // benchmark names of cells that the other lacks
	OnlyNew  []string  `json:"onlyNew,omitempty"`
}

// A changed cell. Its two numbers are times per unit of work in ns, or ratios of
// throughput over the baseline.
type changed struct {
	harness.Cell
	Unit    string            `json:"unit"` // of work
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

// compare compares two directories: times per unit of work or, with a baseline,
// ratios of throughput over that arm.
func compare(dirs []string, baseline string) (*comparison, error) {
	c := &comparison{Old: dirs[0], New: dirs[1], Baseline: baseline, Notes: []string{}}
	var res [2]*harness.Results
	var values [2]samples
	for i := range res {
		var err error
		if res[i], err = harness.Load(dirs[i]); err != nil {
			return nil, usageError{err}
		}
		values[i].cells, values[i].of = harness.Times(res[i].Measurements)
		if baseline != "" {
			if arms := res[i].Arms(); !slices.Contains(arms, baseline) {
				return nil, usagef("--baseline: %s: %w", dirs[i], unknown("arm", baseline, arms))
			}
			values[i].cells, values[i].of = harness.Ratios(res[i].Measurements, baseline)
		}
		if m := &res[i].Meta; !m.Plain() {
			c.Notes = append(c.Notes, fmt.Sprintf("%s is no plain measurement: %s", dirs[i], m.Label()))
		}
		for _, s := range res[i].Meta.Suspect {
			c.Notes = append(c.Notes, dirs[i]+": "+s)
		}
	}
	c.Notes = append(c.Notes, differences(&res[0].Meta, &res[1].Meta)...)
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
		return nil, usagef("%s and %s have no cell in common", dirs[0], dirs[1])
	}
	return c, nil
}

func compareCell(cell harness.Cell, x, y *harness.CellTimes) changed {
	var assume benchmath.Assumption = benchmath.AssumeNothing
	if x.Exact && y.Exact {
		assume = benchmath.AssumeExact
	}
	sx := assume.Summary(x.Sample, harness.Confidence)
	sy := assume.Summary(y.Sample, harness.Confidence)
	cmp := assume.Compare(x.Sample, y.Sample)
	return changed{
		Cell: cell, Unit: x.Unit, Old: harness.EstimateOf(sx), New: harness.EstimateOf(sy),
		Percent: 100 * (sy.Center/sx.Center - 1), P: min(1, cmp.P), Differs: cmp.P <= cmp.Alpha && sx.Center != sy.Center, test: cmp.String(),
	}
}

func (c *comparison) print(w io.Writer) {
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
func (c *comparison) table(cells []changed) harness.Table {
	g := harness.Group{Cell: cells[0].Cell}
	what, format := "ns/"+cells[0].Unit, harness.FormatNumber
	if c.Baseline != "" {
		what, format = "over "+c.Baseline, harness.FormatRatio
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
	check("CPU", fmt.Sprintf("%s x%d", a.Machine.CPU.Model, a.Machine.CPUs), fmt.Sprintf("%s x%d", b.Machine.CPU.Model, b.Machine.CPUs))
	check("kernel", a.Machine.Kernel, b.Machine.Kernel)
	check("Go", a.Build.Go, b.Build.Go)
	check("commit", a.Build.ShortCommit(), b.Build.ShortCommit())
	return notes
}
