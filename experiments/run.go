package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"numasched/experiments/harness"
	"numasched/experiments/peers"
	"numasched/experiments/progress"
	"numasched/experiments/workload"
	"numasched/sched/policy"
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
	shard                         shard
	baseline                      *string
}

// quick's defaults.
const (
	quickReps   = 6
	quickBudget = 15 * time.Second
)

func runCommand(line []string) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "measure arms against workloads and write a result directory",
		Long:  fmt.Sprintf(runDoc, armsHelp(), workloadsHelp()),
		Example: `  experiments run --quick
  experiments run --arm flat,numa --workload fib:n=32,triad --procs 1,2 --out results/mine
  experiments run --quick --topology synthetic:2x1`,
		Args: noListItems,
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
	fs.DurationVar(&f.time, "time", 0, "length of a repetition, a `TIME` (default 1s)")
	fs.DurationVar(&f.budget, "budget", 0, "approximate length of the whole run, a `TIME`; chooses --time (with --quick: 15s)")
	fs.Uint64Var(&f.seed, "seed", 1, "`SEED` of random choices; repetition i uses SEED+i")
	fs.BoolVar(&f.quick, "quick", false, "a run under 30 s: small sizes, 6 short repetitions")
	fs.BoolVar(&f.resume, "resume", false, "complete the run in --out, which was begun with the same flags")
	fs.BoolVar(&f.virtual, "virtual", os.Getenv("NUMALAB") != "", "this is a virtual NUMA machine: report locality, never speed (set in scripts/numalab.sh)")
	fs.BoolVar(&f.json, "json", false, "print the tables as JSON (harness.Report describes it)")
	shardFlag(fs, &f.shard, "the workloads, with all their arms")
	f.baseline = baselineFlag(cmd)
	complete(cmd, "arm", completeList(append(append(armNames(), peerNames()...), "all"), false))
	complete(cmd, "workload", completeList(append(workloadNames(), "quick", "all"), false))
	complete(cmd, "topology", completeTopology)
	complete(cmd, "out", completeDirs)
	return cmd
}

// noListItems refuses arguments. Most often they are the rest of a list that the
// user wrote with blanks.
func noListItems(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("unexpected argument %q (lists are separated by commas, without blanks)", args[0])
	}
	return nil
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
			err = usagef("--reps %d: want 1 to %d", f.reps, maxReps)
		case name == "time" && f.time <= 0, name == "budget" && f.budget <= 0:
			err = usagef("--%s %v: want more than nothing, as in 500ms or 2s", name, given.Value)
		case name == "out" && f.out == "":
			err = usagef("--out \"\": want a directory, or no --out for results/ and the time")
		}
	})
	switch {
	case err != nil:
		return err
	case f.time > 0 && f.budget > 0:
		return usagef("--time and --budget exclude each other: the budget chooses the time")
	case f.resume && f.out == "":
		return usagef("--resume: want --out DIR as well, the directory of the run to complete")
	}
	return nil
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
	err = harness.Run(ctx, f.out, meta, f.resume, harness.HostBench(topos), harnessProgress(show))
	end()
	var dirErr *harness.DirError
	interrupted := errors.Is(err, harness.ErrInterrupted)
	switch {
	case errors.As(err, &dirErr) && f.resume && !harness.DiskFull(err):
		return usagef("--resume --out %s: %w", f.out, err)
	case errors.As(err, &dirErr):
		return dirError(f.out, err)
	case err != nil && !interrupted:
		return fmt.Errorf("%w; %d of %d repetitions are finished and kept in %s", err, meta.Done, meta.Planned, hostPath(f.out))
	}
	res, err := harness.Load(f.out)
	if err != nil {
		return err
	}
	if len(res.Measurements) > 0 {
		err = errors.Join(showReport(stdout, res, f.json), publish(res))
	}
	if interrupted {
		if err != nil {
			fmt.Fprintln(stderr, "not written:", err)
		}
		goOn := fmt.Sprintf("; the same command with --out %s --resume completes them", shellWord(f.out))
		if hostPath(f.out) != f.out {
			goOn = "" // the next virtual machine does not have them
		}
		fmt.Fprintf(stderr, "interrupted: %d of %d repetitions are finished and kept in %s%s\n", meta.Done, meta.Planned, hostPath(f.out), goOn)
		return exit(130)
	}
	return err
}

