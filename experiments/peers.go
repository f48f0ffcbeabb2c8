package main

import (
	"fmt"
	"slices"
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
No peer has pingpong and actorring; there goroutines are the measure.

--tables runs the sizes of a public table of task runtimes, and prints its numbers
below, as CPU time for each task: another machine and other compilers, so compare
what a runtime takes of oneTBB's time here and there. On 2 CPUs it takes most of an
hour, two thirds of it for goroutines and OpenMP. Skynet has a hundred million tasks
there; goroutines would need 20 GB for it, so they have the million of the original.
The table's matmul is left out: it compares compilers.`

// peersLoads are the workloads that peers have, and two of which goroutines are the
// measure.
const peersLoads = "fib,fib-closure,spawn,parfor,nqueens,skynet,pingpong,actorring"

// tableReps is how many repetitions --tables makes: the fewest that have an interval.
const tableReps = "6"

// tableLoads are the sizes of the public table, and the original of one of them.
func tableLoads() string {
	var loads []string
	for _, row := range peers.PublishedRows {
		loads = append(loads, row.Load+":"+strings.ReplaceAll(row.Params, "/", ":"))
	}
	return strings.Join(append(loads, "skynet:depth=6"), ",")
}

func peersCommand(line []string) *cobra.Command {
	cmd := runCommand(line)
	cmd.Use, cmd.Short = "peers", "measure this module beside other people's task runtimes"
	cmd.Long = fmt.Sprintf(peersDoc, peersHelp())
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
					return usagef("--tables and --%s exclude each other: the table says the sizes", other)
				}
			}
			if !fs.Changed("reps") {
				fs.Set("reps", tableReps)
			}
			fs.Set("workload", tableLoads())
		} else if !fs.Changed("workload") {
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
		err := run(cmd, args)
		if err != nil || fs.Lookup("json").Value.String() == "true" {
			return err
		}
		res, err := harness.Load(fs.Lookup("out").Value.String())
		if err != nil {
			return err
		}
		if t := besidePublished(res.Groups()); len(t.Rows) > 0 {
			fmt.Fprintln(cmd.OutOrStdout())
			t.Print(cmd.OutOrStdout())
			fmt.Fprintln(cmd.OutOrStdout(), harness.Wrap("published: "+peers.PublishedSource+".", "  "))
		}
		return nil
	}
	return cmd
}

// besidePublished lays what was measured at the sizes of a public table beside the table: the
// CPU time for a task, and that over oneTBB's on the same machine. It has no rows if nothing
// was.
func besidePublished(groups []harness.Group) harness.Table {
	t := harness.Table{Title: "beside a public table: nanoseconds of CPU time for a task, over oneTBB's", Head: []string{"runtime"}}
	type cpuTime map[string]float64 // of a runtime
	var loads []cpuTime
	var arms []string
	for _, row := range peers.PublishedRows {
		for i := range groups {
			g := &groups[i]
			if g.Workload != row.Load || g.Params != row.Params {
				continue
			}
			own := cpuTime{}
			for _, r := range g.Rows {
				own[r.Arm] = r.NsPerUnit.Center * float64(g.Procs)
				if !slices.Contains(arms, r.Arm) {
					arms = append(arms, r.Arm)
				}
			}
			for name, us := range row.Micros {
				own["published "+name] = us * 1000 * peers.PublishedThreads / float64(row.Tasks)
			}
			loads = append(loads, own)
			t.Head = append(t.Head, fmt.Sprintf("%s P=%d", row.Load, g.Procs), "over")
		}
	}
	if len(loads) == 0 {
		return t
	}
	const tbb = "onetbb"
	for _, name := range peers.PublishedRuntimes {
		arms = append(arms, "published "+name)
	}
	for _, arm := range arms {
		base := tbb
		if strings.HasPrefix(arm, "published ") {
			base = "published " + tbb
		}
		line := []string{arm}
		for _, own := range loads {
			ns, over := "-", "-"
			if v := own[arm]; v > 0 {
				ns = harness.FormatNumber(v)
				if of := own[base]; of > 0 {
					over = harness.FormatRatio(v / of)
				}
			}
			line = append(line, ns, over)
		}
		t.Rows = append(t.Rows, line)
	}
	return t
}

// peersHelp has a line for each peer.
func peersHelp() string {
	var b strings.Builder
	for _, p := range peers.All {
		fmt.Fprintf(&b, "    %-16s %s\n", p.Name, p.Doc)
	}
	return b.String()
}
