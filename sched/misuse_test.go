package sched_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/policy"
)

// panics runs fn as a G, and fails the test unless the G panics with a text that
// contains want.
func panics(t *testing.T, s *sched.Sched, want string, fn func(*sched.G)) {
	t.Helper()
	err := s.Run(fn)
	var pe *sched.PanicError
	if !errors.As(err, &pe) || !strings.Contains(err.Error(), want) {
		t.Errorf("Run returned %.200v, want a PanicError with %q", err, want)
	}
}

func TestAChanOfAnotherSchedulerIsRefused(t *testing.T) {
	for name, use := range map[string]func(*sched.Chan[int], *sched.G){
		"Send":  func(c *sched.Chan[int], g *sched.G) { c.Send(g, 1) },
		"Recv":  func(c *sched.Chan[int], g *sched.G) { c.Recv(g) },
		"Close": func(c *sched.Chan[int], g *sched.G) { c.Close(g) },
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, s *sched.Sched) {
				other := start(t, "flat", "synthetic:1x1")
				c := sched.NewChan[int](other, 1)
				panics(t, s, "another scheduler", func(g *sched.G) { use(c, g) })
				run(t, other, func(g *sched.G) { // and leaves no lock behind
					c.Send(g, 1)
					c.Recv(g)
				})
			})
		})
	}
}

func TestANilChanBlocksForEver(t *testing.T) {
	for name, use := range map[string]func(*sched.Chan[int], *sched.G){
		"Send": func(c *sched.Chan[int], g *sched.G) { c.Send(g, 1) },
		"Recv": func(c *sched.Chan[int], g *sched.G) { c.Recv(g) },
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, s *sched.Sched) {
				var de *sched.DeadlockError
				if err := s.Run(func(g *sched.G) { use(nil, g) }); !errors.As(err, &de) {
					t.Errorf("Run returned %v, want a DeadlockError", err)
				}
			})
		})
	}
	panics(t, start(t, "flat", ""), "close of nil channel", func(g *sched.G) {
		var c *sched.Chan[int]
		c.Close(g)
	})
}

func TestOnlyItsParentMayJoinAChildAndOnlyOnce(t *testing.T) {
	one := func(*sched.G, sched.Arg) int { return 1 }
	for name, misuse := range map[string]func(*sched.G){
		"by another G": func(g *sched.G) {
			child := g.Fork(one, sched.Arg{})
			var gr sched.Group
			gr.Go(g, func(g *sched.G) { g.Join(child) })
			gr.Wait(g)
		},
		"twice": func(g *sched.G) {
			child := g.Fork(one, sched.Arg{})
			g.Join(child)
			g.Join(child)
		},
		"twice, after another Fork": func(g *sched.G) {
			child := g.Fork(one, sched.Arg{})
			g.Join(child)
			g.Fork(one, sched.Arg{})
			g.Join(child)
		},
		"the zero Child": func(g *sched.G) { g.Join(sched.Child{}) },
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, s *sched.Sched) { panics(t, s, "not a child of this G", misuse) })
		})
	}
}

func TestOnlyItsOwnerMayUseAGroup(t *testing.T) {
	nothing := func(*sched.G) {}
	for name, misuse := range map[string]func(*sched.G, *sched.Group){
		"Go":   func(g *sched.G, gr *sched.Group) { gr.Go(g, nothing) },
		"GoAt": func(g *sched.G, gr *sched.Group) { gr.GoAt(g, sched.OnNode(0), nothing) },
		"Wait": func(g *sched.G, gr *sched.Group) { gr.Wait(g) },
		"WaitContext": func(g *sched.G, gr *sched.Group) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			gr.WaitContext(ctx, g)
		},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, s *sched.Sched) {
				panics(t, s, "a Group of another G", func(g *sched.G) {
					var gr sched.Group
					gr.Go(g, func(g *sched.G) { misuse(g, &gr) })
					gr.Wait(g)
				})
			})
		})
	}
}

func TestAGMayNotQuiesce(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		panics(t, s, "Quiesce in a G", func(g *sched.G) {
			g.Yield()
			g.Join(g.Fork(func(g *sched.G, _ sched.Arg) int { g.Sched().Quiesce(); return 0 }, sched.Arg{}))
		})
	})
}

