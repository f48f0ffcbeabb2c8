package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"numasched/experiments/harness"
)

// cannotWrite makes dir a directory in which no figure and no page can be written,
// also by root.
func cannotWrite(t *testing.T, dir string) {
	for _, name := range []string{"." + harness.ReportFile, ".throughput.svg"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFigureThatCannotBeWrittenDoesNotHideTheTables(t *testing.T) {
	dir := copyCase(t, "onenode")
	cannotWrite(t, dir)
	for _, command := range []string{"report", "plot"} {
		status, out, errs := cli(command, dir)
		if status != 1 || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: status %d, want 1; says %q", command, status, errs)
		}
		if command == "report" && !strings.Contains(out, "numa against flat:") {
			t.Errorf("report prints %q, want the tables all the same", out)
		}
	}
}

func TestADirectoryThatARunWritesToIsLeftAlone(t *testing.T) {
	dir := copyCase(t, "onenode")
	lock, err := harness.LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"report", "plot"} {
		status, out, errs := cli(command, dir)
		if status != 2 || !strings.Contains(errs, "a run is under way there (pid ") {
			t.Errorf("%s: status %d, says %q", command, status, errs)
		}
		if printed := strings.Contains(out, "numa against flat:"); printed != (command == "report") {
			t.Errorf("%s prints %q", command, out)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 3 {
		t.Errorf("%d files, want results.txt, run.json and the lock", len(entries))
	}
	lock.Unlock()
	if status, _, errs := cli("plot", dir); status != 0 {
		t.Errorf("once the run is over: %s", errs)
	}
}

func TestSimulationsDoNotShareADirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sim")
	lock, err := harness.LockNewDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if status, _, errs := cli(append([]string{"sim"}, small(dir)...)...); status != 2 || !strings.Contains(errs, "a run is under way there (pid ") {
		t.Errorf("status %d, says %q", status, errs)
	}
	lock.Unlock()
	if _, err := os.Stat(dir); err == nil {
		t.Error("the directory that was made for the lock is left behind")
	}
}

func TestAReportSaysOnceWhereItsNumbersAreFrom(t *testing.T) {
	for _, name := range []string{"onenode", "fournodes", "scaling", "virtual"} {
		dir := copyCase(t, name)
		res, err := harness.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, out, _ := cli("report", dir); strings.Count(out, res.Meta.Label()+"\n") != 1 || !strings.HasPrefix(out, res.Meta.Label()) {
			t.Errorf("%s: the label %q is not there once, at the top", name, res.Meta.Label())
		}
	}
}
