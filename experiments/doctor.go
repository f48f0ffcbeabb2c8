package main

import (
	"io"
	"time"

	"github.com/spf13/cobra"

	"numasched/experiments/doctor"
	"numasched/experiments/usage"
)

func doctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "say what here would spoil an experiment, and how to mend it",
		Long: `Doctor says what on this machine would spoil an experiment, and how to mend it.
Its exit status is 0 whatever it finds. Each line begins with how much it matters:

    ok    as it should be
    note  know it when you read the results
    warn  mend it before you trust a number`,
	}
	watch := cmd.Flags().Duration("watch", 500*time.Millisecond, "how long to watch what else is running, as a `DURATION`")
	asJSON := cmd.Flags().Bool("json", false, "print the checks as JSON: name, status, what was seen and what mends it")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *watch < 0 || *watch > time.Minute {
			return usage.Errorf("--watch %v: want a duration from 0s to 1m", *watch)
		}
		checks, err := doctor.Host(*watch)
		if err != nil {
			return err
		}
		show := doctor.Print
		if *asJSON {
			show = doctor.WriteJSON
		}
		return show(cmd.OutOrStdout(), checks)
	}
	cmd.AddCommand(&cobra.Command{
		Use:    "probe-kvm",
		Hidden: true, // doctor starts it as a process of its own
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := doctor.ProbeKVM(); err != nil {
				io.WriteString(cmd.OutOrStdout(), err.Error()+"\n")
				return exit(1)
			}
			return nil
		},
	})
	return cmd
}
