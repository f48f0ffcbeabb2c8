package main

import (
	"github.com/spf13/cobra"

	"numasched/experiments/beside"
	"numasched/experiments/harness"
	"numasched/experiments/usage"
)

func besideCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "beside PREDICTED MEASURED",
		Short: "lay what a simulation predicted beside what a machine measured",
		Long: `Lays the result directory of "experiments sim", with a preset of this very machine from
"experiments calibrate", beside that of "experiments run", cell by cell: the throughput
over the baseline, the share of local memory, and by how much the time is off. It says
whether the prediction was there before the measurement. scripts/fieldtrial.sh does all of it.`,
		Args:              usage.Exactly(2, "the directory of a prediction and that of a measurement"),
		ValidArgsFunction: usage.CompleteDirs,
	}
	page := cmd.Flags().String("page", "", "also write it to `FILE`, as HTML")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var res [2]*harness.Results
		for i, dir := range args {
			var err error
			if res[i], err = harness.Load(dir); err != nil {
				return usage.Wrong(err)
			}
		}
		p, err := beside.New(res[0], res[1])
		if err != nil {
			return usage.Wrong(err)
		}
		p.Print(cmd.OutOrStdout())
		if *page == "" {
			return nil
		}
		if err := p.WritePage(*page, args[0], args[1]); err != nil {
			return usage.FileError("page", err)
		}
		return nil
	}
	return cmd
}
