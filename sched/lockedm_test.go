package sched_test

import (
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/policy"
)

// alsoSimulated is everywhere and on a simulated machine.
func alsoSimulated(t *testing.T, f func(t *testing.T, s *sched.Sched)) {
	everywhere(t, f)
	t.Run("simulated", func(t *testing.T) { f(t, simulated(t, "numa")) })
}

// Locked Gs talk to each other and to others, start, join and wait for others, and end.
func TestLockedGsTalk(t *testing.T) {
	alsoSimulated(t, func(t *testing.T, s *sched.Sched) {
		const n = 100
		run(t, s, func(g *sched.G) {
			c, d, e := sched.NewChan[int](s, 0), sched.NewChan[int](s, 1), sched.NewChan[int](s, 0)
			g.GoLocked(func(g *sched.G) {
				for i := range n {
					c.Send(g, i)
				}
				c.Close(g)
			})
			g.GoLocked(func(g *sched.G) {
				for v, ok := c.Recv(g); ok; v, ok = c.Recv(g) {
					d.Send(g, v)
				}
				d.Close(g)
			})
			g.Go(func(g *sched.G) {
				sum := 0
				for v, ok := d.Recv(g); ok; v, ok = d.Recv(g) {
					sum += v
				}
				e.Send(g, sum)
			})
			if sum, _ := e.Recv(g); sum != n*(n-1)/2 {
				t.Errorf("the values add up to %d", sum)
			}
			g.GoLocked(func(g *sched.G) {
				var gr sched.Group
				ran := 0
				for range 10 {
					gr.Go(g, func(g *sched.G) {
						g.Yield()
						g.Yield()
					})
				}
				gr.Wait(g)
				ran = fib(g, sched.Arg{A: 10})
				e.Send(g, ran)
			})
			if v, _ := e.Recv(g); v != 55 {
				t.Errorf("fib(10) is %d on a locked G", v)
			}
		})
	})
}

// A locked G gives its P to others, and they to it, with one P, too.
func TestALockedGComputesAndIsPreempted(t *testing.T) {
	for _, arm := range fewArms() {
		s := start(t, arm.Name, "synthetic:1x1")
		run(t, s, func(g *sched.G) {
			var done atomic.Bool
			c := sched.NewChan[int](s, 0)
			g.GoLocked(func(g *sched.G) {
				c.Send(g, 1)
				spin(g, &done)
				c.Send(g, 2)
			})
			c.Recv(g)
			g.Yield() // the locked G spins now, or soon
			done.Store(true)
			c.Recv(g)
		})
	}
}

func TestADeadlockOfLockedGsIsReported(t *testing.T) {
	alsoSimulated(t, func(t *testing.T, s *sched.Sched) {
		err := s.Run(func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			g.GoLocked(func(g *sched.G) { c.Recv(g) })
			c.Recv(g)
		})
		var de *sched.DeadlockError
		if !errors.As(err, &de) || len(de.Gs) != 2 {
			t.Errorf("Run returned %v, want a deadlock of two Gs", err)
		}
	})
}

// Close cancels locked Gs that wait, that have not started and that compute.
func TestCloseEndsLockedGs(t *testing.T) {
	alsoSimulated(t, func(t *testing.T, s *sched.Sched) {
		var deferred atomic.Int32
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			ready := sched.NewChan[int](s, 3)
			for range 3 {
				g.GoLocked(func(g *sched.G) {
					defer deferred.Add(1)
					ready.Send(g, 1)
					c.Recv(g)
				})
			}
			for range 3 {
				ready.Recv(g)
			}
			g.GoLocked(func(*sched.G) {})
		})
		closes(t, s)
		if n := deferred.Load(); n != 3 {
			t.Errorf("%d of 3 locked Gs were unwound", n)
		}
	})
}

func TestAPanicAndAGoexitInALockedGAreReported(t *testing.T) {
	for name, end := range map[string]func(){"panic": boom, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			alsoSimulated(t, func(t *testing.T, s *sched.Sched) {
				err := s.Run(func(g *sched.G) {
					g.GoLocked(func(g *sched.G) {
						g.Yield()
						end()
					})
					sched.NewChan[int](s, 0).Recv(g)
				})
				var pe *sched.PanicError
				if !errors.As(err, &pe) {
					t.Errorf("Run returned %v, want a PanicError", err)
				}
			})
		})
	}
}

// More Ms than there may be: the error says which limit, and who holds them.
func TestTooManyMs(t *testing.T) {
	for _, arm := range fewArms() {
		m := open(t, "synthetic:1x1")
		s, err := sched.New(sched.Config{Machine: m, Arm: arm, MaxMs: 5})
		if err != nil {
			t.Fatal(err)
		}
		release := make(chan bool)
		err = s.Run(func(g *sched.G) {
			for range 10 {
				g.Go(func(g *sched.G) { g.Syscall(func() { <-release }) })
			}
			for {
				g.Sleep(time.Millisecond)
			}
		})
		close(release)
		var many *sched.TooManyMsError
		if !errors.As(err, &many) || many.Max != 5 || many.InSyscall == 0 || !strings.Contains(err.Error(), "more than 5 Ms are needed, which is Config.MaxMs") {
			t.Errorf("%s: Run returned %v, want a TooManyMsError", arm.Name, err)
		}
		if ms := s.Stats().Ms; ms != 5 {
			t.Errorf("%s: there were %d Ms, want 5", arm.Name, ms)
		}
		s.Close()
	}
	m := open(t, "synthetic:1x4")
	for _, max := range []int{-1, 1, 4} {
		if _, err := sched.New(sched.Config{Machine: m, Arm: policy.Arms[1], MaxMs: max}); err == nil || !strings.Contains(err.Error(), "want at least 5") {
			t.Errorf("MaxMs %d: %v", max, err)
		}
	}
}
