package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"numasched/experiments/beside"
	"numasched/experiments/harness"
)

func besideCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "beside PREDICTED MEASURED",
		Short: "lay what a simulation predicted beside what a machine measured",
		Long: `Lays the result directory of "experiments sim", with a preset of this very machine from
"experiments calibrate", beside that of "experiments run", cell by cell: the throughput
over the baseline, the share of local memory, and by how much the time is off. It says
whether the prediction was there before the measurement. scripts/fieldtrial.sh does all of it.`,
		Args:              exactly(2, "the directory of a prediction and that of a measurement"),
		ValidArgsFunction: completeDirs,
	}
	page := cmd.Flags().String("page", "", "also write it to `FILE`, as HTML")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var res [2]*harness.Results
		for i, dir := range args {
			var err error
			if res[i], err = harness.Load(dir); err != nil {
				return usageError{err}
			}
		}
		p, err := beside.New(res[0], res[1])
		if err != nil {
			return usageError{err}
		}
		w := cmd.OutOrStdout()
		t := p.Table()
		t.Print(w)
		fmt.Fprintln(w)
		for _, line := range p.Lines() {
			fmt.Fprintln(w, harness.Wrap(line, "  "))
		}
		if *page == "" {
			return nil
		}
		links := []string{"", ""}
		for i, dir := range args { // as seen from the page
			links[i] = dir
			if rel, err := filepath.Rel(filepath.Dir(*page), dir); err == nil {
				links[i] = filepath.ToSlash(rel)
			}
		}
		err = harness.WriteFile(*page, func(w io.Writer) error { return p.WriteHTML(w, links[0], links[1]) })
		if err != nil {
			return fileError("page", err)
		}
		return nil
	}
	return cmd
}
