package main

import "testing"

// What a program becomes by exec has the process's whole mask, whichever thread the goroutine that
// calls it was on, and though it may be preempted on the way.
func TestExecHasTheWholeMask(t *testing.T) {
	app := program(t, "affinity")
	allowed := severalCPUs(t)
	wrong := 0
	const tries = 100
	for range tries {
		_, out, errs := start(t, "2", app, "exec")
		if got := values(out)["exec"]; len(got) != 1 {
			t.Fatalf("exec was printed %d times, and %s", len(got), errs)
		} else if got[0] != allowed.String() {
			wrong++
		}
	}
	if wrong != 0 {
		t.Errorf("%d of %d times a part of the mask", wrong, tries)
	}
}
