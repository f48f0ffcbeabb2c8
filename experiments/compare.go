package main

import (
	"slices"

	"github.com/spf13/cobra"

	"numasched/experiments/compare"
	"numasched/experiments/harness"
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
				return usagef("want two result directories or more, got %d", len(args))
			}
			return nil
		},
		ValidArgsFunction: completeDirs,
	}
	baseline := cmd.Flags().String("baseline", "", "compare ratios of throughput over this `ARM`")
	complete(cmd, "baseline", completeList(armNames(), false))
	asJSON := cmd.Flags().Bool("json", false, "print the comparison as JSON, or a list of them (compare.Comparison describes it)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		all, err := compareAll(args, *baseline)
		switch {
		case err != nil:
			return err
		case *asJSON && len(all) == 1:
			return printJSON(cmd.OutOrStdout(), all[0])
		case *asJSON:
			return printJSON(cmd.OutOrStdout(), all)
		}
		for _, c := range all {
			c.Print(cmd.OutOrStdout())
		}
		return nil
	}
	return cmd
}

// compareAll compares the first directory with each of the others.
func compareAll(dirs []string, baseline string) (all []*compare.Comparison, err error) {
	var first *harness.Results
	for i, dir := range dirs {
		res, err := harness.Load(dir)
		if err != nil {
			return nil, usageError{err}
		}
		if arms := res.Arms(); baseline != "" && !slices.Contains(arms, baseline) {
			return nil, usagef("--baseline: %s: %w", dir, unknown("arm", baseline, arms))
		}
		if i == 0 {
			first = res
			continue
		}
		c, err := compare.New(first, res, baseline)
		if err != nil {
			return nil, usageError{err}
		}
		all = append(all, c)
	}
	return all, nil
}
