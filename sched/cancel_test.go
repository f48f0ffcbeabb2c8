package sched_test

import (
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"numasched/sched"
)

// closes closes s, and fails the test if that does not end.
func closes(t *testing.T, s *sched.Sched) {
	t.Helper()
	ended := make(chan error)
	go func() { ended <- s.Close() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("Close has not ended after a minute")
	}
}

// A G that recovers the panic that cancels it still cannot go on, nor can the G that
// runs it inline.
func TestACancelledGMayRecover(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		var returned atomic.Int64
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			try := func(g *sched.G) {
				defer func() { recover() }()
				c.Recv(g)
			}
			for range 20 {
				g.Go(func(g *sched.G) {
					var gr sched.Group
					gr.Go(g, try)
					gr.Wait(g)
					returned.Add(1)
				})
				g.Go(func(g *sched.G) {
					try(g)
					try(g)
				})
			}
			for range 10 {
				g.Yield()
			}
		})
		closes(t, s)
		if n := returned.Load(); n != 0 {
			t.Errorf("%d Gs went on after a Wait that cannot have ended", n)
		}
	})
}

// What a deferred function asks of a scheduler that is closed panics with a sentence,
// and leaves no lock behind for the next. Alloc and Free work.
func TestADeferredFunctionOfACancelledGCanFreeAndLittleElse(t *testing.T) {
	for name, use := range map[string]func(*sched.G, *sched.Chan[int]){
		"Send":     func(g *sched.G, c *sched.Chan[int]) { c.Send(g, 1) },
		"Recv":     func(g *sched.G, c *sched.Chan[int]) { c.Recv(g) },
		"Recv nil": func(g *sched.G, c *sched.Chan[int]) { (*sched.Chan[int])(nil).Recv(g) },
		"Close":    func(g *sched.G, c *sched.Chan[int]) { c.Close(g) },
		"Go":       func(g *sched.G, c *sched.Chan[int]) { g.Go(func(*sched.G) {}) },
		"GoAt":     func(g *sched.G, c *sched.Chan[int]) { g.GoAt(sched.OnNode(0), func(*sched.G) {}) },
		"Yield":    func(g *sched.G, c *sched.Chan[int]) { g.Yield() },
		"Node":     func(g *sched.G, c *sched.Chan[int]) { g.Node() },
		"Work":     func(g *sched.G, c *sched.Chan[int]) { g.Work(sched.Work{}, func() {}) },
		"Fork":     func(g *sched.G, c *sched.Chan[int]) { g.Fork(func(*sched.G, sched.Arg) int { return 0 }, sched.Arg{}) },
		"Group.Go": func(g *sched.G, c *sched.Chan[int]) { new(sched.Group).Go(g, func(*sched.G) {}) },
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, s *sched.Sched) {
				var said atomic.Int64
				run(t, s, func(g *sched.G) {
					c, d := sched.NewChan[int](s, 0), sched.NewChan[int](s, 0)
					for range 3 {
						g.Go(func(g *sched.G) {
							defer func() {
								if err, ok := recover().(error); ok && strings.Contains(err.Error(), "is cancelled") {
									said.Add(1)
								}
							}()
							defer use(g, d)
							defer func() {
								p, err := g.Alloc(64)
								if err != nil {
									t.Error(err)
								}
								g.Free(p)
							}()
							c.Recv(g)
						})
					}
				})
				s.Quiesce()
				closes(t, s)
				if n := said.Load(); n != 3 {
					t.Errorf("%d of 3 deferred functions were told that their G is cancelled", n)
				}
			})
		})
	}
}

// testing.T.FailNow in a deferred function is such a Goexit.
func TestGoexitInADeferredFunctionDoesNotEndWhoeverCloses(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		var deferred atomic.Int32
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			for i := range 10 {
				g.Go(func(g *sched.G) {
					defer func() {
						deferred.Add(1)
						if i%4 == 0 {
							runtime.Goexit()
						}
					}()
					c.Recv(g)
				})
			}
		})
		s.Quiesce()
		closed := make(chan error, 1)
		go func() {
			defer close(closed)
			closed <- s.Close()
		}()
		err, returned := <-closed
		if !returned || deferred.Load() != 10 {
			t.Errorf("Close returned: %v; %d of 10 deferred functions ran", returned, deferred.Load())
		}
		if err == nil || strings.Count(err.Error(), "runtime.Goexit called in a G") != 3 {
			t.Errorf("Close returned %.300v, want an error that names the three Goexits", err)
		}
	})
}

func TestPanicsOfDeferredFunctionsAreReportedByClose(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			for i := range 4 {
				g.Go(func(g *sched.G) {
					defer func() {
						if i%2 == 0 {
							boom()
						}
					}()
					c.Recv(g)
				})
			}
		})
		s.Quiesce()
		err := s.Close()
		if !errors.Is(err, errBoom) || strings.Count(err.Error(), "panic in a G: boom") != 2 {
			t.Errorf("Close returned %.300v, want an error with the two panics", err)
		}
	})
}

func TestADeferredFunctionThatCallsRunIsToldThatTheSchedulerIsClosed(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		var got atomic.Value
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			g.Go(func(g *sched.G) {
				defer func() { got.Store(s.Run(func(*sched.G) {})) }()
				c.Recv(g)
			})
		})
		s.Quiesce()
		closes(t, s)
		if got.Load() != sched.ErrClosed {
			t.Errorf("Run in a deferred function returned %v, want ErrClosed", got.Load())
		}
	})
}

// A panic in a G that was run inline, and has moved since, unwinds its parent,
// whose deferred functions use the scheduler from where they now are. The race
// detector sees it if they do not.
func TestAParentUnwindsWhereItsChildWas(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		err := s.Run(func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			var gr sched.Group
			for range 8 {
				g.Go(func(g *sched.G) { c.Recv(g) })
				gr.Go(g, func(g *sched.G) {
					defer func() { g.Go(func(*sched.G) {}) }()
					var inner sched.Group
					inner.Go(g, func(g *sched.G) {
						for range 4 {
							g.Yield()
						}
						boom()
					})
					inner.Wait(g)
				})
			}
			gr.Wait(g)
		})
		if !errors.Is(err, errBoom) {
			t.Errorf("%v, want the panic", err)
		}
	})
}

// Two Gs that wake each other for ever do not keep a P to themselves.
func TestTalkersDoNotStarveTheRing(t *testing.T) {
	for _, arm := range []string{"gm", "flat", "numa"} {
		s := start(t, arm, "synthetic:1x1")
		rounds := 0
		run(t, s, func(g *sched.G) {
			there, back := sched.NewChan[int](s, 0), sched.NewChan[int](s, 0)
			g.Go(func(g *sched.G) {
				for _, ok := there.Recv(g); ok; _, ok = there.Recv(g) {
					back.Send(g, 1)
				}
			})
			heard := false
			g.GoAt(sched.Default, func(*sched.G) { heard = true })
			for ; !heard && rounds < 10_000; rounds++ {
				there.Send(g, 1)
				back.Recv(g)
			}
			there.Close(g)
		})
		if rounds > 100 {
			t.Errorf("%s: a queued G had to wait for %d rounds of two others' talk", arm, rounds)
		}
	}
}
