package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"numasched/experiments/harness"
	"numasched/experiments/progress"
	"numasched/experiments/report"
	"numasched/experiments/usage"
	"numasched/sched"
	"numasched/topology"
)

const runDoc = `Measures every arm on every workload, with every number of Ps, on every
topology, and writes a result directory: results.txt (Go benchmark format, for
benchstat), run.json (machine, commit, command, plan), plots, and index.html.
Repetitions are interleaved; how often a workload runs in a repetition is chosen
by measurement. Ctrl-C keeps finished repetitions; the same command with --resume
completes them.

Topologies are host, synthetic:NxC (N nodes of C CPUs), a preset or a capture's
file ("experiments topo --help" lists them); nodes that are not the host's are
pretended.

Arms:

%s
Workloads (* are the quick ones) and their sizes, set as in fib:n=32:

%s`

// runFlags is the command line of run.
type runFlags struct {
	arms, workloads, procs, topos string
	out                           string
	reps                          int
	time, budget                  time.Duration
	seed                          uint64
	quick, resume, virtual, json  bool
	shard                         harness.Shard
	baseline                      *string
}

func runCommand(line []string) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "measure arms against workloads and write a result directory",
		Long:  fmt.Sprintf(runDoc, usage.ArmsHelp(), usage.WorkloadsHelp()),
		Example: `  experiments run --quick
  experiments run --arm flat,numa --workload fib:n=32,triad --procs 1,2 --out results/mine
  experiments run --quick --topology synthetic:2x1`,
		Args: usage.NoListItems,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd.Flags()); err != nil {
				return err
			}
			return f.run(line, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.arms, "arm", "gm,flat,numa,goroutine", "comma-separated `LIST` of arms, or \"all\"")
	fs.StringVar(&f.workloads, "workload", "quick", "comma-separated `LIST` of workloads, sized as in fib:n=32, or \"quick\" or \"all\"")
	fs.StringVar(&f.procs, "procs", "", "comma-separated `LIST` of numbers of Ps (default: as many as the topology allows CPUs)")
	fs.StringVar(&f.topos, "topology", "host", "comma-separated `LIST` of topologies")
	fs.StringVar(&f.out, "out", "", "result `DIR`, which must not exist (default: results/ and the time)")
	fs.IntVar(&f.reps, "reps", 0, "`N` repetitions of every cell (default 10; with --quick 6)")
	fs.DurationVar(&f.time, "time", 0, "length of a repetition, a `TIME` (default 1s); the workload runs at least once")
	fs.DurationVar(&f.budget, "budget", 0, "approximate length of the whole run, a `TIME`; chooses --time (with --quick: 15s)")
	fs.Uint64Var(&f.seed, "seed", 1, "`SEED` of random choices; repetition i uses SEED+i")
	fs.BoolVar(&f.quick, "quick", false, "a run under 30 s: small sizes, 6 short repetitions")
	fs.BoolVar(&f.resume, "resume", false, "complete the run in --out, which was begun with the same flags")
	fs.BoolVar(&f.virtual, "virtual", os.Getenv("NUMALAB") != "", "this is a virtual NUMA machine: report locality, never speed (set in scripts/numalab.sh)")
	fs.BoolVar(&f.json, "json", false, "print the tables as JSON (harness.Report describes it)")
	usage.ShardFlag(fs, &f.shard, "the workloads, with all their arms")
	f.baseline = usage.BaselineFlag(cmd)
	usage.Complete(cmd, "arm", usage.CompleteList(append(append(usage.ArmNames(), usage.Peers()...), "all"), false))
	usage.Complete(cmd, "workload", usage.CompleteList(append(usage.WorkloadNames(), "quick", "all"), false))
	usage.Complete(cmd, "topology", usage.CompleteTopology)
	usage.Complete(cmd, "out", usage.CompleteDirs)
	return cmd
}

// maxReps is more repetitions than any real run has.
const maxReps = 1_000_000

// check refuses impossible values. It looks only at flags that were given: zero is
// the value of a flag that was not.
func (f *runFlags) check(fs *pflag.FlagSet) (err error) {
	fs.Visit(func(given *pflag.Flag) {
		switch name := given.Name; {
		case err != nil:
		case name == "reps" && (f.reps < 1 || f.reps > maxReps):
			err = usage.Errorf("--reps %d: want 1 to %d", f.reps, maxReps)
		case name == "time" && f.time <= 0, name == "budget" && f.budget <= 0:
			err = usage.Errorf("--%s %v: want more than nothing, as in 500ms or 2s", name, given.Value)
		}
	})
	switch {
	case err != nil:
		return err
	case f.time > 0 && f.budget > 0:
		return usage.Errorf("--time and --budget exclude each other: the budget chooses the time")
	case f.resume && f.out == "":
		return usage.Errorf("--resume: want --out DIR as well, the directory of the run to complete")
	}
	return nil
}

