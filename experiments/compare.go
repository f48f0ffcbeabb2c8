package main

import (
	"errors"

	"github.com/spf13/cobra"

	"numasched/experiments/compare"
	"numasched/experiments/harness"
	"numasched/experiments/usage"
)

func compareCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "compare OLD NEW...",
		Short: "compare result directories cell by cell",
		Long: `Compares a result directory cell by cell with one or more others: medians of the time
per unit of work with their intervals, the change, and the p-value of the Mann-Whitney U
test. "~" means that no difference was shown. With --baseline the ratios of
throughput over that arm are compared instead: they can be compared across
machines.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usage.Errorf("want two result directories or more, got %d", len(args))
			}
			return nil
		},
		ValidArgsFunction: usage.CompleteDirs,
	}
	baseline := cmd.Flags().String("baseline", "", "compare ratios of throughput over this `ARM`")
	usage.Complete(cmd, "baseline", usage.CompleteList(usage.ArmNames(), false))
	asJSON := cmd.Flags().Bool("json", false, "print the comparison as JSON, or a list of them (compare.Comparison describes it)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		all, err := compare.Dirs(args, *baseline)
		switch {
		case errors.As(err, new(*compare.BaselineError)):
			return usage.Errorf("--baseline: %w", err)
		case err != nil:
			return usage.Wrong(err)
		case *asJSON && len(all) == 1:
			return harness.WriteJSON(cmd.OutOrStdout(), all[0])
		case *asJSON:
			return harness.WriteJSON(cmd.OutOrStdout(), all)
		}
		for _, c := range all {
			c.Print(cmd.OutOrStdout())
		}
		return nil
	}
	return cmd
}
