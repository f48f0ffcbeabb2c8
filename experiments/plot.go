package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"numasched/experiments/report"
	"numasched/experiments/usage"
)

func plotCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plot DIR...",
		Short: "draw the plots of a result directory again",
		Long: `Draws the figures of a result directory again, as SVG and PNG, from its
results.txt and run.json. The same results give the same bytes of SVG. Several
directories are merged first, into --out ("experiments merge --help" says how).`,
		Args:              usage.AtLeastOneDir,
		ValidArgsFunction: usage.CompleteDirs,
	}
	out := cmd.Flags().String("out", "", "new `DIR` for what is merged")
	usage.Complete(cmd, "out", usage.CompleteDirs)
	baseline := usage.BaselineFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		res, err := loadResults(args, *out, *baseline)
		if err != nil {
			return err
		}
		files, err := report.WriteFigures(res)
		if err != nil {
			return err
		}
		for _, file := range files {
			fmt.Fprintln(cmd.OutOrStdout(), file)
		}
		return nil
	}
	return cmd
}
