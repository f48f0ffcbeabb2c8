package usage

import (
	"slices"

	"github.com/spf13/cobra"

	"numasched/experiments/harness"
)

// BaselineFlag adds --baseline to a command that shows results.
func BaselineFlag(cmd *cobra.Command) *string {
	arm := cmd.Flags().String("baseline", "", "`ARM` that the others are compared with (default: the one that the run named, else flat, else the first one)")
	Complete(cmd, "baseline", CompleteList(ArmNames(), false))
	return arm
}

// SetBaseline makes arm the one that the others are compared with, unless it is "".
func SetBaseline(res *harness.Results, arm string) error {
	if arm == "" {
		return nil
	}
	if arms := res.Arms(); !slices.Contains(arms, arm) {
		return Errorf("--baseline: %w", Unknown("arm", arm, arms))
	}
	res.Meta.Baseline = arm
	return nil
}
