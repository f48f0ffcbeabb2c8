package sim_test

import (
	"bytes"
	"regexp"
	"strconv"
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/policy"
	"numasched/sched/sim"
)

// Lines about the state come at virtual times, are the same every time, and change nothing.
func TestSchedTraceChangesNothing(t *testing.T) {
	once := func(trace sched.SchedTrace) (hash uint64, end sim.Time) {
		m := simulated(t, "skx-2x8180")
		a, _ := policy.ByName("numa")
		s, err := sched.New(sched.Config{Machine: m, Arm: a, Seed: 1, SchedTrace: trace, Events: validated(t)})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Run(func(g *sched.G) {
			var gr sched.Group
			for range 500 {
				gr.Go(g, func(g *sched.G) {
					g.Work(sched.Work{Ops: 3_000_000}, nil)
					g.Yield()
				})
			}
			gr.Wait(g)
		}); err != nil {
			t.Fatal(err)
		}
		s.Close()
		return m.Hash(), m.Now()
	}
	without, end := once(sched.SchedTrace{})
	for _, detail := range []bool{false, true} {
		var first, second bytes.Buffer
		for _, out := range []*bytes.Buffer{&first, &second} {
			if hash, _ := once(sched.SchedTrace{Every: time.Millisecond, Detail: detail, Out: out}); hash != without {
				t.Errorf("detail %v: another run than without the lines", detail)
			}
		}
		if first.String() != second.String() {
			t.Errorf("detail %v: two runs write different lines", detail)
		}
		last, n := -1, 0
		for _, match := range regexp.MustCompile(`(?m)^SCHED (\d+)ms: gomaxprocs=112 .* runqueue=\d+ `).FindAllStringSubmatch(first.String(), -1) {
			ms, _ := strconv.Atoi(match[1])
			if ms <= last {
				t.Errorf("detail %v: a line for %d ms after one for %d", detail, ms, last)
			}
			last = ms
			n++
		}
		if n < 3 || sim.Time(last)*sim.Millisecond > end {
			t.Errorf("detail %v: %d lines, the last at %d ms, of a run of %v:\n%.500s", detail, n, last, end, &first)
		}
	}
}
