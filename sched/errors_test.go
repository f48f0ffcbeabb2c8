package sched_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/policy"
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

// Under Config.Debug the error says of each G where it was started and how long it has
// waited, in whichever way it was started. Its name is that which the G has itself.
func TestADeadlockNamesItsGs(t *testing.T) {
	for _, debug := range []bool{false, true} {
		s := onSim(t, "synthetic:1x2", sched.Config{Arm: policy.Arms[1], Debug: debug})
		started, ids := make(map[uint32]string), make(map[string]uint32)
		var parked map[uint32]int64
		err := s.Run(func(g *sched.G) {
			parked = map[uint32]int64{g.ID(): 0}
			never := sched.NewChan[int](s, 0)
			wait := func(name string) func(*sched.G) {
				return func(g *sched.G) {
					started[g.ID()], ids[name] = name, g.ID()
					parked[g.ID()] = g.Nanotime()
					never.Recv(g)
				}
			}
			var gr sched.Group
			var eg sched.ErrGroup
			g.Go(wait("Go"))
			g.GoAt(sched.OnNode(0), wait("GoAt"))
			g.GoLocked(wait("GoLocked"))
			gr.Go(g, wait("Group"))
			eg.Go(g, func(g *sched.G) error { wait("ErrGroup")(g); return nil })
			child := g.Fork(func(g *sched.G, _ sched.Arg) int { wait("G.Fork")(g); return 0 }, sched.Arg{})
			typed := sched.Fork(g, func(g *sched.G, _ int) int { wait("Fork")(g); return 0 }, 0)
			g.AfterFunc(time.Millisecond, wait("AfterFunc"))
			_, _ = child, typed
			g.Sleep(7 * time.Millisecond)
			started[g.ID()], ids["Run"] = "Run", g.ID()
			parked[g.ID()] = g.Nanotime()
			never.Recv(g)
		})
		de, ok := errors.AsType[*sched.DeadlockError](err)
		if !ok || len(de.Gs) != 9 {
			t.Fatalf("Run returned %v, want a DeadlockError with 9 Gs", err)
		}
		var last int64
		for _, at := range parked {
			last = max(last, at)
		}
		for _, b := range de.Gs {
			name := started[b.ID]
			if name == "" {
				t.Errorf("a G %d, which nobody knows", b.ID)
			}
			delete(started, b.ID)
			switch {
			case !debug:
				if b.Started != "" || b.Waited != 0 {
					t.Errorf("%s: %+v, without Debug", name, b)
				}
			case name == "AfterFunc" && b.Started != "", name != "AfterFunc" && !strings.Contains(b.Started, "errors_test.go:"):
				t.Errorf("%s: started at %q", name, b.Started)
			case int64(b.Waited) < last-parked[b.ID] || b.Waited > time.Millisecond+time.Duration(last-parked[b.ID]):
				t.Errorf("%s has waited for %v, since %d; the last since %d", name, b.Waited, parked[b.ID], last)
			}
		}
		text := de.Error()
		if want := fmt.Sprintf("\n\tG %d [chan receive", ids["GoLocked"]); !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
		if strings.Contains(text, ", started at ") != debug || strings.Contains(text, "ms]: ") != debug {
			t.Errorf("Debug is %v, and the text is\n%s", debug, text)
		}
	}
}

// Several Gs that share a line are named, up to five, with the shortest and longest wait.
func TestADeadlocksLineNamesGs(t *testing.T) {
	b := sched.BlockedG{ID: 1, Why: sched.WaitRecv, Func: "f", Pos: "f.go:1", Started: "g.go:2", Waited: time.Second}
	e := new(sched.DeadlockError)
	for b.ID = range uint32(6) {
		e.Gs = append(e.Gs, b)
		b.Waited += time.Second
	}
	e.Gs = append(e.Gs, sched.BlockedG{ID: 9, Why: sched.WaitJoin, Func: "f", Pos: "f.go:1"})
	want := "sched: all Gs are asleep - deadlock!" +
		"\n\t6 Gs (0, 1, 2, 3, 4, ...) [chan receive for 1s to 6s]: f (f.go:1), started at g.go:2" +
		"\n\tG 9 [join]: f (f.go:1)"
	if got := e.Error(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
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
