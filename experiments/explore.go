package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"numasched/experiments/harness"
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
	cpus, gs, bound, limit, pct, seed wholeNumber
	programs, arms, replay            string
	replaying                         bool // --replay was given
}

func exploreCommand() *cobra.Command {
	const most = 1_000_000_000_000
	f := exploreFlags{
		cpus: wholeNumber{3, 1, explore.MaxCPUs}, gs: wholeNumber{4, 1, explore.MaxGs},
		bound: wholeNumber{3, 0, explore.MaxBound}, limit: wholeNumber{1_000_000, 1, most},
		pct: wholeNumber{100_000, 0, most}, seed: wholeNumber{1, 0, most},
	}
	doc := strings.Builder{}
	doc.WriteString(exploreDoc)
	for _, p := range explore.Programs {
		fmt.Fprintf(&doc, "    %-11s %s\n", p.Name, p.Doc)
	}
	cmd := &cobra.Command{
		Use:   "explore",
		Short: "try the interleavings of the scheduler's threads on small programs",
		Long:  strings.TrimRight(doc.String(), "\n"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.replaying = cmd.Flags().Changed("replay")
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
	whole(&f.cpus, "cpus", "CPUs of the machine, on two nodes")
	whole(&f.gs, "gs", "Gs of a program")
	fs.StringVar(&f.programs, "program", "spawn,steal,park,close", "the programs, `NAME,...` or all")
	fs.StringVar(&f.arms, "arm", "numa", "the arms, `NAME,...` or all")
	whole(&f.bound, "bound", "preemptions that an interleaving of the systematic search may have")
	whole(&f.limit, "limit", "interleavings after which the systematic search of a program stops")
	whole(&f.pct, "pct", "random schedules to try after the systematic search")
	whole(&f.seed, "seed", "seed of all random choices")
	fs.StringVar(&f.replay, "replay", "", "show the timeline of one `SCHEDULE` of one program, as a failure prints it")
	complete(cmd, "program", completeList(append(programNames(), "all"), false))
	complete(cmd, "arm", completeList(append(schedulerNames(), "all"), false))
	return cmd
}

func programNames() []string {
	var names []string
	for _, p := range explore.Programs {
		names = append(names, p.Name)
	}
	return names
}

// explore does what the flags say, and reports whether an invariant was broken.
func (f *exploreFlags) explore(ctx context.Context, stdout, stderr io.Writer) (failed bool, err error) {
	var cells []explorerCell
	cfg := explore.Config{CPUs: int(f.cpus.v), Gs: int(f.gs.v), Seed: uint64(f.seed.v), Bound: int(f.bound.v), Limit: f.limit.v, PCT: f.pct.v, Depth: max(int(f.bound.v)+1, minDepth)}
	names := programNames()
	if f.programs == "all" {
		f.programs = strings.Join(names, ",")
	}
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
			cells = append(cells, explorerCell{p, cfg})
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
		timeline, broken := explore.Replay(cells[0].program, cells[0].cfg, schedule)
		if misfit := (*explore.MisfitError)(nil); errors.As(broken, &misfit) {
			return false, usagef("--replay: %w; want a schedule of %s under %s with these --cpus, --gs and --seed", misfit, cells[0].program.Name, cells[0].cfg.Arm.Name)
		}
		io.WriteString(stdout, timeline)
		if broken == nil {
			fmt.Fprintln(stdout, "no invariant was broken")
		}
		return broken != nil, nil
	}
	show, end := progress.New(stderr)
	defer end()
	return exploreCells(ctx, cells, stdout, show, end)
}

type explorerCell struct {
	program explore.Program
	cfg     explore.Config
}

// exploreCells explores the cells, one on each CPU at a time, and prints the
// results in the order of the cells. It shows its progress; hide removes that
// from the screen until the next show.
func exploreCells(ctx context.Context, cells []explorerCell, stdout io.Writer, show func(progress.Step), hide func()) (failed bool, err error) {
	type result struct {
		report explore.Report
		err    error
	}
	// Systematic and random searches are separate jobs. The short ones come last, so
	// that no CPU is without work for long.
	jobs := 2 * len(cells)
	results := make([]chan result, jobs)
	todo := make(chan int, jobs)
	for i := range jobs {
		results[i] = make(chan result, 1)
		todo <- i
	}
	close(todo)
	shown := newExploreProgress(cells, show, hide)
	stdout = aboveProgress{shown, stdout}
	start := time.Now()
	cpus := min(runtime.GOMAXPROCS(0), jobs)
	for range cpus {
		go func() {
			for i := range todo {
				c := cells[i%len(cells)]
				if i < len(cells) {
					c.cfg.PCT = 0
				} else {
					c.cfg.Bound = -1
				}
				c.cfg.Progress = func(r *explore.Report) { shown.report(i, r) }
				r, err := explore.Explore(ctx, c.program, c.cfg)
				shown.end(i, &r)
				results[i] <- result{r, err}
			}
		}()
	}
	const row = "%-9s %-13s %-8s %-8s %11d %9s"
	fmt.Fprintf(stdout, "%-9s %-13s %-8s %-8s %11s %9s %10s %6s %6s\n", "program", "arm", "within", "covered", "tried", "per s", "states", "words", "steps")
	total := int64(0)
	var done []explore.Report
	for i, cell := range cells {
		res, random := <-results[i], <-results[len(cells)+i]
		if res.err != nil {
			return false, res.err
		}
		r := res.report
		if r.Failure == nil {
			r.Random, r.RandomWall, r.Failure = random.report.Random, random.report.RandomWall, random.report.Failure
		}
		total += r.Executions()
		done = append(done, r)
		if r.Executions() == 0 {
			fmt.Fprintf(stdout, "%-9s %-13s not begun\n", r.Program, r.Arm)
			continue
		}
		for _, b := range r.Bounds {
			covered := "all"
			if !b.Complete {
				covered = "in part"
			}
			fmt.Fprintf(stdout, row+" %10d %6d %6d\n", r.Program, r.Arm, fmt.Sprintf("bound %d", b.Bound), covered,
				b.Executions, speed(b.Executions, b.Wall), b.States, b.Marked, b.MaxSteps)
		}
		if r.Random > 0 {
			fmt.Fprintf(stdout, row+"\n", r.Program, r.Arm, "random", "", r.Random, speed(r.Random, r.RandomWall))
		}
		if f := r.Failure; f != nil {
			failed = true
			fmt.Fprintf(stdout, "\n%s under %s BROKE AN INVARIANT: %v\n\n%s\nTo see all of this again:\n  experiments explore --cpus %d --gs %d --program %s --arm %s --seed %d --replay %s\n\n",
				r.Program, r.Arm, f.Err, lastLines(f.Timeline, 500), cell.cfg.CPUs, cell.cfg.Gs, r.Program, r.Arm, cell.cfg.Seed, f.Schedule)
		}
	}
	wall := time.Since(start)
	verdict := "every invariant held in all that was tried"
	if failed {
		verdict = "an invariant was broken, see above"
	}
	if ctx.Err() != nil {
		verdict += "; interrupted"
	}
	fmt.Fprintf(stdout, "\n%s\n", exhausted(done))
	fmt.Fprintf(stdout, "%s in %.1f s, %s per second on %s of this host; %s\n",
		harness.Count(int(total), "interleaving", "interleavings"), wall.Seconds(), speed(total, wall), harness.Count(cpus, "CPU", "CPUs"), verdict)
	return failed, nil
}

// exhausted says for each program within how many preemptions every interleaving was
// tried. Of more, the search has tried a part.
func exhausted(reports []explore.Report) string {
	var parts []string
	for i := range reports {
		r := &reports[i]
		within := "within no bound"
		if n := r.Complete(); n >= 0 {
			within = fmt.Sprintf("within %d", n)
		}
		parts = append(parts, fmt.Sprintf("%s %s %s", r.Program, r.Arm, within))
	}
	return "every interleaving was tried: " + strings.Join(parts, ", ")
}

// lastLines returns the last n lines of a text, and says how many it leaves out. A
// timeline of Ms that keep each other busy has thousands of similar lines.
func lastLines(text string, n int) string {
	lines := strings.SplitAfter(text, "\n")
	if len(lines) <= n+1 {
		return text
	}
	left := len(lines) - 1 - n
	return fmt.Sprintf("... %d lines before that ...\n%s", left, strings.Join(lines[left:], ""))
}

// speed returns n per second, or a dash if n is too small to tell.
func speed(n int64, d time.Duration) string {
	if d < 10*time.Millisecond || n < 1000 {
		return "-"
	}
	return fmt.Sprintf("%.0f", float64(n)/d.Seconds())
}
