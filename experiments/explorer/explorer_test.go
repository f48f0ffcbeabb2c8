package explorer

import (
	"bytes"
	"context"
	"regexp"
	"testing"

	"numasched/experiments/progress"
	"numasched/sched/policy"
	"numasched/sched/sim/explore"
)

// What is shown of a long timeline is its end.
func TestLongTimelinesAreCut(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want string
	}{
		{"a\nb\nc\n", 3, "a\nb\nc\n"},
		{"a\nb\nc\n", 2, "... 1 lines before that ...\nb\nc\n"},
		{"", 2, ""},
	} {
		if got := lastLines(c.text, c.n); got != c.want {
			t.Errorf("the last %d lines of %q are %q, want %q", c.n, c.text, got, c.want)
		}
	}
}

// What was not exhausted within any bound is not among what was.
func TestExhausted(t *testing.T) {
	whole := explore.Report{Program: "steal", Arm: "numa", Bounds: []explore.BoundReport{{Complete: true}}}
	part := explore.Report{Program: "park", Arm: "flat"}
	for want, reports := range map[string][]explore.Report{
		"every interleaving was tried: steal numa within 0":                                   {whole},
		"only a part was tried: park flat":                                                    {part},
		"every interleaving was tried: steal numa within 0\nonly a part was tried: park flat": {part, whole},
	} {
		if got := exhausted(reports); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

// An interrupted exploration says so, and what it had covered.
func TestExploreIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	arm, _ := policy.ByName("numa")
	p, _ := explore.ProgramByName("park")
	cfg := explore.Config{Arm: arm, CPUs: 3, Gs: 4, Seed: 1, Bound: 3, Limit: 1 << 40, Depth: 4}
	var out bytes.Buffer
	failed, err := Run(ctx, []Cell{{p, cfg}}, &out, (&stopper{5, cancel}).show, func() {})
	if failed || err != nil {
		t.Fatal(failed, err)
	}
	for _, want := range []string{
		`(?m)^park +numa +bound \d +in part +`,
		`every invariant held in all that was tried; interrupted\n$`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("no line like %s in\n%s", want, out.String())
		}
	}
}

// A stopper calls stop when a number of steps of progress have been shown.
type stopper struct {
	steps int
	stop  func()
}

func (s *stopper) show(progress.Step) {
	if s.steps--; s.steps == 0 {
		s.stop()
	}
}
