package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"

	"numasched/experiments/harness"
)

// newProgress shows how far a run has come: a bar with the time left on a
// terminal, a line every ten seconds elsewhere. Both write between
// repetitions only, so that drawing disturbs no measurement.
func newProgress(w io.Writer) (show func(harness.Status), end func()) {
	if f, ok := w.(*os.File); ok && isatty.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb" {
		return barProgress(w)
	}
	return lineProgress(w, 10*time.Second), func() {}
}

func lineProgress(w io.Writer, every time.Duration) func(harness.Status) {
	var last time.Time
	phase := ""
	return func(s harness.Status) {
		if s.Phase == phase && time.Since(last) < every && s.Done < s.Planned {
			return
		}
		phase, last = s.Phase, time.Now()
		line := fmt.Sprintf("%s: %d of %d", s.Phase, s.Done, s.Planned)
		if left := timeLeft(s.Left); left != "" {
			line += ", " + left
		}
		fmt.Fprintln(w, line)
	}
}

// barProgress draws lines of at most 80 columns: a longer one would not be
// drawn over by the next.
func barProgress(w io.Writer) (show func(harness.Status), end func()) {
	var bar *progressbar.ProgressBar
	phase := ""
	finish := func() {
		if bar != nil {
			bar.Clear()
		}
	}
	return func(s harness.Status) {
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
		where := ""
		if s.Cell.Workload != "" {
			where = s.Cell.Workload + " " + s.Cell.Arm
		}
		bar.Describe(fmt.Sprintf("%s %-18.18s %12s ", s.Phase, where, timeLeft(s.Left)))
		bar.Set(s.Done)
	}, finish
}

// timeLeft is "1m20s left", or "" where there is no estimate.
func timeLeft(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return fmt.Sprintf("%v left", max(time.Second, d.Round(time.Second)))
}
