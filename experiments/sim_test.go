package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"numasched/sched/sim"
)

func simulate(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := dispatch(append([]string{"sim"}, args...), &out, &errs); code != 0 {
		t.Fatalf("sim %v: exit %d: %s", args, code, errs.String())
	}
	return out.String()
}

// The same command prints the same bytes: results can be committed and checked.
func TestSimIsDeterministic(t *testing.T) {
	args := []string{"--preset", "skx-2x8180,synthetic:4x4", "--arm", "gm,flat,numa", "--workload", "fib:n=15,triad:n=65536,pingpong", "--procs", "4,16", "--json", "--wall=false"}
	a := simulate(t, args...)
	if b := simulate(t, args...); a != b {
		t.Error("the second run differs from the first")
	}
}

// What a machine does not have is said beside the numbers, and once.
func TestSimSaysWhatItDoesNotHave(t *testing.T) {
	out := simulate(t, "--preset", "synthetic:2x2+1cpu", "--workload", "triad:n=65536", "--arm", "flat,numa")
	if n := strings.Count(out, "warning: synthetic:2x2+1cpu: memory for node 2 lies on node 0"); n != 1 {
		t.Errorf("%d warnings, want 1, in:\n%s", n, out)
	}
}

// The JSON says that it is simulated, keeps above the bound and accounts for
// all of the time.
func TestSimJSON(t *testing.T) {
	var runs []simRun
	if err := json.Unmarshal([]byte(simulate(t, "--preset", "skx-2x8180", "--workload", "triad:n=1048576", "--arm", "flat,numa", "--json")), &runs); err != nil {
		t.Fatal(err)
	}
	if len(runs) != 2 {
		t.Fatalf("%d runs, want 2", len(runs))
	}
	for _, r := range runs {
		if !r.Simulated || len(r.Assumed) == 0 || len(r.Checks) > 0 || r.BoundNs <= 0 || r.MakespanNs < r.BoundNs {
			t.Errorf("%+v", r)
		}
		if all, sum := r.MakespanNs*int64(r.Procs), r.WorkNs+r.SchedulingNs+r.IdleNs; float64(sum) < 0.95*float64(all) {
			t.Errorf("%s: work, scheduling and idle make %d of %d ns", r.Arm, sum, all)
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
	p, err := sim.LoadPreset("synthetic:2x2")
	if err != nil {
		t.Fatal(err)
	}
	loads, err := parseWorkloads("fib:n=5", true)
	if err != nil {
		t.Fatal(err)
	}
	for _, arm := range []string{"", "numma", "goroutine"} {
		if r, err := (simOptions{preset: p, seed: 1}).run(arm, loads[0].Program, 2); err == nil || !strings.Contains(err.Error(), "unknown arm") {
			t.Errorf("simulated under %q: %+v, %v", arm, r, err)
		}
	}
}

func TestSimBadInput(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "--preset: want at least one of"},
		{[]string{"--preset", "vax"}, `preset "vax": want`},
		{[]string{"--preset", "synthetic:2x2", "--arm", "numma"}, "unknown arm"},
		{[]string{"--preset", "synthetic:2x2", "--procs", "5"}, "--procs 5 is impossible"},
		{[]string{"--preset", "synthetic:2x2", "--workload", "nap"}, "unknown workload"},
		{[]string{"--scenario", "nowhere.json"}, "nowhere.json"},
		{[]string{"--scenario", "x.json", "--arm", "numa"}, "--scenario and --arm exclude each other"},
		{[]string{"--scenario", "x.json", "--out", "y"}, "--scenario and --out exclude each other"},
		{[]string{"--verify", "x", "--json"}, "--verify and --json exclude each other"},
		{[]string{"--microbench", "--preset", "vax"}, `unknown preset "vax"`},
		{[]string{"--preset", "goroutine", "--arm", "goroutine"}, "preset"},
		{[]string{"--preset", "synthetic:2x2", "--arm", "goroutine"}, "nothing to simulate"},
	} {
		var out, errs bytes.Buffer
		code := dispatch(append([]string{"sim"}, c.args...), &out, &errs)
		if code != 2 || !strings.Contains(errs.String(), c.want) || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("sim %v: exit %d, %q; want 2 and %q", c.args, code, errs.String(), c.want)
		}
	}
}
