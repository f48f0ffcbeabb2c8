package sched_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
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

// A line is where a G is started, and what it runs.
type line struct {
	never *sched.Chan[int]
	of    sync.Map // by G.ID: file:line
}

// wait has g wait for ever, in a function that is one line, as its start is.
func (l *line) wait(g *sched.G) error {
	_, file, n, _ := runtime.Caller(1)
	l.of.Store(g.ID(), fmt.Sprintf("%s:%d", file, n))
	l.never.Recv(g)
	return nil
}

// method is for a method value.
func (l *line) method(g *sched.G) error {
	l.of.Store(g.ID(), "")
	l.never.Recv(g)
	return nil
}

// The error names what the user wrote, also where the scheduler has wrapped it: the function, where
// that is, and, under Config.Debug, where the user has started it.
func TestADeadlockNamesWhatTheUserWrote(t *testing.T) {
	for _, debug := range []bool{false, true} {
		arm, _ := policy.ByName("numa")
		s, err := sched.New(sched.Config{Machine: open(t, "synthetic:1x2"), Arm: arm, Debug: debug})
		if err != nil {
			t.Fatal(err)
		}
		l := &line{never: sched.NewChan[int](s, 0)}
		begun, did := make(chan bool), make(chan error)
		go func() {
			did <- s.Do(func(g *sched.G) { close(begun); l.wait(g) })
		}()
		<-begun
		started := make(chan error)
		go func() {
			started <- s.Start(func(g *sched.G) { l.wait(g) })
		}()
		if err := <-started; err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		err = s.RunContext(ctx, func(_ context.Context, g *sched.G) error {
			var eg sched.ErrGroup
			eg.Go(g, func(g *sched.G) error { return l.wait(g) })
			eg.GoAt(g, sched.OnNode(0), func(g *sched.G) error { return l.wait(g) })
			eg.TryGo(g, func(g *sched.G) error { return l.wait(g) })
			eg.GoContext(ctx, g, func(g *sched.G) error { return l.wait(g) })
			eg.Go(g, l.method)
			g.Go(func(g *sched.G) { l.wait(g) })
			l.of.Store(g.ID(), "")
			l.never.Recv(g) // a Wait would run members inline
			return nil
		})
		var de *sched.DeadlockError
		if !errors.As(err, &de) {
			t.Fatalf("RunContext returned %v, want a DeadlockError", err)
		}
		if len(de.Gs) != 9 {
			t.Errorf("%d Gs, want 9", len(de.Gs))
		}
		methods, here := 0, reflect.TypeFor[line]().PkgPath()+"."
		for _, b := range de.Gs {
			at, _ := l.of.Load(b.ID)
			method := b.Func == here+"(*line).method"
			switch {
			case method:
				methods++
			case !strings.HasPrefix(b.Func, here+"TestADeadlockNamesWhatTheUserWrote."), at != "" && b.Pos != at:
				t.Errorf("a G was started with %s (%s), want what is at %s", b.Func, b.Pos, at)
			}
			if debug && (!strings.Contains(b.Started, "/errors_test.go:") || at != "" && b.Started != at) {
				t.Errorf("%s was started at %q, want %s", b.Func, b.Started, at)
			}
			if got := strings.Contains(de.Error(), b.Func+" ("); got == method {
				t.Errorf("the text gives a place of %s: %v", b.Func, got)
			}
		}
		if methods != 1 {
			t.Errorf("%d Gs were started with a method value, want 1", methods)
		}
		s.Close()
		if err := <-did; err == nil {
			t.Error("Do returned without an error")
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
