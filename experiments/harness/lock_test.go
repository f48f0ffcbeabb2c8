package harness

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestASecondRunIsRefusedWhileOneIsUnderWay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	f := newFake()
	tried := false
	f.before = func(call int) error {
		if call != 4 { // in the middle of the measurements
			return nil
		}
		tried = true
		for _, resume := range []bool{false, true} {
			second := newFake()
			err := Run(t.Context(), dir, plan(2, "fib", "flat numa"), resume, second.bench, quiet)
			var busy *BusyError
			var dirErr *DirError
			if !errors.As(err, &busy) || !errors.As(err, &dirErr) || busy.PID != os.Getpid() || !strings.Contains(err.Error(), "a run is under way there (pid ") {
				t.Errorf("resume %v: error %v, want one that names the process which runs there", resume, err)
			}
			if len(second.calls) > 0 {
				t.Errorf("resume %v: measured all the same", resume)
			}
		}
		return nil
	}
	res := mustRun(t, dir, plan(2, "fib", "flat numa"), false, f)
	if !tried || len(res.Measurements) != 4 || !res.Meta.Complete() || res.Meta.Suspect != nil {
		t.Errorf("the first run has %d measurements of 4 and is suspected of %v", len(res.Measurements), res.Meta.Suspect)
	}
	if _, err := os.Stat(filepath.Join(dir, LockFile)); err == nil {
		t.Error("the lock's file is left behind")
	}
}

// TestMain runs the test program as a process that takes a lock and does not
// give it back.
func TestMain(m *testing.M) {
	if dir := os.Getenv("HARNESS_TEST_LOCK"); dir != "" {
		if _, err := LockDir(dir); err != nil {
			panic(err)
		}
		os.Stdout.WriteString("locked\n")
		os.Stdin.Read(make([]byte, 1))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestAProcessThatDiesLeavesNoLock(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	child := exec.Command(self)
	child.Env = append(os.Environ(), "HARNESS_TEST_LOCK="+dir)
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if n, err := out.Read(make([]byte, 7)); n != 7 {
		t.Fatalf("the process has not locked the directory: %v", err)
	}
	var busy *BusyError
	if _, err := LockDir(dir); !errors.As(err, &busy) || busy.PID != child.Process.Pid {
		t.Errorf("error %v, want that process %d runs there", err, child.Process.Pid)
	}
	child.Process.Kill()
	child.Wait()
	if _, err := os.Stat(filepath.Join(dir, LockFile)); err != nil {
		t.Errorf("%v: the test tests nothing", err)
	}
	mustRun(t, dir, plan(1, "fib", "flat"), false, newFake())
}
