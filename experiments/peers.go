package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"numasched/experiments/harness"
	"numasched/experiments/peers"
)

const peersDoc = `Measures this module beside other people's task runtimes: "run" with the
workloads and arms that let them be compared, interleaved, with the same table,
plots and result directory. A peer that this computer cannot run is left out, and
the command says why. Peers are arms of "run" too.

Peers:

%s
A pool has spawn and parfor alone, because its tasks must not wait for each other.
No peer has pingpong and actorring; there goroutines are the measure.`

// peersLoads are the workloads that peers have, and two of which goroutines are the
// measure.
const peersLoads = "fib,fib-closure,spawn,parfor,pingpong,actorring"

func peersCommand(line []string) *cobra.Command {
	cmd := runCommand(line)
	cmd.Use, cmd.Short = "peers", "measure this module beside other people's task runtimes"
	cmd.Long = fmt.Sprintf(peersDoc, peersHelp())
	cmd.Example = `  experiments peers
  experiments peers --procs 1,2 --out results/peers
  experiments peers --workload spawn --arm flat,numa,chanpool`
	fs := cmd.Flags()
	fs.Lookup("workload").DefValue = peersLoads
	fs.Lookup("arm").DefValue = "flat, numa, goroutine and the peers that can run here"
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !fs.Changed("workload") {
			fs.Set("workload", peersLoads)
		}
		if !fs.Changed("arm") {
			arms := []string{"flat", "numa", harness.Goroutine}
			for _, p := range peers.All {
				if err := p.Ready(); err != nil {
					fmt.Fprintf(cmd.ErrOrStderr(), "without %s: %v\n", p.Name, err)
					continue
				}
				arms = append(arms, p.Name)
			}
			fs.Set("arm", strings.Join(arms, ","))
		}
		return run(cmd, args)
	}
	return cmd
}

// peersHelp has a line for each peer.
func peersHelp() string {
	var b strings.Builder
	for _, p := range peers.All {
		fmt.Fprintf(&b, "    %-16s %s\n", p.Name, p.Doc)
	}
	return b.String()
}
