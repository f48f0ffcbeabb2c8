package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"time"

	"numasched/sched/policy"
	"numasched/sched/sim/explore"
)

const exploreDoc = `usage: experiments explore [flags]

Explore runs small programs on the real scheduler code, with every access to a
word that threads share a point at which another thread may go on. It tries
every interleaving with at most --bound preemptions, then --pct random ones, and
checks that no G is lost or runs twice, that none waits while a P idles for
ever, that deadlocks are reported when there are some and only then, and that
Close ends. A schedule that breaks this is shown as a timeline, with the command
that replays it. Speeds are of this host; no other number here is a time.

Programs:
`

func exploreCmd(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	failed, err := exploreAll(ctx, args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return fail(stderr, "explore", err)
	case failed:
		return 1
	case ctx.Err() != nil:
		return 130
	}
	return 0
}

// exploreAll does what args say, and reports whether an invariant was broken.
func exploreAll(ctx context.Context, args []string, stdout io.Writer) (failed bool, err error) {
	var names []string
	doc := strings.Builder{}
	doc.WriteString(exploreDoc)
	for _, p := range explore.Programs {
		names = append(names, p.Name)
		fmt.Fprintf(&doc, "  %-9s %s\n", p.Name, p.Doc)
	}
	fs := flag.NewFlagSet("explore", flag.ContinueOnError)
	cpus := fs.Int("cpus", 3, "how many CPUs the machine has, on two nodes")
	gs := fs.Int("gs", 4, "how many Gs a program has")
	programs := fs.String("program", "spawn,steal,park,close", "the programs, `NAME,...` or all")
	arms := fs.String("arm", "numa", "the arms, `NAME,...`")
	bound := fs.Int("bound", 3, "try every interleaving with up to this many preemptions")
	limit := fs.Int64("limit", 1_000_000, "stop the systematic search of a program after this many interleavings")
	pct := fs.Int64("pct", 100_000, "then try this many random schedules")
	seed := fs.Uint64("seed", 1, "of all random choices")
	replay := fs.String("replay", "", "show the timeline of one `SCHEDULE` of one program, as a failure prints it")
	rest, err := parseFlags(fs, doc.String(), args, stdout)
	if err != nil {
		return false, err
	}
	if len(rest) > 0 {
		return false, usagef("%q: want flags only", rest[0])
	}
	for _, f := range []struct {
		name       string
		v, lo, max int64
	}{
		{"cpus", int64(*cpus), 1, explore.MaxCPUs}, {"gs", int64(*gs), 1, explore.MaxGs}, {"bound", int64(*bound), 0, explore.MaxBound},
		{"limit", *limit, 0, 1 << 50}, {"pct", *pct, 0, 1 << 50},
	} {
		if f.v < f.lo || f.v > f.max {
			return false, usagef("--%s %d: want %d to %d", f.name, f.v, f.lo, f.max)
		}
	}
	var cells []explorerCell
	cfg := explore.Config{CPUs: *cpus, Gs: *gs, Seed: *seed, Bound: *bound, Limit: max(*limit, 1), PCT: *pct, Depth: *bound + 1}
	if *programs == "all" {
		*programs = strings.Join(names, ",")
	}
	for armName := range strings.SplitSeq(*arms, ",") {
		arm, ok := policy.ByName(armName)
		if !ok {
			var valid []string
			for _, a := range policy.Arms {
				valid = append(valid, a.Name)
			}
			return false, unknown("arm", armName, valid)
		}
		for name := range strings.SplitSeq(*programs, ",") {
			p, ok := explore.ProgramByName(name)
			if !ok {
				return false, unknown("program", name, names)
			}
			if p.MinCPUs > *cpus {
				return false, usagef("--cpus %d: program %s wants at least %d", *cpus, name, p.MinCPUs)
			}
			if p.MinGs > *gs {
				return false, usagef("--gs %d: program %s wants at least %d", *gs, name, p.MinGs)
			}
			cfg.Arm = arm
			cells = append(cells, explorerCell{p, cfg})
		}
	}
	if *replay != "" {
		if len(cells) != 1 {
			return false, usagef("--replay: want one program and one arm, not %d", len(cells))
		}
		schedule, err := explore.ParseSchedule(*replay)
		if err != nil {
			return false, usagef("--replay: %w", err)
		}
		timeline, broken := explore.Replay(cells[0].program, cells[0].cfg, schedule)
		io.WriteString(stdout, timeline)
		if broken == nil {
			fmt.Fprintln(stdout, "no invariant was broken")
		}
		return broken != nil, nil
	}
	return exploreCells(ctx, cells, stdout)
}

type explorerCell struct {
	program explore.Program
	cfg     explore.Config
}

// exploreCells explores the cells, as many at a time as there are CPUs, and
// prints what was found in their order.
func exploreCells(ctx context.Context, cells []explorerCell, stdout io.Writer) (failed bool, err error) {
	type result struct {
		report explore.Report
		err    error
	}
	results := make([]chan result, len(cells))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	start := time.Now()
	for i := range cells {
		results[i] = make(chan result, 1)
		go func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			r, err := explore.Explore(ctx, cells[i].program, cells[i].cfg)
			results[i] <- result{r, err}
		}()
	}
	fmt.Fprintf(stdout, "%-9s %-13s %-9s %-9s %12s %12s %6s %6s\n", "program", "arm", "schedules", "covered", "tried", "states", "words", "steps")
	total := int64(0)
	for i, cell := range cells {
		res := <-results[i]
		if res.err != nil {
			return false, res.err
		}
		r := res.report
		total += r.Executions()
		for _, b := range r.Bounds {
			covered := "all"
			if !b.Complete {
				covered = "in part"
			}
			fmt.Fprintf(stdout, "%-9s %-13s %-9s %-9s %12d %12d %6d %6d\n", r.Program, r.Arm, fmt.Sprintf("bound %d", b.Bound), covered, b.Executions, b.States, b.Marked, b.MaxSteps)
		}
		if r.Random > 0 {
			fmt.Fprintf(stdout, "%-9s %-13s %-9s %-9s %12d\n", r.Program, r.Arm, "random", "", r.Random)
		}
		if f := r.Failure; f != nil {
			failed = true
			fmt.Fprintf(stdout, "\n%s under %s BROKE AN INVARIANT: %v\n\n%s\nTo see this again:\n  experiments explore --cpus %d --gs %d --program %s --arm %s --seed %d --replay %s\n\n",
				r.Program, r.Arm, f.Err, f.Timeline, cell.cfg.CPUs, cell.cfg.Gs, r.Program, r.Arm, cell.cfg.Seed, f.Schedule)
		}
	}
	wall := time.Since(start)
	verdict := "every invariant held"
	if failed {
		verdict = "an invariant was broken, see above"
	}
	if ctx.Err() != nil {
		verdict += "; interrupted"
	}
	fmt.Fprintf(stdout, "\n%d interleavings in %.1f s, %.0f per second on %d CPUs of this host; %s\n",
		total, wall.Seconds(), float64(total)/wall.Seconds(), min(runtime.GOMAXPROCS(0), len(cells)), verdict)
	return failed, nil
}
