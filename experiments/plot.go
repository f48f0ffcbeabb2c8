package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"numasched/experiments/plot"
)

func plotCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plot DIR...",
		Short: "draw the plots of a result directory again",
		Long: `Draws the figures of a result directory again, as SVG and PNG, from its
results.txt and run.json. The same results give the same bytes of SVG. Several
directories are merged first, into --out ("experiments merge --help" says how).`,
		Args:              atLeastOneDir,
		ValidArgsFunction: completeDirs,
	}
	out := cmd.Flags().String("out", "", "new `DIR` for what is merged")
	complete(cmd, "out", completeDirs)
	baseline := baselineFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		res, err := loadResults(args, *out, *baseline)
		if err != nil {
			return err
		}
		figures := plot.Figures(res)
		if err := write(res, func() error { return plot.Write(res.Dir, figures) }); err != nil {
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
