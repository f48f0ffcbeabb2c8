package simulated

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"numasched/experiments/harness"
	"numasched/experiments/workload"
)

// What is kept of a sweep that was cut off has the finished runs, says that others are
// missing, and has each warning of a machine once. If it cannot be written, there is nothing.
func TestKeepOfASweepThatWasCutOff(t *testing.T) {
	m := machine(t, "synthetic:2x2")
	sw := &Sweep{Seed: 1, Machines: []harness.TopoMeta{harness.SimulatedTopology(m.Preset.Name, m.Topology, m.Preset.Assumed())}}
	var runs []*Run
	for _, arm := range []string{"flat", "numa", "static"} {
		c := Cell{Machine: m, Arm: arm, Program: workload.ByName("fib").Program(true), Procs: 2}
		c.Program.Params["n"] = 8
		r, err := c.Run(arm, c.Program, c.Procs)
		if err != nil {
			t.Fatal(err)
		}
		r.Warnings = []string{"warns"}
		sw.Cells, runs = append(sw.Cells, c), append(runs, r)
	}
	runs[1] = nil
	dir := t.TempDir()
	meta, err := sw.Keep(runs, dir, []string{"experiments", "sim"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{m.Preset.Name + ": warns"}; meta.Complete() || meta.Done != 2 || meta.Planned != 3 || !slices.Equal(meta.Warnings, want) {
		t.Errorf("%d of %d done, warnings %q; want 2 of 3, not complete, %q", meta.Done, meta.Planned, meta.Warnings, want)
	}
	res, err := harness.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	var arms []string
	for _, m := range res.Measurements {
		arms = append(arms, m.Arm)
	}
	if want := []string{"flat", "static"}; !slices.Equal(arms, want) || res.Meta.Done != 2 {
		t.Errorf("%d of %v are kept, want %v", res.Meta.Done, arms, want)
	}
	none := filepath.Join(dir, "none")
	if _, err := sw.Keep(runs, none, nil, time.Now()); err == nil {
		t.Error("kept in a directory that is not there")
	}
	if _, err := os.Stat(none); !errors.Is(err, fs.ErrNotExist) {
		t.Error("Keep made the directory")
	}
}

// A sweep goes into a new directory or into none. What has to do with the directory can be told
// from what has to do with the runs. If it is interrupted, the directory says so.
func TestASweepGoesIntoANewDirectory(t *testing.T) {
	sw := new(Sweep)
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, file, filepath.Join(file, "below")} {
		if _, _, err := sw.Into(t.Context(), path, nil, io.Discard); !errors.As(err, new(*harness.DirError)) {
			t.Errorf("into %s: %v, want a DirError", path, err)
		}
	}
	sw, _ = Grid{Seed: 1, Arms: []string{"flat"}, Programs: []workload.Program{workload.ByName("fib").Program(true)},
		Machines: []Sized{{Machine: machine(t, "synthetic:1x1"), Procs: []int{1}}}}.Sweep()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	fresh := filepath.Join(dir, "fresh")
	meta, _, err := sw.Into(ctx, fresh, []string{"experiments", "sim"}, io.Discard)
	if err != nil || meta.Complete() {
		t.Errorf("interrupted: %v, complete %v", err, err == nil && meta.Complete())
	}
	if res, err := harness.Load(fresh); err != nil || res.Meta.Complete() {
		t.Errorf("kept of an interrupted sweep: %v", err)
	}
	if lock, err := harness.LockDir(fresh); err != nil {
		t.Errorf("the directory is still locked: %v", err)
	} else {
		lock.Unlock()
	}
}