// plan checks the command line and turns it into cells.
func (f *runFlags) plan() (*harness.Meta, map[string]*topology.Topology, error) {
	arms, err := parseArms(f.arms)
	if err != nil {
		return nil, nil, err
	}
	if b := f.baseline; b != nil && *b != "" && !slices.Contains(arms, *b) {
		return nil, nil, usagef("--baseline: %w", unknown("arm", *b, arms))
	}
	loads, err := parseWorkloads(f.workloads, f.quick)
	if err != nil {
		return nil, nil, err
	}
	procs, err := parseProcs(f.procs)
	if err != nil {
		return nil, nil, err
	}
	var list []*topology.Topology
	topos := map[string]*topology.Topology{}
	for _, arg := range splitList(f.topos) {
		t, err := loadTopology("topology", arg)
		if err != nil {
			return nil, nil, err
		}
		label := harness.TopologyLabel(t)
		if other := topos[label]; other != nil {
			return nil, nil, usagef("--topology: %s and %s are both %s: one run cannot tell them apart", other.Origin, t.Origin, label)
		}
		topos[label] = t
		list = append(list, t)
	}
	if len(list) == 0 {
		return nil, nil, usagef("--topology: empty list (valid: host, synthetic:NxC, a capture's file, %s)", strings.Join(presetNames(), ", "))
	}

	var cells []harness.PlanCell
	groups := 0
	for _, l := range loads {
		for _, t := range list {
			ps := procs
			if len(ps) == 0 {
				ps = []int{t.Allowed.Len()}
			}
			for _, p := range ps {
				if p < 1 || p > t.Allowed.Len() {
					return nil, nil, usagef("--procs %d is impossible: %s has %s that may be used (want 1 to %d)", p, t.Origin, harness.Count(t.Allowed.Len(), "CPU", "CPUs"), t.Allowed.Len())
				}
				if groups++; !f.shard.has(groups - 1) {
					continue // arms are measured side by side
				}
				for _, arm := range arms {
					if arm == harness.Goroutine && !l.stock {
						continue
					}
					if peer := peers.ByName(arm); peer != nil && !peer.Has(l.Name, l.Params) {
						continue
					}
					cells = append(cells, harness.PlanCell{
						Cell: harness.Cell{Workload: l.Name, Params: l.Sizes(), Arm: arm, Topo: harness.TopologyLabel(t), Procs: p},
						Unit: l.Unit,
					})
				}
			}
		}
	}
	if len(cells) == 0 && f.shard.of > 0 {
		return nil, nil, usagef("--shard %s: nothing to run: there are %d parts at most", f.shard.String(), groups)
	}
	if len(cells) == 0 {
		return nil, nil, usagef("--arm %s, --workload %s: nothing to run: none of these arms has any of these workloads", f.arms, f.workloads)
	}
	reps, target := f.length(len(cells))
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

// length chooses the number of repetitions and their length.
func (f *runFlags) length(cells int) (reps int, target time.Duration) {
	reps, target, budget := f.reps, f.time, f.budget
	if reps == 0 {
		reps = 10
		if f.quick {
			reps = quickReps
		}
	}
	if f.quick && target == 0 && budget == 0 {
		budget = quickBudget
	}
	if budget > 0 {
		// Choosing run lengths and warming up cost about two repetitions.
		target = min(time.Second, max(time.Millisecond, budget/time.Duration(cells*(reps+2))))
	}
	if target == 0 {
		target = time.Second
	}
	return reps, target
}

// shellWord quotes s for a shell if it needs quotes.
func shellWord(s string) string {
	if strings.ContainsAny(s, " \t'\"\\$&;|<>*?[](){}`!#~") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

func splitList(s string) []string {
	var list []string
	for _, part := range strings.Split(s, ",") {
		if part = strings.TrimSpace(part); part != "" && !slices.Contains(list, part) {
			list = append(list, part)
		}
	}
	return list
}

// schedulerNames returns the names of the arms that this module implements.
func schedulerNames() []string {
	var names []string
	for _, a := range policy.Arms {
		names = append(names, a.Name)
	}
	return names
}

// armNames returns the names of the arms that "all" stands for: this module's and
// stock Go's goroutines.
func armNames() []string { return append(schedulerNames(), harness.Goroutine) }

// peerNames returns the names of the arms that are other people's runtimes.
func peerNames() []string {
	var names []string
	for _, p := range peers.All {
		names = append(names, p.Name)
	}
	return names
}

func workloadNames() []string {
	var names []string
	for _, w := range workload.All {
		names = append(names, w.Name)
	}
	return names
}

func parseArms(s string) ([]string, error) {
	names := armNames()
	arms := splitList(s)
	if slices.Contains(arms, "all") {
		return names, nil
	}
	for _, a := range arms {
		if peer := peers.ByName(a); peer != nil {
			if err := peer.Ready(); err != nil {
				return nil, usagef("--arm %s: %w", a, err)
			}
		} else if !slices.Contains(names, a) {
			return nil, usagef("--arm: %w", unknown("arm", a, append(append(names, peerNames()...), "all")))
		}
	}
	if len(arms) == 0 {
		return nil, usagef("--arm: empty list (valid: %s, all)", strings.Join(names, ", "))
	}
	return arms, nil
}

// A load is a workload with its sizes.
type load struct {
	workload.Program
	stock bool // it has a version in plain goroutines
}

// parseWorkloads reads "fib:n=32,triad", "quick" or "all".
func parseWorkloads(s string, quick bool) ([]load, error) {
	names := append(workloadNames(), "quick", "all")
	var wanted []string
	for _, item := range splitList(s) {
		switch item {
		case "quick", "all":
			for _, w := range workload.All {
				if w.Quick || item == "all" {
					wanted = append(wanted, w.Name)
				}
			}
		default:
			wanted = append(wanted, item)
		}
	}
	var loads []load
	for _, item := range wanted {
		name, sizes, _ := strings.Cut(item, ":")
		w := workload.ByName(name)
		if w == nil {
			return nil, usagef("--workload: %w", unknown("workload", name, names))
		}
		p, err := w.Parse(sizes, quick)
		if err != nil {
			return nil, usagef("--workload: %w", err)
		}
		in, err := p.New()
		if err != nil {
			return nil, usagef("--workload: %w", err)
		}
		if !slices.ContainsFunc(loads, func(o load) bool { return o.Workload == w && o.Sizes() == p.Sizes() }) {
			loads = append(loads, load{p, in.Stock != nil})
		}
	}
	if len(loads) == 0 {
		return nil, usagef("--workload: empty list (valid: %s)", strings.Join(names, ", "))
	}
	return loads, nil
}

func parseProcs(s string) ([]int, error) {
	var ps []int
	for _, item := range splitList(s) {
		p, err := strconv.Atoi(item)
		if err != nil {
			return nil, usagef("--procs %q: want numbers of Ps from 1 to the CPUs of the topology, as in 1,2,4", item)
		}
		if !slices.Contains(ps, p) {
			ps = append(ps, p)
		}
	}
	if s != "" && len(ps) == 0 {
		return nil, usagef("--procs: empty list (want numbers, as in 1,2,4)")
	}
	return ps, nil
}

// schedulersHelp has a line for each arm that this module implements.
func schedulersHelp() string {
	var b strings.Builder
	for _, a := range policy.Arms {
		fmt.Fprintf(&b, "    %-16s %s\n", a.Name, a.Doc)
	}
	return b.String()
}

func armsHelp() string {
	return fmt.Sprintf("%s    %-16s stock Go: goroutines on GOMAXPROCS threads (%s)\n%s", schedulersHelp(), harness.Goroutine, runtime.Version(), peersHelp())
}

func workloadsHelp() string {
	var b strings.Builder
	for _, w := range workload.All {
		mark := " "
		if w.Quick {
			mark = "*"
		}
		fmt.Fprintf(&b, "    %s %-14s %s\n", mark, w.Name, w.Doc)
		for _, p := range w.Params {
			quick := ""
			if p.Quick != 0 {
				quick = fmt.Sprintf("; with --quick %d", p.Quick)
			}
			fmt.Fprintf(&b, "          %s=%d  %s (%d to %d%s)\n", p.Name, p.Default, p.Doc, p.Min, p.Max, quick)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// harnessProgress shows the progress of the harness. The harness calls it between
// repetitions, so that drawing does not disturb a measurement.
func harnessProgress(show func(progress.Step)) func(harness.Status) {
	return func(s harness.Status) {
		what := ""
		if s.Cell.Workload != "" {
			what = s.Cell.Workload + " " + s.Cell.Arm
		}
		show(progress.Step{Phase: s.Phase, What: what, Done: s.Done, Planned: s.Planned, Left: progress.Left(s.Left)})
	}
}
