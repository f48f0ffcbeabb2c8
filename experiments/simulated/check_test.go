package simulated

import (
	"math"
	"strings"
	"testing"
	"time"

	"numasched/experiments/workload"
)

// A run that breaks an invariant is told so.
func TestVerify(t *testing.T) {
	good := Run{Procs: 1, MakespanNs: 1e9, WorkNs: 9e8, SchedulingNs: 1e8, BoundNs: 9e8}
	for _, c := range []struct {
		change func(*Run)
		want   string
	}{
		{func(*Run) {}, ""},
		{func(r *Run) { r.BoundNs = 1e9 + 1 }, "below the lower bound"},
		{func(r *Run) { r.WorkNs = 8e8 }, "make 900000000 of 1000000000"},
		{func(r *Run) { r.WorkNs, r.IdleNs = 8e8, 1e8 }, "is busy for"},
		{func(r *Run) { r.StealsNode = 3 }, "one P steals 3 times"},
		{func(r *Run) { r.Procs, r.StealsNode, r.IdleNs = 2, 3, 1e9 }, ""},
	} {
		r := good
		c.change(&r)
		r.verify()
		if got := strings.Join(r.Checks, "; "); got == "" != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("verify: %q, want %q", got, c.want)
		}
	}
}

// A comparison stops when it knows enough, and its interval holds the difference.
func TestRatio(t *testing.T) {
	for _, c := range []struct {
		change, noise float64
		seeds         int
	}{{0, 0, 4}, {0.1, 0.001, 4}, {-0.1, 0.001, 4}, {0, 0.1, 16}} {
		lo, hi, n, err := ratio(func(seed uint64) (old, new *Run, err error) {
			wobble := c.noise * float64(int(seed%2)*2-1)
			return &Run{MakespanNs: 1e9}, &Run{MakespanNs: int64(1e9 * (1 + c.change) * math.Exp(wobble))}, nil
		})
		if err != nil || n != c.seeds || lo > c.change+1e-6 || hi < c.change-1e-6 {
			t.Errorf("change %v, noise %v: %v to %v over %d seeds, %v; want %d seeds", c.change, c.noise, lo, hi, n, err, c.seeds)
		}
	}
}

// A rate has digits that count, however few events there were.
func TestMillionEvents(t *testing.T) {
	for _, c := range []struct {
		events int64
		wall   time.Duration
		want   string
	}{{7_100_000, time.Second, "7.1"}, {8192, 300 * time.Millisecond, "0.027"}, {25_400_000, time.Second, "25"}, {0, time.Second, "0"}} {
		if got := millionEvents(c.events, c.wall); got != c.want {
			t.Errorf("%d events in %v: %s million a second, want %s", c.events, c.wall, got, c.want)
		}
	}
}

// A name that is no arm is refused wherever a run begins: the zero Arm is Go 1.0's
// scheduler.
func TestMisspeltArmIsRefused(t *testing.T) {
	m := machine(t, "synthetic:2x2")
	for _, arm := range []string{"", "numma", "goroutine"} {
		if r, err := m.Run(arm, workload.ByName("fib").Program(true), 2); err == nil || !strings.Contains(err.Error(), "unknown arm") {
			t.Errorf("simulated under %q: %+v, %v", arm, r, err)
		}
	}
}
