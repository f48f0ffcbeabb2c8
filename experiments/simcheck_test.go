package main

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// Small runs of every kind of workload keep the invariants that take other runs to
// see. All workloads at their quick sizes take minutes: experiments sim --check. A triad
// of a few chunks for each P would end sooner or later by a whole chunk, whatever the cause.
func TestSimInvariants(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds")
	}
	var runs []simRun
	out := simulate(t, "--preset", "synthetic:2x2", "--arm", "gm,flat,numa", "--check", "--json",
		"--workload", "fib:n=14,spawn:n=1000,triad:n=262144,pingpong:rounds=200,onenode:n=100,cholesky:n=4,page-churn:n=8")
	if err := json.Unmarshal([]byte(out), &runs); err != nil {
		t.Fatal(err)
	}
	for _, r := range runs {
		for _, c := range r.Checks {
			t.Errorf("%s %s: %s", r.Workload, r.Arm, c)
		}
		want := 1
		if r.Arm == "numa" {
			want = 2
		}
		if len(r.Checked) != want {
			t.Errorf("%s %s: checked %q, want %d comparisons", r.Workload, r.Arm, r.Checked, want)
		}
	}
}

// A run that breaks an invariant is told so.
func TestVerify(t *testing.T) {
	good := simRun{Procs: 1, MakespanNs: 1e9, WorkNs: 9e8, SchedulingNs: 1e8, BoundNs: 9e8}
	for _, c := range []struct {
		change func(*simRun)
		want   string
	}{
		{func(*simRun) {}, ""},
		{func(r *simRun) { r.BoundNs = 1e9 + 1 }, "below the lower bound"},
		{func(r *simRun) { r.WorkNs = 8e8 }, "make 900000000 of 1000000000"},
		{func(r *simRun) { r.WorkNs, r.IdleNs = 8e8, 1e8 }, "is busy for"},
		{func(r *simRun) { r.StealsNode = 3 }, "one P steals 3 times"},
		{func(r *simRun) { r.Procs, r.StealsNode, r.IdleNs = 2, 3, 1e9 }, ""},
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
		lo, hi, n, err := ratio(func(seed uint64) (old, new *simRun, err error) {
			wobble := c.noise * float64(int(seed%2)*2-1)
			return &simRun{MakespanNs: 1e9}, &simRun{MakespanNs: int64(1e9 * (1 + c.change) * math.Exp(wobble))}, nil
		})
		if err != nil || n != c.seeds || lo > c.change+1e-6 || hi < c.change-1e-6 {
			t.Errorf("change %v, noise %v: %v to %v over %d seeds, %v; want %d seeds", c.change, c.noise, lo, hi, n, err, c.seeds)
		}
	}
}
