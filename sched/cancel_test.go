package sched_test

import (
	"errors"
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

// A G that recovers what unwinds it cannot go on for all that: neither it nor
// the G that runs it inline.
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

// What a deferred function asks of a scheduler that is closed is refused, and
// leaves no lock behind for the next.
func TestDeferredFunctionsMayUseAClosedScheduler(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			c, d := sched.NewChan[int](s, 0), sched.NewChan[int](s, 0)
			uses := []func(g *sched.G){
				func(g *sched.G) { d.Send(g, 1) },
				func(g *sched.G) { d.Recv(g) },
				func(g *sched.G) { d.Close(g) },
				func(g *sched.G) { g.Go(func(*sched.G) {}) },
				func(g *sched.G) { g.Yield() },
			}
			for i := range 20 {
				g.Go(func(g *sched.G) {
					defer uses[i%len(uses)](g)
					c.Recv(g)
				})
			}
			for range 10 {
				g.Yield()
			}
		})
		closes(t, s)
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
