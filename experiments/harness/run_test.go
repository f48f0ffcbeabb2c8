package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A fakeBench takes perRun for every run and remembers what it was asked.
type fakeBench struct {
	perRun map[string]time.Duration // by arm
	calls  []string
	warm   map[string]bool
	runs   map[string]int
	seeds  []uint64
	before func(call int) error
}

func (f *fakeBench) bench(c *PlanCell, rep Repetition) (Outcome, error) {
	f.calls = append(f.calls, c.Workload+"/"+c.Arm)
	if f.before != nil {
		if err := f.before(len(f.calls)); err != nil {
			return Outcome{}, err
		}
	}
	f.warm[c.Arm] = rep.Warm
	f.runs[c.Arm] = rep.Runs
	f.seeds = append(f.seeds, rep.Seed)
	return Outcome{Values: []Value{{50, "ns/task"}}, Elapsed: time.Duration(rep.Runs) * f.perRun[c.Arm]}, nil
}

func newFake() *fakeBench {
	return &fakeBench{
		perRun: map[string]time.Duration{"flat": 10 * time.Millisecond, "numa": 3 * time.Millisecond, "goroutine": 5 * time.Second},
		warm:   map[string]bool{}, runs: map[string]int{},
	}
}

// plan returns a Meta with one cell for each arm of each workload.
func plan(reps int, workloads, arms string) *Meta {
	m := &Meta{Place: Host, Plan: Plan{Seed: 7, Reps: reps, Target: Duration(time.Second)}}
	for _, w := range strings.Fields(workloads) {
		for _, a := range strings.Fields(arms) {
			m.Plan.Cells = append(m.Plan.Cells, PlanCell{Cell: Cell{w, "", a, "1n1l2c1t", 2}, Unit: "task"})
		}
	}
	return m
}

func quiet(Status) {}

