package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"

	"numasched/experiments/harness"
)

// A step is the progress of a long command.
type step struct {
	phase   string // such as "simulating"
	what    string // what runs now, such as "triad numa"
	done    int    // of this phase
	planned int
	left    string // such as "1m20s left"; "" while there is no estimate
}

// newProgress returns a function that shows progress: a bar with the time left on a
// terminal, a line every ten seconds elsewhere. End removes the bar.
func newProgress(w io.Writer) (show func(step), end func()) {
	if f, ok := w.(*os.File); ok && isatty.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb" {
		return barProgress(w)
	}
	return lineProgress(w, 10*time.Second), func() {}
}

func lineProgress(w io.Writer, every time.Duration) func(step) {
	last := time.Now()
	return func(s step) {
		if time.Since(last) < every {
			return
		}
		last = time.Now()
		line := fmt.Sprintf("%s: %d of %d", s.phase, s.done, s.planned)
		for _, more := range []string{s.what, s.left} {
			if more != "" {
				line += ", " + more
			}
		}
		fmt.Fprintln(w, line)
	}
}

// barProgress draws lines of at most 80 columns: the next line does not cover a
// longer one.
func barProgress(w io.Writer) (show func(step), end func()) {
	var bar *progressbar.ProgressBar
	phase := ""
	finish := func() {
		if bar != nil {
			bar.Clear()
		}
	}
	return func(s step) {
		if s.phase != phase {
			finish()
			phase = s.phase
			bar = progressbar.NewOptions(s.planned,
				progressbar.OptionSetWriter(w),
				progressbar.OptionSetWidth(8),
				progressbar.OptionShowCount(),
				progressbar.OptionSetPredictTime(false),
				progressbar.OptionSetElapsedTime(false),
				progressbar.OptionSetRenderBlankState(true),
				progressbar.OptionClearOnFinish(),
			)
		}
		// The bar and its blanks take 18 columns, "(done/planned)" the rest.
		room := 80 - 18 - len(fmt.Sprintf("(%d/%[1]d)", s.planned))
		room -= len(s.phase) + 2 + max(12, len(s.left))
		bar.Describe(fmt.Sprintf("%s %-*.*s %12s", s.phase, room, room, s.what, s.left))
		bar.Set(s.done)
	}, finish
}

// harnessProgress shows the progress of the harness. The harness calls it between
// repetitions, so that drawing does not disturb a measurement.
func harnessProgress(show func(step)) func(harness.Status) {
	return func(s harness.Status) {
		what := ""
		if s.Cell.Workload != "" {
			what = s.Cell.Workload + " " + s.Cell.Arm
		}
		show(step{s.Phase, what, s.Done, s.Planned, timeLeft(s.Left)})
	}
}

// timeLeft is "1m20s left", or "" where there is no estimate.
func timeLeft(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return fmt.Sprintf("%v left", max(time.Second, d.Round(time.Second)))
}

// A job is one of many that do not depend on each other.
type job[T any] struct {
	name string // for progress
	run  func() (T, error)
}

// inParallel runs jobs on all CPUs of this computer. It returns their results in
// the order of the jobs, or the first error in that order, and shows its progress
// on stderr.
func inParallel[T any](stderr io.Writer, jobs []job[T]) ([]T, error) {
	show, end := newProgress(stderr)
	defer end()
	return inParallelShown(show, jobs)
}

// inParallelShown calls show whenever a job begins or ends, and once a second.
func inParallelShown[T any](show func(step), jobs []job[T]) ([]T, error) {
	out, errs := make([]T, len(jobs)), make([]error, len(jobs))
	todo := make(chan int, len(jobs))
	for i := range jobs {
		todo <- i
	}
	close(todo)
	begun, ended := make(chan int), make(chan int)
	for range min(len(jobs), runtime.GOMAXPROCS(0)) {
		go func() {
			for i := range todo {
				begun <- i
				out[i], errs[i] = jobs[i].run()
				ended <- i
			}
		}()
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	start := time.Now()
	for s := (step{phase: "simulating", planned: len(jobs)}); s.done < s.planned; {
		select {
		case i := <-begun:
			s.what = jobs[i].name
		case <-ended:
			s.done++
		case <-tick.C:
		}
		if 20*s.done >= s.planned { // the first few say little, because jobs differ much
			s.left = timeLeft(time.Since(start) / time.Duration(max(1, s.done)) * time.Duration(s.planned-s.done))
		}
		show(s)
	}
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
