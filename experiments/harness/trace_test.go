package harness

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"numasched/experiments/workload"
	"numasched/sched"
	"numasched/sched/policy"
	"numasched/sched/sim"
	"numasched/sched/trace"
)

// What is wrong with a run is not laid to the file that it is recorded into, and leaves what was
// there. What is wrong with the file is known before the run.
func TestARecordingTellsTheRunFromTheFile(t *testing.T) {
	preset, err := sim.LoadPreset("synthetic:1x1")
	if err != nil {
		t.Fatal(err)
	}
	m, err := sim.New(sim.Config{Preset: preset})
	if err != nil {
		t.Fatal(err)
	}
	arm, err := policy.ByName("flat")
	if err != nil {
		t.Fatal(err)
	}
	in, err := workload.ByName("fib").Program(true).New()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "trace.json")
	if err := os.WriteFile(file, []byte("before"), 0o666); err != nil {
		t.Fatal(err)
	}
	record := func(path string, procs int) (*trace.Recorder, error) {
		r := &trace.Recorder{Clock: true, Limit: 10}
		return r, RecordFile(path, r, in, sched.Config{Machine: m, Arm: arm, Procs: procs}, 1)
	}
	if _, err := record(file, 1000); err == nil || errors.As(err, new(*FileError)) {
		t.Errorf("too many Ps: %v, want an error of the run", err)
	}
	if text, err := os.ReadFile(file); string(text) != "before" {
		t.Errorf("a run that failed has left %q, %v", text, err)
	}
	r, err := record(filepath.Join(dir, "none", "trace.json"), 1)
	if kept, _ := r.Kept(); !errors.As(err, new(*FileError)) || !errors.Is(err, fs.ErrNotExist) || kept > 0 {
		t.Errorf("no such directory: %v and %d events, want a FileError and none", err, kept)
	}
	if _, err := record(file, 1); err != nil {
		t.Error(err)
	}
}