func mustRun(t *testing.T, dir string, m *Meta, resume bool, f *fakeBench) *Results {
	t.Helper()
	if err := Run(t.Context(), dir, m, resume, f.bench, quiet); err != nil {
		t.Fatal(err)
	}
	res, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestRepetitionsAreInterleavedAndArmsTakeTurns(t *testing.T) {
	f := newFake()
	res := mustRun(t, filepath.Join(t.TempDir(), "run"), plan(3, "fib heat", "flat numa"), false, f)
	var got []string
	for _, m := range res.Measurements {
		got = append(got, m.Workload+"/"+m.Arm)
	}
	want := strings.Fields(`fib/flat fib/numa heat/flat heat/numa
		fib/numa fib/flat heat/numa heat/flat
		fib/flat fib/numa heat/flat heat/numa`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	measured := f.seeds[len(f.seeds)-12:]
	for i, seed := range measured {
		if want := uint64(7 + i/4); seed != want {
			t.Errorf("repetition %d has seed %d, want %d: one for each round", i, seed, want)
		}
	}
}

func TestRunLengthIsChosenByMeasurement(t *testing.T) {
	f := newFake()
	res := mustRun(t, filepath.Join(t.TempDir(), "run"), plan(1, "fib", "flat numa goroutine"), false, f)
	for arm, want := range map[string]int{"flat": 100, "numa": 333, "goroutine": 1} {
		if f.runs[arm] != want {
			t.Errorf("%s: %d runs a repetition, want %d for a second", arm, f.runs[arm], want)
		}
	}
	if !f.warm["flat"] || f.warm["goroutine"] {
		t.Errorf("warm-up %v: want one before short runs, none before a run that is longer than a repetition", f.warm)
	}
	for _, m := range res.Measurements {
		if m.Runs != f.runs[m.Arm] {
			t.Errorf("%s: the result says %d runs, there were %d", m.Arm, m.Runs, f.runs[m.Arm])
		}
	}
}

func TestInterruptedRunIsKeptAndResumed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithCancel(t.Context())
	block := make(chan struct{})
	defer close(block)
	f := newFake()
	f.before = func(call int) error {
		if call == 4+5 { // in the fifth repetition, after four calls that chose run lengths
			cancel()
			<-block
		}
		return nil
	}
	m := plan(4, "fib", "flat numa")
	err := Run(ctx, dir, m, false, f.bench, quiet)
	if !errors.Is(err, ErrInterrupted) {
		t.Fatalf("error %v, want ErrInterrupted", err)
	}
	first, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	kept := len(first.Measurements)
	if err := Run(t.Context(), dir, plan(4, "fib", "flat numa"), false, newFake().bench, quiet); err == nil || !strings.Contains(err.Error(), "resume it") {
		t.Errorf("beginning anew over an unfinished run: %v, want the advice to resume it", err)
	}
	if kept != 4 || first.Meta.Done != kept || first.Meta.Complete() {
		t.Fatalf("%d measurements kept, run.json says %d of %d", kept, first.Meta.Done, first.Meta.Planned)
	}

	path := filepath.Join(dir, ResultsFile)
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(file, "BenchmarkFib/arm=fl") // as a killed process leaves it
	file.Close()

	g := newFake()
	res := mustRun(t, dir, plan(4, "fib", "flat numa"), true, g)
	if len(g.calls) != 8-kept {
		t.Errorf("resuming measured %d times, want the %d that were missing and no new run lengths", len(g.calls), 8-kept)
	}
	counts := map[string]int{}
	for _, m := range res.Measurements {
		counts[m.Arm]++
	}
	if counts["flat"] != 4 || counts["numa"] != 4 || !res.Meta.Complete() || len(res.Meta.Sessions) != 2 {
		t.Errorf("after resuming: %v, complete %v, %d sessions", counts, res.Meta.Complete(), len(res.Meta.Sessions))
	}
}

func TestExistingRunIsNeverOverwritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	mustRun(t, dir, plan(2, "fib", "flat"), false, newFake())
	before, err := os.ReadFile(filepath.Join(dir, ResultsFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		meta   *Meta
		resume bool
		want   string
	}{
		{"without resume", plan(2, "fib", "flat"), false, "exists and holds a finished run"},
		{"other repetitions", plan(3, "fib", "flat"), true, "repetitions: was 2, is now 3"},
		{"other cells", plan(2, "heat", "flat"), true, "cells: number 1 was Fib/arm=flat/topo=1n1l2c1t/P=2, is now Heat/arm=flat"},
	} {
		f := newFake()
		err := Run(t.Context(), dir, c.meta, c.resume, f.bench, quiet)
		var dirErr *DirError
		if !errors.As(err, &dirErr) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q in it", c.name, err, c.want)
		}
		if len(f.calls) > 0 {
			t.Errorf("%s: measured all the same", c.name)
		}
	}
	if after, _ := os.ReadFile(filepath.Join(dir, ResultsFile)); string(after) != string(before) {
		t.Error("the result file has changed")
	}
}

func TestDirectoryOfSomethingElseIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, ResultsFile) // of another program, its last line without an end
	if err := os.WriteFile(path, []byte("dear\nmachine"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, resume := range []bool{false, true} {
		err := Run(t.Context(), dir, plan(1, "fib", "flat"), resume, newFake().bench, quiet)
		if err == nil {
			t.Errorf("resume %v: a directory with a letter in it is taken for a run", resume)
		} else if strings.Contains(err.Error(), "--resume") {
			t.Errorf("resume %v: %q suggests to resume what is not a run", resume, err)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%d files in it now", len(entries))
	}
	if text, _ := os.ReadFile(path); string(text) != "dear\nmachine" {
		t.Errorf("its file is now %q", text)
	}
}

// A result file that is not the one that was begun is neither added to nor
// changed, not even its last line.
func TestResultFileOfAnotherRunIsNotResumed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	mustRun(t, dir, plan(2, "fib", "flat"), false, newFake())
	path := filepath.Join(dir, ResultsFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	extra := string(line(&Measurement{Cell: Cell{"fib", "", "flat", "1n1l2c1t", 2}, Runs: 1, Values: []Value{{1, "ns/task"}}}))
	for what, c := range map[string]struct{ text, want string }{
		"empty":              {"", "does not begin with what run.json says"},
		"of another":         {"dear\nmachine", "does not begin with what run.json says"},
		"without its header": {strings.Split(string(whole), "\n\n")[1], "does not begin with what run.json says"},
		"repetition more":    {string(whole) + extra, "repetition 3 of Fib/arm=flat"},
		"other cell":         {string(whole) + strings.Replace(extra, "P=2", "P=1", 1), "repetition 1 of Fib/arm=flat/topo=1n1l2c1t/P=1"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		err := Run(t.Context(), dir, plan(2, "fib", "flat"), true, newFake().bench, quiet)
		if err == nil || !strings.Contains(err.Error(), "cannot resume") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q in it", what, err, c.want)
		}
		if now, _ := os.ReadFile(path); string(now) != c.text {
			t.Errorf("%s: the file is now %q", what, now)
		}
	}
}

// A process that is killed leaves run.json as it was after the last round.
func TestHowFarAKilledRunCameIsInItsResults(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	m := plan(3, "fib", "flat")
	mustRun(t, dir, m, false, newFake())
	m.Done, m.Disturbed = 0, Disturbance{}
	if err := m.save(dir); err != nil {
		t.Fatal(err)
	}
	res, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if res.Meta.Done != 3 || !res.Meta.Complete() {
		t.Errorf("%d of %d done, want 3: as many as there are lines", res.Meta.Done, res.Meta.Planned)
	}
}

func TestNothingIsBegunWhereARunWasToBeResumed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mistyped")
	err := Run(t.Context(), dir, plan(1, "fib", "flat"), true, newFake().bench, quiet)
	var dirErr *DirError
	if !errors.As(err, &dirErr) || !strings.Contains(err.Error(), "no such directory") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the directory has been made")
	}
}

func TestFailureOfAWorkloadKeepsWhatIsFinished(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	f := newFake()
	f.before = func(call int) error {
		if call > 5 {
			return errors.New("answer is 41, want 42")
		}
		return nil
	}
	err := Run(t.Context(), dir, plan(9, "fib", "flat"), false, f.bench, quiet)
	if err == nil || !strings.Contains(err.Error(), "fib under flat: answer is 41, want 42") {
		t.Errorf("error %v does not say what failed", err)
	}
	res, err := Load(dir)
	if err != nil || len(res.Measurements) == 0 {
		t.Errorf("%v, kept %d", err, len(res.Measurements))
	}
}

func TestTimeLeftShrinksToNothing(t *testing.T) {
	var last Status
	f := newFake()
	err := Run(t.Context(), filepath.Join(t.TempDir(), "run"), plan(5, "fib heat", "flat numa"), false, f.bench, func(s Status) {
		if s.Phase == last.Phase && s.Phase == "measuring" && (s.Left >= last.Left || s.Done != last.Done+1) {
			t.Errorf("after %+v comes %+v", last, s)
		}
		last = s
	})
	if err != nil || last.Done != last.Planned || last.Left != 0 {
		t.Errorf("%v, ends at %+v", err, last)
	}
}

