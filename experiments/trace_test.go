package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// traced returns what the trace command prints, and the file that it writes.
func traced(t *testing.T, args ...string) (text string, file []byte) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "trace.json")
	var out, errs bytes.Buffer
	if code := dispatch(append([]string{"trace", "--out", name}, args...), &out, &errs); code != 0 {
		t.Fatalf("trace %v: exit %d: %s", args, code, errs.String())
	}
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), file
}

func TestTraceWritesAFile(t *testing.T) {
	for _, args := range [][]string{
		{"--arm", "numa", "--workload", "fib:n=10"},
		{"--arm", "flat", "--workload", "pingpong:rounds=500", "--topology", "synthetic:2x1", "--procs", "2"},
		{"--preset", "synthetic:2x2", "--arm", "numa", "--workload", "uts", "--procs", "1/2"},
	} {
		text, file := traced(t, args...)
		var parsed struct{ TraceEvents []struct{ Name, Ph string } }
		if err := json.Unmarshal(file, &parsed); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		tracks := make(map[string]bool)
		for _, e := range parsed.TraceEvents {
			tracks[e.Ph] = true
		}
		if !strings.Contains(text, ", checked") || !tracks["M"] || !tracks["B"] || !tracks["C"] {
			t.Errorf("%v: %q, and kinds of events %v", args, text, tracks)
		}
	}
}

func TestTraceSaysWhatItLeavesOut(t *testing.T) {
	text, _ := traced(t, "--preset", "synthetic:1x2", "--workload", "fib:n=15", "--limit", "1000")
	if !strings.Contains(text, "some came after --limit 1000 and are not in it") {
		t.Errorf("%q does not say that events are missing", text)
	}
	// One M keeps as many as the limit allows, and not fewer because each has a time.
	text, _ = traced(t, "--preset", "synthetic:1x1", "--procs", "1", "--workload", "fib:n=17", "--limit", "4096")
	_, after, _ := strings.Cut(text, ": ")
	number, _, _ := strings.Cut(after, " ")
	if kept, err := strconv.Atoi(strings.ReplaceAll(number, ",", "")); err != nil || kept < 4096 || !strings.Contains(text, "some came after") {
		t.Errorf("%q: want 4096 events at least, and that some are missing", text)
	}
}

// A simulated run makes the same file every time.
func TestTraceIsDeterministic(t *testing.T) {
	args := []string{"--preset", "skx-2x8180", "--arm", "numa", "--workload", "fib:n=12", "--procs", "16"}
	_, first := traced(t, args...)
	if _, second := traced(t, args...); !bytes.Equal(first, second) {
		t.Error("the second file differs from the first")
	}
}

func TestTraceRefuses(t *testing.T) {
	for _, c := range []struct {
		args string
		want string
	}{
		{"--arm numma", `--arm: unknown arm "numma" (did you mean "numa"?`},
		{"--arm goroutine", `--arm: unknown arm "goroutine"`},
		{"--workload fib,uts", "--workload fib,uts: want one workload, not 2"},
		{"--procs 1,1/1 --preset synthetic:1x2", "--procs 1,1/1: want one number of Ps, not 2"},
		{"--procs 99999", "--procs 99999 is impossible"},
		{"--preset skx-2x8180 --topology synthetic:2x2", "--preset and --topology exclude each other"},
		{"--limit 0", `--limit "0": want a number from 1 to 1000000000`},
		{"--out /nowhere/x.json --preset synthetic:1x2", "--out: open /nowhere/x.json"},
		{"--preset synthetic:0x2", `--preset: topology "synthetic:0x2": "0" is not a number`},
		{"--preset synthetic:2x2,skx-8s", `--preset: topology "synthetic:2x2,skx-8s": want`},
	} {
		var out, errs bytes.Buffer
		if code := dispatch(append([]string{"trace"}, strings.Fields(c.args)...), &out, &errs); code != 2 || !strings.Contains(errs.String(), c.want) {
			t.Errorf("trace %s: exit %d, %q, want %q", c.args, code, errs.String(), c.want)
		}
	}
}