// Nor may one that is so deep in forks that the beginning of its stack is out of sight.
func TestADeepChildMayNotQuiesce(t *testing.T) {
	var task sched.Task
	task = func(g *sched.G, arg sched.Arg) int {
		if arg.A == 0 {
			g.Sched().Quiesce()
			return 0
		}
		return g.Join(g.Fork(task, sched.Arg{A: arg.A - 1}))
	}
	var typed func(g *sched.G, n int) int
	typed = func(g *sched.G, n int) int {
		if n == 0 {
			g.Sched().Quiesce()
			return 0
		}
		return sched.Fork(g, typed, n-1).Join(g)
	}
	s := start(t, "numa", "synthetic:1x1")
	panics(t, s, "Quiesce in a G", func(g *sched.G) { task(g, sched.Arg{A: 1000}) })
	s = start(t, "numa", "synthetic:1x1")
	panics(t, s, "Quiesce in a G", func(g *sched.G) { typed(g, 1000) })
}

// The value that unwinds a cancelled G, when another G panics with it, is a panic
// like any other.
func TestAPanicWithTheValueOfACancelledGIsReported(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		var got atomic.Value
		other := start(t, "flat", "synthetic:1x1")
		run(t, other, func(g *sched.G) {
			c := sched.NewChan[int](other, 0)
			g.Go(func(g *sched.G) {
				defer func() { got.Store(recover()) }()
				c.Recv(g)
			})
		})
		other.Quiesce()
		closes(t, other)
		panics(t, s, "is cancelled", func(g *sched.G) { panic(got.Load()) })
	})
}

func TestNothingToRunIsRefused(t *testing.T) {
	for name, misuse := range map[string]func(*sched.G){
		"Go":         func(g *sched.G) { g.Go(nil) },
		"GoAt":       func(g *sched.G) { g.GoAt(sched.OnNode(0), nil) },
		"Fork":       func(g *sched.G) { g.Fork(nil, sched.Arg{}) },
		"Group.Go":   func(g *sched.G) { new(sched.Group).Go(g, nil) },
		"Group.GoAt": func(g *sched.G) { new(sched.Group).GoAt(g, sched.OnNode(0), nil) },
	} {
		t.Run(name, func(t *testing.T) { panics(t, start(t, "numa", "synthetic:2x2"), "nil function", misuse) })
	}
	panics(t, start(t, "numa", "synthetic:2x2"), "nil Case", func(g *sched.G) { g.Select(nil) })
	defer func() {
		if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), "nil function") {
			t.Errorf("Run(nil) panicked with %v", err)
		}
	}()
	start(t, "numa", "synthetic:2x2").Run(nil)
}

func TestAGMustNotCallRun(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		panics(t, s, "Run in a G of the same scheduler", func(g *sched.G) {
			var gr sched.Group
			gr.Go(g, func(*sched.G) { s.Run(func(*sched.G) {}) })
			gr.Wait(g)
		})
	})
	s := start(t, "flat", "synthetic:1x1")
	run(t, s, func(g *sched.G) { // in a system call it has given its P away
		g.Syscall(func() {
			if err := s.Run(func(*sched.G) {}); err != nil {
				t.Error(err)
			}
		})
	})
}