// setBy names the flags for what a run cannot go on with, if err says that there is such a
// thing.
func setBy(err error) string {
	var changed *harness.ChangedError
	if !errors.As(err, &changed) {
		return ""
	}
	switch changed.Setting {
	case harness.SettingPlace:
		return " (see --virtual)"
	case harness.SettingTopologies:
		return " (see --topology)"
	case harness.SettingSeed:
		return " (see --seed)"
	case harness.SettingReps:
		return " (see --reps)"
	case harness.SettingTime:
		return " (see --time and --budget)"
	case harness.SettingCells:
		return " (see --arm, --workload and --procs)"
	}
	return ""
}

// run measures what the flags say; line is the whole command line.
func (f *runFlags) run(line []string, stdout, stderr io.Writer) error {
	meta, topos, err := f.plan()
	if err != nil {
		return err
	}
	meta.Command = line
	if f.out == "" {
		f.out = filepath.Join("results", time.Now().Format("2006-01-02-150405"))
	}

	ctx, stop := untilInterrupted()
	defer stop()
	show, end := progress.New(stderr)
	err = harness.Run(ctx, f.out, meta, f.resume, harness.HostBench(topos), func(s harness.Status) { show(s.Step()) })
	end()
	var dirErr *harness.DirError
	interrupted := errors.Is(err, harness.ErrInterrupted)
	switch {
	case errors.As(err, &dirErr) && f.resume && !harness.DiskFull(err):
		return usage.Errorf("--resume --out %s: %w%s", f.out, err, setBy(err))
	case errors.As(err, &dirErr):
		return usage.DirError(f.out, err)
	case err != nil && !interrupted:
		return fmt.Errorf("%w; %d of %d repetitions are finished and kept in %s", err, meta.Done, meta.Planned, report.HostPath(f.out))
	}
	res, err := harness.Load(f.out)
	if err != nil {
		return err
	}
	if len(res.Measurements) > 0 {
		err = errors.Join(report.Show(stdout, res, f.json), report.Publish(res))
	}
	if interrupted {
		if err != nil {
			fmt.Fprintln(stderr, "not written:", err)
		}
		goOn := fmt.Sprintf("; the same command with --out %s --resume completes them", usage.ShellWord(f.out))
		if report.HostPath(f.out) != f.out {
			goOn = "" // the next virtual machine does not have them
		}
		fmt.Fprintf(stderr, "interrupted: %d of %d repetitions are finished and kept in %s%s\n", meta.Done, meta.Planned, report.HostPath(f.out), goOn)
		return exit(130)
	}
	return err
}

// plan checks the command line and turns it into cells.
func (f *runFlags) plan() (*harness.Meta, map[string]*topology.Topology, error) {
	if err := sched.CheckEnvironment(); err != nil {
		return nil, nil, usage.Wrong(err)
	}
	arms, err := usage.Arms(f.arms)
	if err != nil {
		return nil, nil, err
	}
	if b := f.baseline; b != nil && *b != "" && !slices.Contains(arms, *b) {
		return nil, nil, usage.Errorf("--baseline: %w", usage.Unknown("arm", *b, arms))
	}
	loads, err := usage.Workloads(f.workloads, f.quick)
	if err != nil {
		return nil, nil, err
	}
	procs, err := usage.Procs(f.procs)
	if err != nil {
		return nil, nil, err
	}
	list, topos, err := usage.Topologies(f.topos)
	if err != nil {
		return nil, nil, err
	}
	if err := usage.Fit(procs, list); err != nil {
		return nil, nil, err
	}
	cells, groups := harness.Grid{Loads: loads, Topologies: list, Procs: procs, Arms: arms, Shard: f.shard}.Cells()
	if len(cells) == 0 && f.shard.Of > 0 {
		return nil, nil, usage.Errorf("--shard %s: nothing to run: there can be %s", f.shard.String(), harness.Count(groups, "part", "parts"))
	}
	if len(cells) == 0 {
		return nil, nil, usage.Errorf("--arm %s, --workload %s: nothing to run: none of these arms has any of these workloads", f.arms, f.workloads)
	}
	pace := harness.Pace{Reps: f.reps, Target: f.time, Budget: f.budget, Quick: f.quick}
	reps, target := pace.Length(len(cells))
	if least := pace.LeastBudget(len(cells)); f.budget > 0 && f.budget < least {
		return nil, nil, usage.Errorf("--budget %v: want at least %v for %s of %s", f.budget, least, harness.Count(reps, "repetition", "repetitions"), harness.Count(len(cells), "cell", "cells"))
	}
	place := harness.Host
	if f.virtual {
		place = harness.Virtual
	}
	meta := harness.NewMeta(place, list)
	if f.baseline != nil {
		meta.Baseline = *f.baseline
	}
	meta.Plan = harness.Plan{Seed: f.seed, Reps: reps, Target: harness.Duration(target), Cells: cells}
	return meta, topos, nil
}
