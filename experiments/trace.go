package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"numasched/experiments/harness"
	"numasched/experiments/usage"
	"numasched/sched"
	"numasched/sched/policy"
	"numasched/sched/sim"
	"numasched/sched/trace"
)

const traceDoc = `Runs one workload once, records what the scheduler does, and writes it as a file for
ui.perfetto.dev or chrome://tracing. The workload runs on this host, or with --preset on
a simulated machine, in virtual time.

In the file, each node has a track for each M, with the Gs that it runs, and a track
for each P, with the M that holds it. Arrows show what woke a G and where Gs were
stolen. Counters show how many Gs are ready, and how many went on at the node where
they ran before.

On a host, recording costs about 50 ns for each event, so the run takes longer than
without it. On a simulated machine it takes no virtual time.

The events are also checked against what Gs, Ps and Ms may do.

Arms:

`

// traceFlags is the command line of trace.
type traceFlags struct {
	preset, topology, arm, workload, procs, out string
	seed                                        uint64
	full                                        bool
	limit                                       usage.Number
}

func traceCommand() *cobra.Command {
	f := traceFlags{limit: usage.Between(1, 1_000_000_000, 1_000_000)}
	cmd := &cobra.Command{
		Use:   "trace",
		Short: "record what the scheduler does in one run, for Perfetto",
		Long:  traceDoc + strings.TrimRight(usage.SchedulersHelp(), "\n"),
		Example: `  experiments trace --arm numa --workload pingpong --out trace.json
  experiments trace --preset skx-2x8180 --arm numa --workload heat --procs 1/4 --out trace.json`,
		Args: usage.NoListItems,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.OutOrStdout()) },
	}
	fs := cmd.Flags()
	fs.StringVar(&f.preset, "preset", "", "simulate this `MACHINE`: a preset, synthetic:NxC, or a file.json as \"experiments\ncalibrate\" writes it (default: this host)")
	fs.StringVar(&f.topology, "topology", "host", "the `TOPOLOGY` that a host pretends")
	fs.StringVar(&f.arm, "arm", "numa", "the `ARM`")
	fs.StringVar(&f.workload, "workload", "fib", "the `WORKLOAD`, sized as in fib:n=20")
	fs.StringVar(&f.procs, "procs", "all", "the number `N` of Ps, or a share of the machine's CPUs, as in 1/4")
	fs.Uint64Var(&f.seed, "seed", 1, "`SEED` of random choices")
	fs.BoolVar(&f.full, "full", false, "default sizes; otherwise the quick ones")
	fs.Var(&f.limit, "limit", fmt.Sprintf("events of each M to keep, the first ones (`N` from %d to %d)", f.limit.Least, f.limit.Most))
	fs.StringVar(&f.out, "out", "trace.json", "the `FILE` to write")
	usage.Complete(cmd, "preset", usage.CompleteList(sim.PresetNames(), false))
	usage.Complete(cmd, "topology", usage.CompleteTopology)
	usage.Complete(cmd, "arm", usage.CompleteList(usage.Schedulers(), false))
	usage.Complete(cmd, "workload", usage.CompleteList(usage.WorkloadNames(), false))
	usage.Complete(cmd, "procs", usage.CompleteList([]string{"1/8", "1/4", "1/2", "all"}, false))
	usage.Complete(cmd, "out", cobra.FixedCompletions([]cobra.Completion{"json"}, cobra.ShellCompDirectiveFilterFileExt))
	return cmd
}

// run does what the flags say.
func (f *traceFlags) run(stdout io.Writer) (err error) {
	arm, err := policy.ByName(f.arm)
	if err != nil {
		return usage.Errorf("--arm: %w", usage.Unknown("arm", f.arm, usage.Schedulers()))
	}
	loads, err := usage.Workloads(f.workload, !f.full)
	if err != nil {
		return err
	}
	if len(loads) != 1 {
		return usage.Errorf("--workload %s: want one workload, not %d", f.workload, len(loads))
	}
	if f.preset == "" {
		if err := sched.CheckEnvironment(); err != nil {
			return usage.Wrong(err)
		}
	}
	m, closeMachine, err := usage.Machine(f.preset, f.topology)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeMachine()) }()
	topo := m.Topology()
	procs, err := usage.Shares(f.procs, topo.Origin, topo.Allowed.Len())
	if err != nil {
		return err
	}
	if len(procs) != 1 {
		return usage.Errorf("--procs %s: want one number of Ps, not %d", f.procs, len(procs))
	}
	in, err := loads[0].New()
	if err != nil {
		return err
	}
	r := &trace.Recorder{Clock: true, Limit: int(f.limit.Value)}
	err = harness.RecordFile(f.out, r, in, sched.Config{Machine: m, Arm: arm, Procs: procs[0]}, f.seed)
	if errors.As(err, new(*harness.FileError)) {
		return usage.FileError("out", err)
	}
	if err != nil {
		return err
	}
	kept, cut := r.Kept()
	fmt.Fprintf(stdout, "%s: %s of %s under %s on %s, checked", f.out, harness.Count(kept, "event", "events"), loads[0].Name, arm.Name, topo.Origin)
	if cut {
		fmt.Fprintf(stdout, "; some came after --limit %d and are not in it", f.limit.Value)
	}
	fmt.Fprintln(stdout, "\nOpen it in ui.perfetto.dev or chrome://tracing.")
	return nil
}
