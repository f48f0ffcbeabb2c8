package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"numasched/experiments/explorer"
	"numasched/experiments/progress"
	"numasched/sched/policy"
	"numasched/sched/sim/explore"
)

const exploreDoc = `Explore runs small programs on the real scheduler code. Each access to a word that
threads share is a point where another thread may take over. Explore tries every
interleaving with at most --bound preemptions, then --pct random ones. It checks
that no G is lost or runs twice, that no G waits while a P idles for ever, that a
deadlock is reported if and only if there is one, and that Close returns. If a
schedule breaks one of these, explore shows it as a timeline, with the command
that replays it. Speeds are those of this host; no other number here is a time.

Each row of the table is one search of one program: all interleavings within a
bound ("in part" if --limit ended the search), or random schedules.

    tried   interleavings; two that differ only in the order of independent
            accesses count once
    per s   interleavings per second, with one program running on each CPU
    states  different points where more than one thread could continue
    words   shared words where threads were switched
    steps   accesses in the longest interleaving

Exit status: 1 if an invariant was broken, 130 after Ctrl-C, which still prints
what was covered.

Programs:

`

// minDepth is the least depth of bugs that random schedules look for. It holds
// even if --bound allows fewer preemptions.
const minDepth = 4

// exploreFlags is the command line of explore.
type exploreFlags struct {
	cpus, nodes, gs, bound, limit, pct, seed wholeNumber
	programs, arms, replay                   string
	replaying, nodesGiven                    bool // --replay or --nodes was given
}

func exploreCommand() *cobra.Command {
	const most = 1_000_000_000_000
	f := exploreFlags{
		cpus: wholeNumber{3, 1, explore.MaxCPUs}, nodes: wholeNumber{2, 1, explore.MaxCPUs}, gs: wholeNumber{4, 1, explore.MaxGs},
		bound: wholeNumber{3, 0, explore.MaxBound}, limit: wholeNumber{1_000_000, 1, most},
		pct: wholeNumber{100_000, 0, most}, seed: wholeNumber{1, 0, most},
	}
	doc := strings.Builder{}
	doc.WriteString(exploreDoc)
	for _, p := range explore.Programs {
		fmt.Fprintf(&doc, "    %-11s %s\n", p.Name, p.Doc)
	}
	doc.WriteString("\nPrograms on a model of Go's own scheduler with numago's overlay; they have no arm, and\nall does not mean them:\n\n")
	for _, p := range explore.ModelPrograms {
		fmt.Fprintf(&doc, "    %-13s %s\n", p.Name, p.Doc)
	}
	cmd := &cobra.Command{
		Use:   "explore",
		Short: "try the interleavings of the scheduler's threads on small programs",
		Long:  strings.TrimRight(doc.String(), "\n"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.replaying, f.nodesGiven = cmd.Flags().Changed("replay"), cmd.Flags().Changed("nodes")
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			defer stop()
			failed, err := f.explore(ctx, cmd.OutOrStdout(), cmd.ErrOrStderr())
			switch {
			case err != nil:
				return err
			case failed:
				return exit(1)
			case ctx.Err() != nil:
				return exit(130)
			}
			return nil
		},
	}
	fs := cmd.Flags()
	whole := func(n *wholeNumber, name, doc string) {
		fs.Var(n, name, fmt.Sprintf("%s (`N` from %d to %d)", doc, n.lo, n.hi))
	}
	whole(&f.cpus, "cpus", "CPUs of the machine")
	whole(&f.nodes, "nodes", "nodes of the machine, at most as many as CPUs")
	whole(&f.gs, "gs", "Gs of a program")
	fs.StringVar(&f.programs, "program", "spawn,steal,park,close", "the programs, `NAME,...` or all")
	fs.StringVar(&f.arms, "arm", "numa", "the arms, `NAME,...` or all")
	whole(&f.bound, "bound", "preemptions that an interleaving of the systematic search may have")
	whole(&f.limit, "limit", "interleavings after which the systematic search of a program stops")
	whole(&f.pct, "pct", "random schedules to try after the systematic search")
	whole(&f.seed, "seed", "seed of all random choices")
	fs.StringVar(&f.replay, "replay", "", "show the timeline of one `SCHEDULE` of one program, as a failure prints it")
	complete(cmd, "program", completeList(append(programNames(explore.Programs, explore.ModelPrograms), "all"), false))
	complete(cmd, "arm", completeList(append(schedulerNames(), "all"), false))
	return cmd
}

func programNames(lists ...[]explore.Program) []string {
	var names []string
	for _, p := range slices.Concat(lists...) {
		names = append(names, p.Name)
	}
	return names
}

// explore does what the flags say, and reports whether an invariant was broken.
func (f *exploreFlags) explore(ctx context.Context, stdout, stderr io.Writer) (failed bool, err error) {
	var cells []explorer.Cell
	cfg := explore.Config{CPUs: int(f.cpus.v), Nodes: int(f.nodes.v), Gs: int(f.gs.v), Seed: uint64(f.seed.v), Bound: int(f.bound.v), Limit: f.limit.v, PCT: f.pct.v, Depth: max(int(f.bound.v)+1, minDepth)}
	if f.nodes.v > f.cpus.v {
		if f.nodesGiven {
			return false, usagef("--nodes %d: want at most as many as CPUs: %d", f.nodes.v, f.cpus.v)
		}
		cfg.Nodes = cfg.CPUs
	}
	if f.programs == "all" {
		f.programs = strings.Join(programNames(explore.Programs), ",")
	}
	names := programNames(explore.Programs, explore.ModelPrograms)
	armNames := schedulerNames()
	if f.arms == "all" {
		f.arms = strings.Join(armNames, ",")
	}
	for armName := range strings.SplitSeq(f.arms, ",") {
		arm, err := policy.ByName(armName)
		if err != nil {
			return false, usagef("--arm: %w", unknown("arm", armName, armNames))
		}
		for name := range strings.SplitSeq(f.programs, ",") {
			p, ok := explore.ProgramByName(name)
			if !ok {
				return false, usagef("--program: %w", unknown("program", name, names))
			}
			if p.MinCPUs > cfg.CPUs {
				return false, usagef("--cpus %d: program %s wants %d to %d", f.cpus.v, name, p.MinCPUs, explore.MaxCPUs)
			}
			if p.MinGs > cfg.Gs {
				return false, usagef("--gs %d: program %s wants %d to %d", f.gs.v, name, p.MinGs, explore.MaxGs)
			}
			cfg.Arm = arm
			cells = append(cells, explorer.Cell{Program: p, Config: cfg})
		}
	}
	if f.replaying {
		if len(cells) != 1 {
			return false, usagef("--replay: want one program and one arm, not %d", len(cells))
		}
		schedule, err := explore.ParseSchedule(f.replay)
		if err != nil {
			return false, usagef("--replay: %w", err)
		}
		timeline, broken := explore.Replay(cells[0].Program, cells[0].Config, schedule)
		if misfit := (*explore.MisfitError)(nil); errors.As(broken, &misfit) {
			return false, usagef("--replay: %w; want a schedule of %s under %s with these --cpus, --gs and --seed", misfit, cells[0].Program.Name, cells[0].Config.Arm.Name)
		}
		io.WriteString(stdout, timeline)
		if broken == nil {
			fmt.Fprintln(stdout, "no invariant was broken")
		}
		return broken != nil, nil
	}
	show, end := progress.New(stderr)
	defer end()
	return explorer.Run(ctx, cells, stdout, show, end)
}
