package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// longTests reports whether tests run in full, as CI has them: several times as long.
func longTests() bool { return os.Getenv("NUMASCHED_LONG_TESTS") != "" }

// TestMain has the test binary be the command when it is called like it. doctor starts its
// own program once more, to try KVM. Without this the second process would run all tests,
// doctor's among them, and so start a third.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		os.Exit(dispatch(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func TestTheTestBinaryIsTheCommand(t *testing.T) {
	out, err := exec.Command(os.Args[0], "topo", "--from", "synthetic:1x2").CombinedOutput()
	if err != nil || strings.Contains(string(out), "PASS") || !strings.Contains(string(out), "synthetic:1x2") {
		t.Errorf("topo --from synthetic:1x2: %v\n%s", err, out)
	}
}