// debugged makes a scheduler with Config.Debug.
func debugged(t *testing.T, arm string, procs int) *sched.Sched {
	t.Helper()
	a, err := policy.ByName(arm)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sched.New(sched.Config{Machine: open(t, "synthetic:2x2"), Arm: a, Debug: true, Procs: procs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// One P: on several, such a use is a data race too, and what was a G may not have ended yet.
func TestDebugFindsWhoUsesAGThatIsNotTheirs(t *testing.T) {
	for name, c := range map[string]struct {
		want   string
		misuse func(*sched.G)
	}{
		"kept after its end, by Go": {"after its function had returned", func(g *sched.G) {
			var kept *sched.G
			var gr sched.Group
			gr.Go(g, func(g *sched.G) { kept = g })
			gr.Wait(g)
			gr.Go(g, func(g *sched.G) { g.Yield() })
			gr.Wait(g)
			kept.Go(func(*sched.G) {})
		}},
		"kept after its end, by Fork": {"after its function had returned", func(g *sched.G) {
			kept := sched.Fork(g, func(g *sched.G, _ int) *sched.G { return g }, 0).Join(g)
			sched.Fork(g, func(g *sched.G, _ int) int { kept.Yield(); return 0 }, 0).Join(g)
		}},
		"of an outer function": {"by what it does not run", func(g *sched.G) {
			var gr sched.Group
			gr.Go(g, func(*sched.G) { g.Yield() })
			gr.Wait(g)
		}},
		"of an outer function, elsewhere": {"by what it does not run", func(g *sched.G) {
			c := sched.NewChan[int](g.Sched(), 0)
			g.Go(func(inner *sched.G) { c.Send(g, 1) })
			c.Recv(g)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, arm := range []string{"gm", "flat", "numa"} {
				panics(t, debugged(t, arm, 1), c.want, c.misuse)
			}
		})
	}
}

// Debug changes nothing for programs that do nothing wrong.
func TestDebugLetsEverythingElseWork(t *testing.T) {
	for _, arm := range []string{"gm", "flat", "numa"} {
		s := debugged(t, arm, 4)
		run(t, s, func(g *sched.G) {
			if fib(g, sched.Arg{A: 12}) != 144 || fibOf(g, 12) != 144 {
				t.Error("wrong results")
			}
			c := sched.NewChan[int](s, 0)
			var gr sched.Group
			for i := range 20 {
				gr.Go(g, func(g *sched.G) {
					g.Syscall(func() {})
					g.Yield()
					c.Send(g, i)
				})
			}
			for range 20 {
				c.Recv(g)
			}
			gr.Wait(g)
		})
		closes(t, s)
	}
}

// Every object says what it is, when a G of another scheduler uses it or it was not made.
func TestObjectsThatAGMayNotUseAreCalledByTheirNames(t *testing.T) {
	other := start(t, "flat", "synthetic:1x1")
	sem := sched.NewSemaphore(other, 1)
	var timer *sched.Timer
	var ticker *sched.Ticker
	run(t, other, func(g *sched.G) {
		timer, ticker = g.NewTimer(time.Hour), g.NewTicker(time.Hour)
		timer.Stop(g)
		ticker.Stop(g)
	})
	var noContext context.Context
	for want, misuse := range map[string]func(*sched.G){
		"a Semaphore of another scheduler":                     func(g *sched.G) { sem.Acquire(g, 1) },
		"a Timer or Ticker of another scheduler":               func(g *sched.G) { timer.Stop(g) },
		"a Timer or Ticker of another scheduler: a G may":      func(g *sched.G) { ticker.Stop(g) },
		"a Semaphore that was not made by NewSemaphore":        func(g *sched.G) { new(sched.Semaphore).TryAcquire(g, 1) },
		"Semaphore that was not made by NewSemaphore":          func(g *sched.G) { (*sched.Semaphore)(nil).Acquire(g, 1) },
		"a Chan that was not made by NewChan":                  func(g *sched.G) { new(sched.Chan[int]).Send(g, 1) },
		"Chan that was not made by NewChan":                    func(g *sched.G) { g.Select(new(sched.Chan[int]).RecvCase(nil, nil)) },
		"a Chan or Semaphore for a nil scheduler":              func(g *sched.G) { sched.NewChan[int](nil, 0) },
		"Semaphore for a nil scheduler":                        func(g *sched.G) { sched.NewSemaphore(nil, 0) },
		"Wait for a Cond without L":                            func(g *sched.G) { new(sched.Cond).Wait(g) },
		"Once.Do with a nil function":                          func(g *sched.G) { new(sched.Once).Do(g, nil) },
		"FreeBuffer of nil":                                    func(g *sched.G) { g.Sched().FreeBuffer(nil) },
		"Free of nil":                                          func(g *sched.G) { g.Free(nil) },
		"a nil context":                                        func(g *sched.G) { g.Done(noContext) },
		"nil context: want context.Background()":               func(g *sched.G) { sched.NewSemaphore(g.Sched(), 1).AcquireContext(noContext, g, 1) },
		"nil context: want context.Background(), if there is ": func(g *sched.G) { sched.NewErrGroup(noContext) },
	} {
		t.Run(want, func(t *testing.T) { panics(t, start(t, "numa", "synthetic:2x2"), want, misuse) })
	}
	defer func() {
		if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), "a nil context") {
			t.Errorf("RunContext of no context: %v", err)
		}
	}()
	other.RunContext(noContext, func(context.Context, *sched.G) error { return nil })
}

// Memory on a node that is not there is an error under every arm. A G that is sent to one
// runs all the same, and Warnings says so.
func TestNodesThatThereAreNot(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		for _, id := range []int{-1, 7, 1 << 40} {
			_, err := s.NewBuffer(64, sched.OnNode(id))
			if want := fmt.Sprintf("a buffer on node %d: there is no such node, want one of ", id); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
			run(t, s, func(g *sched.G) { g.GoAt(sched.OnNode(id), func(*sched.G) {}) })
			if want, all := fmt.Sprintf("sent to node %d run elsewhere", id), strings.Join(s.Warnings(), "\n"); !strings.Contains(all, want) {
				t.Errorf("warnings %q, want %q", all, want)
			}
		}
	})
}
