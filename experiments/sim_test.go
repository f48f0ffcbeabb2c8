package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"numasched/experiments/scenario"
	"numasched/experiments/simulated"
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
	args := []string{"--preset", "skx-2x8180,synthetic:4x4", "--arm", "gm,flat,numa", "--workload", "fib:n=15,triad:n=65536,pingpong:rounds=300", "--procs", "4,16", "--json", "--wall=false"}
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
	var runs []simulated.Run
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

// Small runs of every kind of workload keep the invariants that take other runs to
// see. All workloads at their quick sizes take minutes: experiments sim --check. A triad
// of a few chunks for each P would end sooner or later by a whole chunk, whatever the cause.
func TestSimInvariants(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds")
	}
	var runs []simulated.Run
	loads := "fib:n=14,triad:n=262144,pingpong:rounds=200" // forks, memory, waits
	if longTests() {
		loads += ",spawn:n=1000,onenode:n=100,cholesky:n=4,page-churn:n=8"
	}
	out := simulate(t, "--preset", "synthetic:2x2", "--arm", "gm,flat,numa", "--check", "--json", "--workload", loads)
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

// Without Go's lock flat yields faster, and numa, which has none, does the same as ever. A
// result directory of such runs is made again without it.
func TestSimWithoutGosLock(t *testing.T) {
	args := []string{"--preset", "synthetic:2x4", "--arm", "flat,numa", "--workload", "goschedstorm:yields=20", "--wall=false", "--json"}
	times := func(more ...string) (flat, numa int64) {
		var runs []simulated.Run
		if err := json.Unmarshal([]byte(simulate(t, append(more, args...)...)), &runs); err != nil || len(runs) != 2 {
			t.Fatalf("%d runs, %v", len(runs), err)
		}
		return runs[0].MakespanNs, runs[1].MakespanNs
	}
	flat, numa := times()
	free, same := times("--nolock")
	if free >= flat || same != numa {
		t.Errorf("flat takes %d ns with the lock and %d without, numa %d and %d: want less under flat, and the same under numa", flat, free, numa, same)
	}
	dir := filepath.Join(t.TempDir(), "free")
	simulate(t, "--preset", "synthetic:2x4", "--arm", "flat", "--workload", "goschedstorm:yields=20", "--nolock", "--out", dir)
	simulate(t, "--verify", dir)
}

// A workload without a bound, and one that moves nothing, have no such numbers.
func TestSimShowsNoNumberThatThereIsNot(t *testing.T) {
	out := simulate(t, "--preset", "synthetic:2x2", "--arm", "numa", "--workload", "fib:n=5", "--wall=false")
	if !strings.Contains(out, "fib P=4 numa") || strings.Contains(out, " 0.00") || strings.Contains(out, "(work)") {
		t.Errorf("%s\nwant - for the inflation and the bound of fib", out)
	}
}

// The lines of the scheduler come at virtual times, so they are the same each time, and what
// is simulated is the same with them as without. With several runs each is named.
func TestSimSchedTrace(t *testing.T) {
	traced := func(args ...string) (stdout, stderr string) {
		var out, errs bytes.Buffer
		if code := dispatch(append([]string{"sim", "--preset", "synthetic:2x2", "--workload", "fib:n=18", "--wall=false", "--json"}, args...), &out, &errs); code != 0 {
			t.Fatalf("sim %v: exit %d: %s", args, code, errs.String())
		}
		return out.String(), errs.String()
	}
	for _, arms := range []string{"numa", "flat,numa"} {
		plain, none := traced("--arm", arms)
		if strings.Contains(none, "SCHED ") {
			t.Errorf("lines that nobody asked for:\n%s", none)
		}
		for _, detail := range []string{"--scheddetail=false", "--scheddetail"} {
			out, lines := traced("--arm", arms, "--schedtrace", "20us", detail)
			again, same := traced("--arm", arms, "--schedtrace", "20us", detail)
			if out != plain || again != plain {
				t.Errorf("%s %s: the lines change what is simulated", arms, detail)
			}
			if lines != same {
				t.Errorf("%s %s: the second run's lines differ from the first's", arms, detail)
			}
			if n := strings.Count(lines, "SCHED "); n < 3 || strings.Contains(lines, "\n  P0: status=") != (detail == "--scheddetail") {
				t.Errorf("%s %s: %d lines in\n%s", arms, detail, n, lines)
			}
			if named := strings.Contains(lines, "synthetic:2x2 fib P=4 flat:\nSCHED "); named != (arms == "flat,numa") {
				t.Errorf("%s: the runs are named: %v\n%s", arms, named, lines)
			}
		}
	}
}

