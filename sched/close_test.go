package sched_test

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"numasched/sched"
)

func TestCloseCancelsWhatIsBlockedAndRunsItsDefers(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		var started, deferred atomic.Int32
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			for range 10 {
				g.Go(func(g *sched.G) {
					defer deferred.Add(1)
					started.Add(1)
					c.Recv(g)
					t.Error("a cancelled Recv returned")
				})
			}
			for started.Load() < 10 {
				g.Yield()
			}
		})
		s.Quiesce() // until they are blocked
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if n := deferred.Load(); n != 10 {
			t.Errorf("%d of 10 blocked Gs ran their deferred functions", n)
		}
		if err := s.Run(func(*sched.G) {}); err != sched.ErrClosed {
			t.Errorf("Run after Close returned %v", err)
		}
	})
}

func TestCloseLeaksNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		s := start(t, "numa", "synthetic:2x2")
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			var gr sched.Group
			for range 20 {
				gr.Go(g, func(g *sched.G) { g.Yield() })
				g.Go(func(g *sched.G) { c.Recv(g) })
			}
			gr.Wait(g)
		})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// The threads' goroutines end just after their Ms.
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		}
		time.Sleep(time.Millisecond)
	}
}

// Close may come while Gs yield and block: each M ends where it next looks.
func TestCloseWhileGsYield(t *testing.T) {
	times := 20
	if longTests() {
		times = 100
	}
	for _, arm := range []string{"gm", "flat", "numa"} {
		for range times {
			s := start(t, arm, "synthetic:2x3")
			for range 5 {
				run(t, s, func(g *sched.G) {
					g.Go(func(g *sched.G) {
						for {
							g.Yield()
						}
					})
				})
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
