package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"numasched/experiments/harness"
	"numasched/experiments/peers"
	"numasched/experiments/report"
	"numasched/experiments/usage"
	"numasched/sched"
)

const peersDoc = `Measures this module beside other people's task runtimes. It is "run" with the
workloads and arms that allow a comparison. Repetitions are interleaved, and the
table, plots and result directory are those of "run". A peer that this computer
cannot run is left out, and the command says why. Peers are also arms of "run".

Peers:

%s
A pool runs only spawn and parfor, because its tasks must not wait for each other.
No peer runs pingpong and actorring. There the comparison is with goroutines.

--tables runs the sizes of a public table of task runtimes, and prints the numbers of
that table below its own, as CPU time for each task. They are of another machine and
other compilers. So compare ratios: a runtime's time over oneTBB's, here and there. On
2 CPUs this takes most of an hour, two thirds of it for goroutines and OpenMP. Skynet
has a hundred million tasks in that table. Goroutines would need 20 GB for them, so
they run a million, as in the original. The table's matmul is left out, because it
compares compilers.`

// peersLoads are the workloads that peers have, and two of which goroutines are the
// measure.
const peersLoads = "fib,fib-closure,spawn,parfor,nqueens,skynet,pingpong,actorring"

// tableReps is how many repetitions --tables makes: the fewest that have an interval.
const tableReps = "6"

func peersCommand(line []string) *cobra.Command {
	cmd := runCommand(line)
	cmd.Use, cmd.Short = "peers", "measure this module beside other people's task runtimes"
	cmd.Long = fmt.Sprintf(peersDoc, usage.PeersHelp())
	cmd.Example = `  experiments peers
  experiments peers --procs 1,2 --out results/peers
  experiments peers --workload spawn --arm flat,numa,chanpool
  experiments peers --tables --arm numa,onetbb,rayon --reps 3`
	fs := cmd.Flags()
	tables := fs.Bool("tables", false, "the sizes of a public table of task runtimes, and its numbers")
	fs.Lookup("workload").DefValue = peersLoads
	fs.Lookup("arm").DefValue = "flat, numa, goroutine and the peers that can run here"
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *tables {
			for _, other := range []string{"workload", "quick"} {
				if fs.Changed(other) {
					return usage.Errorf("--tables and --%s exclude each other: the table says the sizes", other)
				}
			}
			if !fs.Changed("reps") {
				fs.Set("reps", tableReps)
			}
			fs.Set("workload", peers.PublishedLoads())
		} else if !fs.Changed("workload") {
			fs.Set("workload", peersLoads)
		}
		if !fs.Changed("arm") {
			// Peers are built now, which may take a minute. What is wrong is said before.
			if err := sched.CheckEnvironment(); err != nil {
				return usage.Wrong(err)
			}
			if _, err := usage.Workloads(fs.Lookup("workload").Value.String(), false); err != nil {
				return err
			}
			if _, err := usage.Procs(fs.Lookup("procs").Value.String()); err != nil {
				return err
			}
			arms := append([]string{"flat", "numa", harness.Goroutine}, peers.ThatCanRun(cmd.ErrOrStderr())...)
			fs.Set("arm", strings.Join(arms, ","))
		}
		err := run(cmd, args)
		if err != nil || fs.Lookup("json").Value.String() == "true" {
			return err
		}
		res, err := harness.Load(fs.Lookup("out").Value.String())
		if err != nil {
			return err
		}
		report.PrintBesidePublished(cmd.OutOrStdout(), res)
		return nil
	}
	return cmd
}
