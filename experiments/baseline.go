package main

import (
	"slices"

	"github.com/spf13/cobra"

	"numasched/experiments/harness"
	"numasched/experiments/usage"
)

// baselineFlag adds --baseline to a command that shows results.
func baselineFlag(cmd *cobra.Command) *string {
	arm := cmd.Flags().String("baseline", "", "`ARM` that the others are compared with (default: the one that the run named, else flat, else the first one)")
	usage.Complete(cmd, "baseline", usage.CompleteList(usage.ArmNames(), false))
	return arm
}

// setBaseline makes arm the one that the others are compared with, unless it is "".
func setBaseline(res *harness.Results, arm string) error {
	if arm == "" {
		return nil
	}
	if arms := res.Arms(); !slices.Contains(arms, arm) {
		return usage.Errorf("--baseline: %w", usage.Unknown("arm", arm, arms))
	}
	res.Meta.Baseline = arm
	return nil
}
