package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"numasched/experiments/harness"
)

func mergeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "merge --out DIR RESULTS...",
		Short: "put several result directories into one",
		Long: `Puts complete runs of one place by one program into a new result directory, for
report, plot and compare. Runs of several machines stay apart: topologies with the same
name get another one. What several runs measured on one machine has the repetitions of
all; repetitions are compared in pairs within a run. What several runs simulated must be
the same, byte for byte, and is kept once. The shards of "experiments sim --claims" make
what one command would have written; all of them must be there.`,
		Args:              atLeastOneDir,
		ValidArgsFunction: completeDirs,
	}
	out := cmd.Flags().String("out", "", "result `DIR`, which must not exist")
	complete(cmd, "out", completeDirs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *out == "" {
			return usagef("want --out DIR, for what is merged")
		}
		res, err := loadResults(args, *out, "")
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %s of %s\n", *out, harness.Count(res.Meta.Done, "repetition", "repetitions"), harness.Count(len(res.Meta.Parts), "run", "runs"))
		return publish(res)
	}
	return cmd
}

// atLeastOneDir refuses to have no argument.
func atLeastOneDir(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usagef("want one result directory or more, got 0")
	}
	return nil
}