func TestSimBadInput(t *testing.T) {
	named := func(file, name string) string {
		path := filepath.Join(t.TempDir(), file)
		if err := os.WriteFile(path, fmt.Appendf(nil, `{"name": %q, "topology": "synthetic:2x2", "like": "default"}`, name), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tagged, blank := named("same.json", "synthetic:2x2"), named("blank.json", "two words")
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "--preset: want at least one of"},
		{[]string{"--preset", "vax"}, `preset "vax": want`},
		{[]string{"--preset", "synthetic:2x2", "--arm", "numma"}, "unknown arm"},
		{[]string{"--preset", "synthetic:2x2", "--arm", "all,numma"}, "unknown arm"},
		{[]string{"--preset", "synthetic:2x2", "--procs", "5"}, "--procs 5 is impossible"},
		{[]string{"--preset", "synthetic:2x2", "--workload", "nap"}, "unknown workload"},
		{[]string{"--preset", "synthetic:0x2"}, `--preset: topology "synthetic:0x2": "0" is not a number`},
		{[]string{"--claims", "--out", "none", "--preset", "synthetic:0x2"}, `--preset: topology "synthetic:0x2": "0" is not a number`},
		{[]string{"--preset", "synthetic:2x2," + tagged}, "--preset: two of the list are named synthetic:2x2: one run cannot tell them apart"},
		{[]string{"--preset", "synthetic:2x2," + blank}, `its name is "two words": want one word without slashes`},
		{[]string{"--scenario", "nowhere.json"}, "nowhere.json"},
		{[]string{"--scenario", "x.json", "--arm", "numa"}, "--scenario and --arm exclude each other"},
		{[]string{"--verify", "x", "--json"}, "--verify and --json exclude each other"},
		{[]string{"--microbench", "--preset", "vax"}, `unknown preset "vax"`},
		{[]string{"--preset", "goroutine", "--arm", "flat"}, "preset"},
		{[]string{"--preset", "synthetic:2x2", "--arm", "goroutine"}, "--arm goroutine: it runs on a host only"},
		{[]string{"--preset", "synthetic:2x2", "--arm", "flat,tokio-none"}, "unknown arm"},
		{[]string{"--preset", "synthetic:2x2", "--arm", "numa,conc"}, "--arm conc: it runs on a host only"},
		{[]string{"--preset", "synthetic:2x2", "--workload", "fib:n=5:n=6"}, `size "n" is there twice`},
		{[]string{"--preset", "synthetic:2x2", "--shard", "3/2"}, `--shard "3/2": want part I of N, as in 2/8, with I from 1 to N`},
		{[]string{"--preset", "nosuch.json"}, "--preset: preset nosuch.json: "},
		{[]string{"--preset", "synthetic:2x2", "--schedtrace", "0"}, "--schedtrace 0s: want more than 0"},
		{[]string{"--preset", "synthetic:2x2", "--schedtrace", "-1ms"}, "--schedtrace -1ms: want more than 0"},
		{[]string{"--preset", "synthetic:2x2", "--schedtrace", "often"}, `--schedtrace "often": want`},
		{[]string{"--preset", "synthetic:2x2", "--scheddetail"}, "--scheddetail: want --schedtrace"},
		{[]string{"--preset", "synthetic:2x2", "--schedtrace", "1ms", "--out", "y"}, "--out and --schedtrace exclude each other"},
		{[]string{"--verify", "x", "--schedtrace", "1ms"}, "--verify and --schedtrace exclude each other"},
	} {
		var out, errs bytes.Buffer
		code := dispatch(append([]string{"sim"}, c.args...), &out, &errs)
		if strings.Contains(errs.String(), "unknown arm") && strings.Contains(errs.String(), "goroutine") {
			t.Errorf("sim %v lists arms that it refuses: %q", c.args, errs.String())
		}
		if code != 2 || !strings.Contains(errs.String(), c.want) || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("sim %v: exit %d, %q; want 2 and %q", c.args, code, errs.String(), c.want)
		}
	}
}

// A scenario that is cut off goes on with the variants that are not finished.
func TestScenarioGoesOn(t *testing.T) {
	dir := t.TempDir()
	file, out := filepath.Join(dir, "s.json"), filepath.Join(dir, "out.json")
	text := `{"name": "three", "preset": "synthetic:2x2", "runs": 2,
 "buffers": [{"name": "b", "bytes": 4194304, "home": "node:0"}],
 "threads": [{"name": "t", "count": 2, "measured": true, "times": 2, "phases": [{"random": {"buffer": "b", "accesses": 4096}}]}],
 "variants": [{"name": "one"}, {"name": "two", "policy": {"kernel": "linux-6.4"}}, {"name": "three", "set": [{"threads": "t", "nodes": [1]}]}]}`
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	whole := simulate(t, "--scenario", file, "--json")
	if got := simulate(t, "--scenario", file, "--json", "--out", out); got != whole {
		t.Errorf("with --out it says other things:\n%s", got)
	}
	kept := read(t, out)
	var k scenario.Kept
	if err := json.Unmarshal([]byte(kept), &k); err != nil || len(k.Results) != 3 {
		t.Fatalf("%v, %d variants kept, want 3", err, len(k.Results))
	}
	// As if it had been cut off after the second, which has a mark.
	k.Results = k.Results[1:2]
	k.Results[0].Events = 4711
	cut, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(out, cut, 0o666); err != nil {
		t.Fatal(err)
	}
	got := simulate(t, "--scenario", file, "--json", "--out", out)
	if !strings.Contains(got, `"events": 4711`) {
		t.Error("a variant that was kept is simulated again")
	}
	mark := regexp.MustCompile(`("variant": "two",(?s:.*?)"events": )\d+`)
	if again := read(t, out); mark.ReplaceAllString(again, "${1}0") != mark.ReplaceAllString(kept, "${1}0") {
		t.Errorf("what was cut off is now\n%s\nwant\n%s", again, kept)
	}
	empty := regexp.MustCompile(`(?s:"results": \[.*\])`).ReplaceAllString(kept, `"results": [null]`)
	for _, c := range []struct {
		path, text, want string
	}{
		{file, text + "\n", "out.json:3:"},
		{out, empty, "out.json:5:14: results: null: want an object"},
		{out, `{"format": 2}`, "out.json:1:12: want the finished variants of a scenario, of format 1"},
		{out, `{"format": 1, "result": []}`, `out.json:1:15: unknown field "result"`},
		{out, `{`, "out.json:1:2: the file ends"},
	} {
		if err := os.WriteFile(c.path, []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		if status, _, stderr := cli("sim", "--scenario", file, "--out", out); status != 2 || !strings.Contains(stderr, c.want) {
			t.Errorf("status %d, %s; want 2 and %q", status, stderr, c.want)
		}
	}
}
