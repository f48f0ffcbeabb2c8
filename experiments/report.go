package main

import (
	"io"

	"github.com/spf13/cobra"

	"numasched/experiments/harness"
	"numasched/experiments/report"
	"numasched/experiments/usage"
)

func reportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report DIR...",
		Short: "print the tables of a result directory and make its HTML page again",
		Long: `Prints the tables of a result directory and writes its index.html again, with
all figures in it. The report is a function of results.txt and run.json, and shows
what lies beside them as trace*.json, from "experiments trace", as a timeline: a name
such as trace-numa.json says the arm. Without one, simulated results have a timeline
that this program simulates anew; its caption says so. Several directories are merged first, into --out
("experiments merge --help" says how).`,
		Args:              usage.AtLeastOneDir,
		ValidArgsFunction: usage.CompleteDirs,
	}
	tex := cmd.Flags().String("tex", "", "also write the tables as LaTeX to `FILE`")
	asJSON := cmd.Flags().Bool("json", false, "print the tables as JSON (harness.Report describes it)")
	out := cmd.Flags().String("out", "", "new `DIR` for what is merged")
	usage.Complete(cmd, "out", usage.CompleteDirs)
	baseline := usage.BaselineFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		res, err := loadResults(args, *out, *baseline)
		if err != nil {
			return err
		}
		if err := report.Show(cmd.OutOrStdout(), res, *asJSON); err != nil {
			return err
		}
		if *tex != "" {
			text := report.TeX(res)
			if err := harness.WriteFile(*tex, func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
				return usage.FileError("tex", err)
			}
		}
		return report.WritePage(res)
	}
	return cmd
}
