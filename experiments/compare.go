package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"golang.org/x/perf/benchmath"

	"numasched/experiments/harness"
)

func compareCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "compare OLD NEW",
		Short: "compare two result directories cell by cell",
		Long: `Compares two result directories cell by cell: medians of the time per unit of
work with their intervals, the change, and the p-value of the Mann-Whitney U
test. "~" means that no difference was shown.`,
		Args:              exactly(2, "two result directories"),
		ValidArgsFunction: completeDirs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return compare(args, cmd.OutOrStdout())
		},
	}
}

// compare prints how the results in the second of two directories differ from
// those in the first.
func compare(args []string, stdout io.Writer) error {
	var res [2]*harness.Results
	for i := range res {
		var err error
		if res[i], err = harness.Load(args[i]); err != nil {
			return usageError{err}
		}
	}
	table, only := compareTable(res[0], res[1])
	if len(table.Rows) == 0 {
		return usagef("%s and %s have no cell in common", args[0], args[1])
	}
	for i, r := range res {
		if !r.Meta.Plain() {
			fmt.Fprintf(stdout, "note: %s is no plain measurement: %s\n", args[i], r.Meta.Label())
		}
	}
	for _, note := range differences(&res[0].Meta, &res[1].Meta) {
		fmt.Fprintln(stdout, "note:", note)
	}
	table.Print(stdout)
	for i, cells := range only {
		for _, name := range cells {
			fmt.Fprintf(stdout, "only in %s: %s\n", args[i], name)
		}
	}
	return nil
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

func compareTable(a, b *harness.Results) (t harness.Table, only [2][]string) {
	t = harness.Table{Title: "time per unit of work", Head: []string{"cell", "unit", "old", "interval", "new", "interval", "change", "test"}}
	cellsA, timesA := harness.Times(a.Measurements)
	cellsB, timesB := harness.Times(b.Measurements)
	for _, c := range cellsA {
		x, y := timesA[c], timesB[c]
		if y == nil {
			only[0] = append(only[0], c.Name())
			continue
		}
		var assume benchmath.Assumption = benchmath.AssumeNothing
		if x.Exact && y.Exact {
			assume = benchmath.AssumeExact
		}
		sx := assume.Summary(x.Sample, harness.Confidence)
		sy := assume.Summary(y.Sample, harness.Confidence)
		cmp := assume.Compare(x.Sample, y.Sample)
		t.Rows = append(t.Rows, []string{
			c.Name(), "ns/" + x.Unit,
			harness.FormatNumber(sx.Center), "± " + sx.PctRangeString(),
			harness.FormatNumber(sy.Center), "± " + sy.PctRangeString(),
			cmp.FormatDelta(sx.Center, sy.Center), cmp.String(),
		})
	}
	for _, c := range cellsB {
		if timesA[c] == nil {
			only[1] = append(only[1], c.Name())
		}
	}
	return t, only
}
