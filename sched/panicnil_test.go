//go:debug panicnil=1

package sched_test

import (
	"strings"
	"testing"

	"numasched/sched"
)

// Modules older than Go 1.21 may still panic with nil.
func TestAPanicWithNilIsNotCalledGoexit(t *testing.T) {
	err := start(t, "flat", "").Run(func(*sched.G) { panic(nil) })
	if err == nil || !strings.Contains(err.Error(), "panic in a G: <nil>") {
		t.Errorf("Run returned %.100v, want a panic with <nil>", err)
	}
}
