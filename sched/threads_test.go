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

// onLockedThread runs f on a goroutine that is locked to its thread.
func onLockedThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		f()
	}()
	<-done
}

// simulated makes a scheduler on a simulated machine of two nodes.
func simulated(t *testing.T, arm string) *sched.Sched {
	t.Helper()
	a, err := policy.ByName(arm)
	if err != nil {
		t.Fatal(err)
	}
	return onSim(t, "", sched.Config{Arm: a})
}

func TestRunAndCloseWorkOnALockedThread(t *testing.T) {
	use := func(s *sched.Sched) {
		var err error
		work := func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			var gr sched.Group
			for range 10 {
				gr.Go(g, func(g *sched.G) { g.Yield() })
				g.Go(func(g *sched.G) { c.Recv(g) })
			}
			gr.Wait(g)
		}
		onLockedThread(func() { err = s.Run(work) })
		if err != nil {
			t.Fatal(err)
		}
		run(t, s, work)
		onLockedThread(func() { err = s.Close() })
		if err != nil {
			t.Fatal(err)
		}
	}
	everywhere(t, func(t *testing.T, s *sched.Sched) { use(s) })
	t.Run("simulated", func(t *testing.T) { use(simulated(t, "numa")) })
}

// A G that has locked its thread may do everything but park.
func TestAGThatIsLockedToItsThreadCannotBlock(t *testing.T) {
	for name, block := range map[string]func(*sched.G){
		"yield":   func(g *sched.G) { g.Yield() },
		"receive": func(g *sched.G) { sched.NewChan[int](g.Sched(), 0).Recv(g) },
		"send":    func(g *sched.G) { sched.NewChan[int](g.Sched(), 0).Send(g, 1) },
		"wait": func(g *sched.G) {
			var gr sched.Group
			gr.Go(g, func(g *sched.G) { g.Yield() })
			gr.Wait(g)
		},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, s *sched.Sched) {
				panics(t, s, "locked to its thread", func(g *sched.G) {
					runtime.LockOSThread()
					block(g)
				})
			})
		})
	}
}

// The channel that the G wanted to block on is whole afterwards.
func TestAGThatCannotBlockMayRecover(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			func() {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				defer func() {
					if recover() == nil {
						t.Error("a locked G has received")
					}
				}()
				c.Recv(g)
			}()
			var gr sched.Group
			gr.Go(g, func(g *sched.G) { c.Send(g, 7) })
			if v, ok := c.Recv(g); v != 7 || !ok {
				t.Errorf("received %d, %v; want 7, true", v, ok)
			}
			gr.Wait(g)
		})
	})
}

func TestAGThatUnlocksBeforeItParksIsFine(t *testing.T) {
	work := func(g *sched.G) {
		var gr sched.Group
		for range 200 {
			gr.Go(g, func(g *sched.G) {
				runtime.LockOSThread()
				runtime.LockOSThread()
				g.Go(func(*sched.G) {})
				runtime.UnlockOSThread()
				runtime.UnlockOSThread()
				g.Yield()
			})
		}
		gr.Wait(g)
	}
	everywhere(t, func(t *testing.T, s *sched.Sched) { run(t, s, work) })
	t.Run("simulated", func(t *testing.T) { run(t, simulated(t, "numa"), work) })
}

// A G that has locked its thread may lose its P in a system call. It waits for another one where
// it is, as it cannot leave its stack.
func TestAGThatIsLockedToItsThreadComesBackFromASystemCall(t *testing.T) {
	work := func(t *testing.T, s *sched.Sched, untilOthersRun func(ran *atomic.Bool)) {
		run(t, s, func(g *sched.G) {
			setProcs(t, s, g, fewestProcs(s))
			var others sched.Group
			var back, ran atomic.Bool
			for range s.Procs() + 1 {
				others.Go(g, func(g *sched.G) {
					for !back.Load() {
						ran.Store(true)
						g.Yield()
					}
				})
			}
			runtime.LockOSThread()
			for range 5 {
				ran.Store(false)
				g.SyscallFor(time.Millisecond, func() { untilOthersRun(&ran) })
			}
			runtime.UnlockOSThread()
			back.Store(true)
			others.Wait(g)
		})
		atRest(t, s)
	}
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		work(t, s, func(ran *atomic.Bool) {
			for !ran.Load() {
				runtime.Gosched()
			}
		})
	})
	t.Run("simulated", func(t *testing.T) { work(t, simulated(t, "numa"), func(*atomic.Bool) {}) })
}

func TestAGThatEndsLockedIsReportedAndNobodyElseSuffers(t *testing.T) {
	check := func(t *testing.T, s *sched.Sched) {
		err := s.Run(func(g *sched.G) {
			var gr sched.Group
			gr.Go(g, locksAndEnds)
			for range 20 {
				gr.Go(g, func(g *sched.G) { g.Yield() })
			}
			gr.Wait(g)
		})
		s.Quiesce()
		closed := s.Close()
		if err == nil {
			err = closed // it ended after all others
		}
		var pe *sched.PanicError
		if !errors.As(err, &pe) || !strings.Contains(err.Error(), "without runtime.UnlockOSThread") {
			t.Errorf("%v, want a PanicError that names UnlockOSThread", err)
		}
	}
	everywhere(t, check)
	t.Run("simulated", func(t *testing.T) { check(t, simulated(t, "numa")) })
}

func locksAndEnds(g *sched.G) { runtime.LockOSThread() }

// Goexit in a G, as testing.T.FailNow calls it, is an error of the G and does not end
// whoever called Run, wherever the scheduler runs.
func TestGoexitInAGDoesNotEndTheCaller(t *testing.T) {
	check := func(t *testing.T, s *sched.Sched) {
		returned := false
		done := make(chan struct{})
		var err error
		go func() {
			defer close(done)
			err = s.Run(func(g *sched.G) {
				var gr sched.Group
				gr.Go(g, func(g *sched.G) { g.Yield(); runtime.Goexit() })
				gr.Wait(g)
			})
			returned = true
		}()
		<-done
		if !returned || err == nil || !strings.Contains(err.Error(), "Goexit") {
			t.Errorf("Run returned: %v, with %v; want an error that names Goexit", returned, err)
		}
	}
	everywhere(t, check)
	t.Run("simulated", func(t *testing.T) { check(t, simulated(t, "numa")) })
}
