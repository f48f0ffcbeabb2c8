package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"numasched/experiments/claims"
	"numasched/experiments/harness"
	"numasched/experiments/report"
	"numasched/experiments/usage"
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
		Args:              usage.AtLeastOneDir,
		ValidArgsFunction: usage.CompleteDirs,
	}
	out := cmd.Flags().String("out", "", "result `DIR`, which must not exist")
	usage.Complete(cmd, "out", usage.CompleteDirs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *out == "" {
			return usage.Errorf("want --out DIR, for what is merged")
		}
		res, err := loadResults(args, *out, "")
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %s of %s\n", *out, harness.Count(res.Meta.Done, "repetition", "repetitions"), harness.Count(len(res.Meta.Parts), "run", "runs"))
		return report.Publish(res)
	}
	return cmd
}

// mergeDirs puts runs together in the new directory out.
func mergeDirs(all []*harness.Results, out, baseline string) (*harness.Results, error) {
	merged, err := claims.Merge(all, out, readShard)
	if err != nil {
		return nil, usage.Wrong(err)
	}
	if err := usage.SetBaseline(merged.Results, baseline); err != nil {
		return nil, err
	}
	switch err := merged.Write(out); {
	case errors.As(err, new(*harness.DirError)):
		return nil, usage.DirError(out, err)
	case err != nil:
		return nil, fmt.Errorf("--out %s: %w", out, err)
	}
	return merged.Results, nil
}

// loadResults loads a result directory that has measurements, and makes baseline the arm
// that the others are compared with, unless it is "". Several directories are merged
// first, into the new directory out.
func loadResults(dirs []string, out, baseline string) (*harness.Results, error) {
	all, err := harness.LoadAll(dirs)
	if err != nil {
		return nil, usage.Wrong(err)
	}
	if len(all) == 1 && out == "" {
		return all[0], usage.SetBaseline(all[0], baseline)
	}
	if out == "" {
		return nil, usage.Errorf("want --out DIR, for what is merged from %s", strings.Join(dirs, ", "))
	}
	return mergeDirs(all, out, baseline)
}
