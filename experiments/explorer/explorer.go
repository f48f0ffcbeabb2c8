// Package explorer explores programs of sched/sim/explore, on all CPUs, and prints what was
// covered.
package explorer

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"numasched/experiments/harness"
	"numasched/experiments/progress"
	"numasched/sched/sim/explore"
)

// A Cell is one program to explore.
type Cell struct {
	Program explore.Program
	Config  explore.Config
}

// Run explores the cells, one on each CPU at a time, and prints the
// results in the order of the cells. It shows its progress; hide removes that
// from the screen until the next show.
func Run(ctx context.Context, cells []Cell, stdout io.Writer, show func(progress.Step), hide func()) (failed bool, err error) {
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
	shown := newShown(cells, show, hide)
	stdout = aboveProgress{shown, stdout}
	start := time.Now()
	cpus := min(runtime.GOMAXPROCS(0), jobs)
	for range cpus {
		go func() {
			for i := range todo {
				c := cells[i%len(cells)]
				if i < len(cells) {
					c.Config.PCT = 0
				} else {
					c.Config.Bound = -1
				}
				c.Config.Progress = func(r *explore.Report) { shown.report(i, r) }
				r, err := explore.Explore(ctx, c.Program, c.Config)
				shown.end(i, &r)
				results[i] <- result{r, err}
			}
		}()
	}
	const row = "%-14s %-13s %-8s %-8s %11d %9s"
	fmt.Fprintf(stdout, "%-14s %-13s %-8s %-8s %11s %9s %10s %6s %6s\n", "program", "arm", "within", "covered", "tried", "per s", "states", "words", "steps")
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
			fmt.Fprintf(stdout, "%-14s %-13s not begun\n", r.Program, r.Arm)
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
			fmt.Fprintf(stdout, "\n%s under %s BROKE AN INVARIANT: %v\n\n%s\nTo see all of this again:\n  experiments explore --cpus %d --nodes %d --gs %d --program %s --arm %s --seed %d --replay %s\n\n",
				r.Program, r.Arm, f.Err, lastLines(f.Timeline, 500), cell.Config.CPUs, cell.Config.Nodes, cell.Config.Gs, r.Program, r.Arm, cell.Config.Seed, f.Schedule)
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
// tried, and of which programs not even those without a preemption were. Of more, the search has
// tried a part.
func exhausted(reports []explore.Report) string {
	var whole, part, lines []string
	for i := range reports {
		r := &reports[i]
		if n := r.Complete(); n >= 0 {
			whole = append(whole, fmt.Sprintf("%s %s within %d", r.Program, r.Arm, n))
		} else {
			part = append(part, fmt.Sprintf("%s %s", r.Program, r.Arm))
		}
	}
	if whole != nil {
		lines = append(lines, "every interleaving was tried: "+strings.Join(whole, ", "))
	}
	if part != nil {
		lines = append(lines, "only a part was tried: "+strings.Join(part, ", "))
	}
	return strings.Join(lines, "\n")
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
