// Package progress shows how far a long command has come.
package progress

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"
)

// A Step is the progress of a long command.
type Step struct {
	Phase   string // such as "simulating"
	What    string // what runs now, such as "triad numa"
	Done    int    // of this phase
	Planned int
	Left    string // such as "1m20s left"; "" while there is no estimate
}

// New returns a function that shows progress: a bar with the time left on a
// terminal, a line every ten seconds elsewhere. End removes the bar.
func New(w io.Writer) (show func(Step), end func()) {
	if f, ok := w.(*os.File); ok && isatty.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb" {
		return barProgress(w)
	}
	return lineProgress(w, 10*time.Second), func() {}
}

func lineProgress(w io.Writer, every time.Duration) func(Step) {
	last := time.Now()
	return func(s Step) {
		if time.Since(last) < every {
			return
		}
		last = time.Now()
		line := fmt.Sprintf("%s: %d of %d", s.Phase, s.Done, s.Planned)
		for _, more := range []string{s.What, s.Left} {
			if more != "" {
				line += ", " + more
			}
		}
		fmt.Fprintln(w, line)
	}
}

// barProgress draws lines of at most 80 columns: the next line does not cover a
// longer one.
func barProgress(w io.Writer) (show func(Step), end func()) {
	var bar *progressbar.ProgressBar
	phase := ""
	finish := func() {
		if bar != nil {
			bar.Clear()
		}
	}
	return func(s Step) {
		if s.Phase != phase {
			finish()
			phase = s.Phase
			bar = progressbar.NewOptions(s.Planned,
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
		room := 80 - 18 - len(fmt.Sprintf("(%d/%[1]d)", s.Planned))
		room -= len(s.Phase) + 2 + max(12, len(s.Left))
		bar.Describe(fmt.Sprintf("%s %-*.*s %12s", s.Phase, room, room, s.What, s.Left))
		bar.Set(s.Done)
	}, finish
}

// Left is "1m20s left", or "" where there is no estimate.
func Left(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return fmt.Sprintf("%v left", max(time.Second, d.Round(time.Second)))
}

// A Job is one of many that do not depend on each other.
type Job[T any] struct {
	Name string // for progress
	Run  func() (T, error)
}

// Parallel runs jobs on all CPUs of this computer. It returns their results in
// the order of the jobs, or the first error in that order, and shows its progress
// on stderr.
func Parallel[T any](stderr io.Writer, jobs []Job[T]) ([]T, error) {
	show, end := New(stderr)
	defer end()
	return parallelShown(show, jobs)
}

// parallelShown calls show whenever a job begins or ends, and once a second.
func parallelShown[T any](show func(Step), jobs []Job[T]) ([]T, error) {
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
				out[i], errs[i] = jobs[i].Run()
				ended <- i
			}
		}()
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	start := time.Now()
	for s := (Step{Phase: "simulating", Planned: len(jobs)}); s.Done < s.Planned; {
		select {
		case i := <-begun:
			s.What = jobs[i].Name
		case <-ended:
			s.Done++
		case <-tick.C:
		}
		if 20*s.Done >= s.Planned { // the first few say little, because jobs differ much
			s.Left = Left(time.Since(start) / time.Duration(max(1, s.Done)) * time.Duration(s.Planned-s.Done))
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