func TestLoadSaysWhatIsWrong(t *testing.T) {
	if _, err := Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a result directory") {
		t.Errorf("empty directory: %v", err)
	}
	dir := t.TempDir()
	for text, want := range map[string]string{
		``:                                                   ":1:1: nothing: want a JSON object: want the JSON object that a run writes",
		`{`:                                                  ":1:2: the file ends in the middle of a value: want the JSON object that a run writes",
		`[]`:                                                 ":1:1: want the JSON object that a run writes",
		`{"place": "host"}`:                                  ":1:1: no field \"format\": want the JSON object that a run writes, of format 1",
		`{"format": 1} more`:                                 ":1:15: 'm': want nothing after the value",
		`{"format": 1, "colour": "red"}`:                     `:1:15: unknown field "colour": want format, place, command,`,
		`{"format": 1, "Place": "host"}`:                     `:1:15: unknown field "Place": want`,
		`{"format": 1, "done": 1, "done": 2}`:                `:1:26: field "done" is there twice`,
		`{"format": 99, "colour": "red"}`:                    ":1:12: format 99: want 1",
		`{"format": "1", "colour": "red"}`:                   `:1:12: format "1": want 1`,
		`{"format": 1, "place": "nowhere"}`:                  `:1:24: place "nowhere": want host, virtual or simulated`,
		"{\n\"format\": x}":                                  ":2:11: 'x': want a value",
		"{\"format\": 1,\n\"done\": \"x\"}":                  `:2:9: done: "x": want an integer`,
		field(`"done": null`):                                ":1:40: done: null: want an integer",
		field(`"done": 1.5`):                                 ":1:40: done: 1.5: want an integer",
		field(`"done": -1`):                                  ":1:40: done -1: want 0 or more",
		field(`"plan": {"repetitions": 0}`):                  ":1:56: plan.repetitions 0: want 1 or more",
		field(`"plan": {"target": 5}`):                       `:1:51: target: 5: want a string such as "1.5s"`,
		field(`"plan": {"target": "soon"}`):                  `:1:51: target: "soon": want a string such as "1.5s"`,
		field(`"sessions": [{"start": "2026-11-27"}]`):       `:1:55: start: "2026-11-27": want a time as in "2006-01-02T15:04:05Z"`,
		field(`"sessions": [{"start": null}]`):               `:1:55: start: null: want a time`,
		field(`"interference": {"maxPercent": "much"}`):      `:1:63: maxPercent: "much": want a number`,
		field(`"interference": {"maxPercent": 1e999}`):       `:1:63: maxPercent: 1e999: want a number of 64 bits`,
		field(`"topologies": [{"distances": [[10, "x"]]}]`):  `:1:67: distances: "x": want an integer`,
		field(`"plan": {"repetitions": 1, "target": "-1s"}`): ":1:69: plan.target -1e+09: want 0 or more",
		field(`"plan": {"repetitions": 1, "target": "1s", "cells": [{"procs": 0}]}`):                             ":1:95: plan.cells[0].procs 0: want 1 to 1048576",
		field(`"plan": {"repetitions": 1, "target": "1s", "cells": [{"procs": 1, "runs": -1, "perRun": "1s"}]}`): ":1:106: plan.cells[0].runs -1: want 0 or more",
		field(`"plan": {"repetitions": 1, "target": "1s"}, "topologies": [{"nodesWithCPUs": -4}]`):               "topologies[0].nodesWithCPUs -4: want 0 to 1048576",
		field(`"plan": {"repetitions": 1, "target": "1s"}, "interference": {"maxPercent": 1e300}`):               "interference.maxPercent 1e+300: want 0 to 100",
	} {
		os.WriteFile(filepath.Join(dir, MetaFile), []byte(text), 0o666)
		if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), MetaFile+":1:") && !strings.Contains(err.Error(), MetaFile+":2:") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %v, want %q in it", text, err, want)
		}
	}
}

// field is a run.json that is right but for what more says.
func field(more string) string { return `{"format": 1, "place": "host", ` + more + `}` }

// Two processes that wrote at once, before there was a lock, left more repetitions
// than the plan has.
func TestRepetitionsThatNobodyPlannedAreSaid(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if res := mustRun(t, dir, plan(2, "fib", "flat"), false, newFake()); res.Meta.Suspect != nil {
		t.Errorf("a good run is suspected of %q", res.Meta.Suspect)
	}
	path := filepath.Join(dir, ResultsFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	if err := os.WriteFile(path, append(whole, whole[last:]...), 0o666); err != nil {
		t.Fatal(err)
	}
	res, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if notes := strings.Join(res.Meta.Notes(), "\n"); !strings.Contains(notes, "repetition 3 of Fib/arm=flat/topo=1n1l2c1t/P=2 is not in the plan") {
		t.Errorf("notes %q", notes)
	}
}
