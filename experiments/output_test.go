package main

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// fullDisk takes some bytes and then refuses all others.
type fullDisk struct{ left int }

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > d.left {
		n := d.left
		d.left = 0
		return n, errors.New("no space left on device")
	}
	d.left -= len(p)
	return len(p), nil
}

func TestOutputThatCannotBeWrittenIsAnErrorOfEveryCommand(t *testing.T) {
	dir := t.TempDir()
	quick := map[string][]string{
		"topo":       {"--from", "synthetic:2x1"},
		"capture":    {filepath.Join(dir, "mine.tar.gz")},
		"doctor":     nil,
		"run":        tiny(filepath.Join(dir, "run"))[1:],
		"peers":      {"--arm", "flat,chanpool", "--workload", "spawn:n=10", "--reps", "1", "--time", "1ms", "--out", filepath.Join(dir, "peers")},
		"sim":        {"--preset", "synthetic:2x2", "--workload", "fib:n=5"},
		"trace":      {"--preset", "synthetic:2x2", "--workload", "fib:n=5", "--out", filepath.Join(dir, "trace.json")},
		"calibrate":  {"--help"}, // it measures for a minute
		"explore":    {"--gs", "1", "--bound", "0", "--pct", "1", "--program", "spawn"},
		"plot":       {copyCase(t, "onenode")},
		"report":     {copyCase(t, "onenode")},
		"merge":      {copyCase(t, "onenode"), "--out", filepath.Join(dir, "merged")},
		"beside":     {"--help"}, // it wants a prediction
		"man":        {filepath.Join(dir, "man")},
		"completion": {"bash"},
		"compare":    {copyCase(t, "onenode"), copyCase(t, "onenode")},
	}
	try := func(args []string, space int) {
		t.Helper()
		var errs bytes.Buffer
		status := dispatch(args, &fullDisk{space}, &errs)
		want := ": no space left on device\n"
		if status != 1 || strings.Count(errs.String(), want) != 1 {
			t.Errorf("%s with room for %d bytes: status %d, want 1; says %q, want %q once", args[0], space, status, errs.String(), want)
		}
	}
	for _, c := range newRoot(nil, io.Discard, io.Discard).Commands() {
		args, known := quick[c.Name()]
		if !known {
			t.Errorf("%s: this test has no arguments for it", c.Name())
			continue
		}
		try(append([]string{c.Name()}, args...), 0)
		try([]string{c.Name(), "--help"}, 20)
	}
	try([]string{"help"}, 0)
	try([]string{"help", "run"}, 0)
	try([]string{"topo", "--json", "--from", "synthetic:2x1"}, 100)
}
