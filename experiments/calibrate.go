package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"numasched/experiments/calibrate"
	"numasched/experiments/harness"
	"numasched/experiments/usage"
	"numasched/sched"
)

func calibrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "calibrate --out FILE.json",
		Short: "measure this host into a preset for sim",
		Long: `Measures on this host what the simulated machine has to know of it: memory and
caches, atomic operations, system calls, sleeping and waking, what the scheduler
does for a spawn, a join and a switch, the cycles of the workloads' loops, and the
price of an object on Go's heap. If the kernel lists no caches, their sizes are
taken from a pointer chase. The result is a preset for "experiments sim --preset
FILE.json". What this host cannot tell (another node, a busy SMT sibling) keeps its
assumed value, and the preset says so. Nothing else should run meanwhile. If others
took more than 5 % of the CPU time, the preset says so.

Everything is measured in three rounds, and the best counts. That takes about a
minute.

With --compare, every workload whose time means something also runs on the host, in
each round, on 1 and 2 Ps. At the end the same is simulated, and the errors are
printed. That takes about two minutes.`,
	}
	out := cmd.Flags().String("out", "", "`FILE` to write; its name ends in .json")
	compare := cmd.Flags().Bool("compare", false, "compare host and simulation on the quick workloads")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return writeCalibration(*out, *compare, cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	return cmd
}

// writeCalibration writes a preset of this host into a new file.
func writeCalibration(out string, compare bool, stdout, stderr io.Writer) error {
	if len(out) < 6 || !strings.HasSuffix(out, ".json") {
		return usage.Errorf("--out %q: want a file name that ends in .json", out)
	}
	if err := sched.CheckEnvironment(); err != nil {
		return usage.Wrong(err)
	}
	var said string
	err := harness.NewFile(out, func() (data []byte, err error) {
		data, said, err = calibrate.File(compare, stderr)
		return data, err
	})
	if err != nil {
		return usage.FileError("out", err)
	}
	_, err = io.WriteString(stdout, said)
	return err
}
