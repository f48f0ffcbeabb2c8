package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"numasched/experiments/plot"
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
		figures := plot.Figures(res)
		if err := report.WriteFigures(res, figures); err != nil {
			return err
		}
		stdout := cmd.OutOrStdout()
		for _, f := range figures {
			fmt.Fprintln(stdout, filepath.Join(res.Dir, f.Name+".svg"))
			fmt.Fprintln(stdout, filepath.Join(res.Dir, f.Name+".png"))
		}
		return nil
	}
	return cmd
}
