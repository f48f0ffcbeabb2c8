package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

func explored(t *testing.T, args string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = dispatch(append([]string{"explore"}, strings.Fields(args)...), &out, &errs)
	return status, out.String(), errs.String()
}

// What cannot be explored is refused in one line that names the flag, the text
// and what is wanted.
func TestExploreRefuses(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--cpus x", `--cpus "x": want a number from 1 to 15`},
		{"--cpus 0", `--cpus "0": want a number from 1 to 15`},
		{"--cpus 16", `--cpus "16": want a number from 1 to 15`},
		{"--cpus 99999999999999999999", `--cpus "99999999999999999999": want a number from 1 to 15`},
		{"--nodes 0", `--nodes "0": want a number from 1 to 15`},
		{"--cpus 2 --nodes 3", `--nodes 3: want at most as many as CPUs: 2`},
		{"--gs 64", `--gs "64": want a number from 1 to 63`},
		{"--bound -1", `--bound "-1": want a number from 0 to 14`},
		{"--bound 15", `--bound "15": want a number from 0 to 14`},
		{"--limit 0", `--limit "0": want a number from 1 to`},
		{"--pct -1", `--pct "-1": want a number from 0 to`},
		{"--seed 1.5", `--seed "1.5": want a number from 0 to`},
		{"--program steel", `--program: unknown program "steel" (did you mean "steal"? valid: spawn, `},
		{"--program ,", `--program: empty list (valid: spawn, `},
		{"--program all,steel", `--program: unknown program "steel" (did you mean "steal"? valid: spawn, `},
		{"--arm=", `--arm: empty list (valid: gm, `},
		{"--program steal --cpus 1", `--cpus 1: program steal wants 2 to 15`},
		{"--program fork --gs 1", `--gs 1: program fork wants 2 to 63`},
		{"--arm numb", `--arm: unknown arm "numb" (did you mean "numa"? valid: gm, `},
		{"--program spawn --replay 12", `--replay: schedule: "12": want STEP:THREAD,...`},
		{"--program spawn --replay 9:1,8:0", `--replay: schedule: "8:0": want STEP:THREAD,...`},
		{"--program spawn --replay 9:16", `--replay: schedule: "9:16": want STEP:THREAD,... with growing steps and threads from 0 to 15`},
		{"--program spawn --replay 9:15", `--replay: the schedule does not fit: 9:15: this thread cannot go on; want a schedule of spawn under numa`},
		{"--program spawn --replay 9999:0", `--replay: the schedule does not fit: 9999:0: nobody is asked at this point; want a schedule of spawn under numa`},
		{"--program spawn --replay=", `--replay: schedule: "": want STEP:THREAD,...`},
		{"--replay -", `--replay: want one program and one arm, not 4`},
		{"spawn", `unexpected argument "spawn": want flags only`},
	} {
		status, out, errs := explored(t, c.args)
		if status != 2 || out != "" || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "experiments explore: "+c.want) {
			t.Errorf("%s: status %d, output %q, error %q, want status 2 and only %q", c.args, status, out, errs, c.want)
		}
	}
}

// The table says what was covered, whether that is all, and how fast.
func TestExploreReports(t *testing.T) {
	status, out, _ := explored(t, "--cpus 2 --gs 2 --program spawn,steal --arm flat,numa --bound 2 --limit 700 --pct 50")
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	for _, want := range []string{
		`(?m)^spawn +flat +bound 0 +all +\d+ +(\d+|-) +\d+ +\d+ +\d+$`,
		`(?m)^spawn +flat +bound 2 +in part +\d+ `,
		`(?m)^steal +flat +random +50 +-$`,
		`(?m)^steal +numa +random +50 +-$`,
		`(?m)^every interleaving was tried: spawn flat within \d, steal flat within \d, spawn numa within \d, steal numa within \d$`,
		`(?m)^\d+ interleavings in \d+\.\d s, (\d+|-) per second on \d+ CPUs of this host; every invariant held in all that was tried$`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("no line like %s in\n%s", want, out)
		}
	}
}

// A program that needs more Gs than the default has more, so that --program all can run. Who
// gives a number gets that, or an error.
func TestExploreGivesAProgramTheGsThatItNeeds(t *testing.T) {
	status, out, errs := explored(t, "--program spawn,elder --bound 0 --limit 1 --pct 0")
	if status != 0 || !strings.Contains(out, "elder") {
		t.Errorf("status %d, error %q:\n%s", status, errs, out)
	}
	if status, _, errs := explored(t, "--program elder --gs 4"); status != 2 || !strings.Contains(errs, "--gs 4: program elder wants 5 to 63") {
		t.Errorf("status %d, error %q", status, errs)
	}
}

// --nodes is the number of nodes: a program sees as many.
func TestExploreNodes(t *testing.T) {
	for _, args := range []string{"--cpus 3 --nodes 3", "--cpus 1", "--cpus 4 --nodes 1"} {
		status, out, errs := explored(t, args+" --gs 3 --program spread,numago-yield --bound 1 --limit 300 --pct 20")
		if status != 0 || !strings.Contains(out, "numago-yield") {
			t.Errorf("%s: status %d, error %q:\n%s", args, status, errs, out)
		}
	}
	_, two, _ := explored(t, "--cpus 3 --gs 4 --program spread --replay -")
	_, three, _ := explored(t, "--cpus 3 --nodes 3 --gs 4 --program spread --replay -")
	if two == three || strings.Contains(two, "node2.") || !strings.Contains(three, "node2.") {
		t.Errorf("with three nodes the same happens as with two, or node2 is not named:\n%s", three)
	}
}

// A schedule without deviations replays as a timeline.
func TestExploreReplays(t *testing.T) {
	status, out, errs := explored(t, "--cpus 2 --gs 2 --program spawn --replay -")
	if status != 0 || !strings.HasPrefix(out, "caller\n") || !strings.HasSuffix(out, "no invariant was broken\n") {
		t.Errorf("status %d, error %q:\n%s", status, errs, out)
	}
}
