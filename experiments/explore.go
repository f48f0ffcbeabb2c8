package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"

	"numasched/experiments/explorer"
	"numasched/experiments/progress"
	"numasched/experiments/usage"
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
	cpus, nodes, gs, bound, limit, pct, seed usage.Number
	programs, arms, replay                   string
	replaying, nodesGiven, gsGiven           bool // --replay, --nodes or --gs was given
}

func exploreCommand() *cobra.Command {
	const most = 1_000_000_000_000
	f := exploreFlags{
		cpus: usage.Between(1, explore.MaxCPUs, 3), nodes: usage.Between(1, explore.MaxCPUs, 2), gs: usage.Between(1, explore.MaxGs, 4),
		bound: usage.Between(0, explore.MaxBound, 3), limit: usage.Between(1, most, 1_000_000),
		pct: usage.Between(0, most, 100_000), seed: usage.Between(0, most, 1),
	}
	doc := strings.Builder{}
	doc.WriteString(exploreDoc)
	for _, p := range explore.Programs {
		fmt.Fprintf(&doc, "    %-16s %s\n", p.Name, p.Doc)
	}
	doc.WriteString("\nPrograms on a model of Go's own scheduler with numago's overlay; they have no arm, and\nall does not mean them:\n\n")
	for _, p := range explore.ModelPrograms {
		fmt.Fprintf(&doc, "    %-16s %s\n", p.Name, p.Doc)
	}
	cmd := &cobra.Command{
		Use:   "explore",
		Short: "try the interleavings of the scheduler's threads on small programs",
		Long:  strings.TrimRight(doc.String(), "\n"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			given := cmd.Flags().Changed
			f.replaying, f.nodesGiven, f.gsGiven = given("replay"), given("nodes"), given("gs")
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
	whole := func(n *usage.Number, name, doc string) {
		fs.Var(n, name, fmt.Sprintf("%s (`N` from %d to %d)", doc, n.Least, n.Most))
	}
	whole(&f.cpus, "cpus", "CPUs of the machine")
	whole(&f.nodes, "nodes", "nodes of the machine, at most as many as CPUs")
	whole(&f.gs, "gs", "Gs of a program; by default more if it needs them")
	fs.StringVar(&f.programs, "program", "spawn,steal,park,close", "the programs, `NAME,...` or all")
	fs.StringVar(&f.arms, "arm", "numa", "the arms, `NAME,...` or all")
	whole(&f.bound, "bound", "preemptions that an interleaving of the systematic search may have")
	whole(&f.limit, "limit", "interleavings after which the systematic search of a program stops")
	whole(&f.pct, "pct", "random schedules to try after the systematic search")
	whole(&f.seed, "seed", "seed of all random choices")
	fs.StringVar(&f.replay, "replay", "", "show the timeline of one `SCHEDULE` of one program, as a failure prints it")
	usage.Complete(cmd, "program", usage.CompleteList(append(explorer.ProgramNames(explore.Programs, explore.ModelPrograms), "all"), false))
	usage.Complete(cmd, "arm", usage.CompleteList(append(usage.Schedulers(), "all"), false))
	return cmd
}

// explore does what the flags say, and reports whether an invariant was broken.
func (f *exploreFlags) explore(ctx context.Context, stdout, stderr io.Writer) (failed bool, err error) {
	cfg := explore.Config{CPUs: int(f.cpus.Value), Nodes: int(f.nodes.Value), Gs: int(f.gs.Value), Seed: uint64(f.seed.Value), Bound: int(f.bound.Value), Limit: f.limit.Value, PCT: f.pct.Value, Depth: max(int(f.bound.Value)+1, minDepth)}
	if f.nodes.Value > f.cpus.Value {
		if f.nodesGiven {
			return false, usage.Errorf("--nodes %d: want at most as many as CPUs: %d", f.nodes.Value, f.cpus.Value)
		}
		cfg.Nodes = cfg.CPUs
	}
	cells, err := usage.ProgramCells(f.programs, f.arms, cfg, f.gsGiven)
	if err != nil {
		return false, err
	}
	if f.replaying {
		if len(cells) != 1 {
			return false, usage.Errorf("--replay: want one program and one arm, not %d", len(cells))
		}
		if failed, err = explorer.Replay(cells[0], f.replay, stdout); err != nil {
			return false, usage.Errorf("--replay: %w", err)
		}
		return failed, nil
	}
	show, end := progress.New(stderr)
	defer end()
	return explorer.Run(ctx, cells, stdout, show, end)
}
