package sched_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"numasched/sched"
)

// boom is named so that a stack can be recognised.
func boom() { panic(errBoom) }

var errBoom = errors.New("boom")

func TestPanicStopsTheSchedulerAndIsReportedWithItsStack(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		err := s.Run(func(g *sched.G) {
			var gr sched.Group
			gr.Go(g, func(g *sched.G) { g.Yield(); boom() })
			gr.Wait(g)
			t.Error("Wait returned although a member panicked")
		})
		var pe *sched.PanicError
		if !errors.As(err, &pe) || !errors.Is(err, errBoom) {
			t.Fatalf("Run returned %v, want a PanicError with boom", err)
		}
		if !strings.Contains(string(pe.Stack), "sched_test.boom") {
			t.Errorf("stack does not show boom:\n%s", pe.Stack)
		}
		if err := s.Run(func(*sched.G) {}); err == nil {
			t.Error("the scheduler runs on after a panic")
		}
		if err := s.Close(); !errors.As(err, &pe) {
			t.Errorf("Close returned %v, want the PanicError", err)
		}
	})
}

func TestAPanicCanBeRecoveredInItsOwnG(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			got := g.Join(g.Fork(func(g *sched.G, _ sched.Arg) (n int) {
				defer func() {
					if recover() != nil {
						n = 7
					}
				}()
				boom()
				return 0
			}, sched.Arg{}))
			if got != 7 {
				t.Errorf("Join returned %d, want 7", got)
			}
		})
	})
}

// As with goroutines, a parent cannot recover its child's panic, even if the
// child happens to run on the parent's stack.
func TestAChildsPanicIsNotTheParents(t *testing.T) {
	s := start(t, "flat", "synthetic:1x1")
	recovered := false
	err := s.Run(func(g *sched.G) {
		defer func() {
			if r := recover(); r == errBoom {
				recovered = true
			}
		}()
		g.Join(g.Fork(func(*sched.G, sched.Arg) int { boom(); return 0 }, sched.Arg{}))
	})
	if !errors.Is(err, errBoom) || recovered {
		t.Errorf("Run returned %v, parent recovered: %v", err, recovered)
	}
}

func TestGoexitIsAnError(t *testing.T) {
	s := start(t, "flat", "synthetic:1x1")
	err := s.Run(func(*sched.G) { runtime.Goexit() })
	if err == nil || !strings.Contains(err.Error(), "Goexit") {
		t.Errorf("Run returned %v, want an error that names Goexit", err)
	}
}

func TestDeadlockIsReported(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		err := s.Run(func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			for range 5 {
				g.Go(func(g *sched.G) { c.Recv(g) })
			}
			c.Recv(g)
		})
		var de *sched.DeadlockError
		if !errors.As(err, &de) {
			t.Fatalf("Run returned %v, want a DeadlockError", err)
		}
	})
}

// A G that is blocked for ever is no deadlock while the root can run.
func TestABlockedGAloneIsNoDeadlock(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		for range 20 {
			run(t, s, func(g *sched.G) {
				c := sched.NewChan[int](s, 0)
				g.Go(func(g *sched.G) { c.Recv(g) })
				g.Yield()
			})
		}
	})
}

// Gs that wait in the same place for the same reason share a line. The text says that
// there are others only if it leaves some out.
func TestADeadlocksTextHasTwentyLinesAndSaysIfThereAreOthers(t *testing.T) {
	for _, c := range []struct {
		places, more int
		others       bool
	}{{1, 0, false}, {19, 0, false}, {20, 0, false}, {20, 1, true}, {21, 0, true}} {
		e := &sched.DeadlockError{More: c.more}
		for i := range c.places {
			at := sched.BlockedG{Why: sched.WaitNone, Func: "f", Pos: fmt.Sprintf("f.go:%d", i)}
			e.Gs = append(e.Gs, at, at)
		}
		text := e.Error()
		if lines := strings.Count(text, "\n\t2 Gs "); lines != min(c.places, 20) {
			t.Errorf("%d lines for pairs of Gs in %d places:\n%s", lines, c.places, text)
		}
		if others := strings.HasSuffix(text, "and others"); others != c.others {
			t.Errorf("%d places and %d more Gs: \"and others\" is %v, want %v", c.places, c.more, others, c.others)
		}
	}
}
