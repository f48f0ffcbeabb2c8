package sched_test

// What users of other schedulers have reported, as programs for this one, each with the
// outcome that they had a right to.

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/internal/machine"
)

// rayon#592: a thread that joined while it held a lock took up another job, which wanted
// the same lock. Here a join runs its own child only, and whoever wants the lock gives its
// P away.
func TestJoinsUnderALock(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			var mu sched.Mutex
			var gr sched.Group
			total := 0
			for range 30 {
				gr.Go(g, func(g *sched.G) {
					mu.Lock(g)
					total += fibOf(g, 8)
					var inner sched.Group
					inner.Go(g, func(g *sched.G) { g.Yield(); total++ })
					inner.Wait(g)
					total += g.Join(g.Fork(fib, sched.Arg{A: 5}))
					mu.Unlock(g)
				})
			}
			gr.Wait(g)
			if total != 30*(21+1+5) {
				t.Errorf("the total is %d", total)
			}
		})
	})
}

// ants#202: to release a pool with callers that wait to submit blocked for ever.
func TestCloseWithBlockedSenders(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		var cancelled atomic.Int32
		run(t, s, func(g *sched.G) {
			full := sched.NewChan[int](s, 2)
			limited := new(sched.ErrGroup)
			limited.SetLimit(1)
			for i := range 10 {
				g.Go(func(g *sched.G) {
					defer cancelled.Add(1)
					full.Send(g, i)
					full.Send(g, i)
				})
			}
			g.Go(func(g *sched.G) {
				defer cancelled.Add(1)
				limited.Go(g, func(g *sched.G) error { sched.NewChan[int](s, 0).Recv(g); return nil })
				limited.Go(g, func(*sched.G) error { return nil })
			})
		})
		s.Quiesce()
		closes(t, s)
		if n := cancelled.Load(); n != 11 {
			t.Errorf("%d of 11 Gs have ended", n)
		}
	})
}

// taskflow#756: tasks that wait for tasks that wait deadlocked when all workers waited.
func TestNestedWaits(t *testing.T) {
	var nest func(g *sched.G, depth int) int
	nest = func(g *sched.G, depth int) int {
		if depth == 0 {
			return 1
		}
		var n atomic.Int64
		var gr sched.Group
		for i := range 3 {
			gr.Go(g, func(g *sched.G) {
				if i == 1 {
					g.Yield()
				}
				n.Add(int64(nest(g, depth-1)))
			})
		}
		gr.Wait(g)
		return int(n.Load())
	}
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			if n := nest(g, 6); n != 729 {
				t.Errorf("%d leaves of 729", n)
			}
		})
	})
}

// ants#197: a task that submitted to its own pool of one worker, and waited, hung. Here a
// G that waits needs no P. What can never end is a deadlock, and is said.
func TestSubmitInsideSubmitWithOneWorker(t *testing.T) {
	for _, arm := range everyArm() {
		s := start(t, arm.Name, "synthetic:1x1")
		run(t, s, func(g *sched.G) {
			var outer sched.ErrGroup
			outer.SetLimit(1)
			for range 3 {
				outer.Go(g, func(g *sched.G) error {
					var inner sched.ErrGroup
					inner.SetLimit(1)
					inner.Go(g, func(g *sched.G) error { g.Yield(); return nil })
					inner.Go(g, func(*sched.G) error { return nil })
					return inner.Wait(g)
				})
			}
			if err := outer.Wait(g); err != nil {
				t.Error(err)
			}
		})
		err := s.Run(func(g *sched.G) {
			one := sched.NewSemaphore(s, 1)
			one.Acquire(g, 1)
			g.Join(g.Fork(func(g *sched.G, _ sched.Arg) int { one.Acquire(g, 1); return 0 }, sched.Arg{}))
		})
		if _, ok := errors.AsType[*sched.DeadlockError](err); !ok {
			t.Errorf("%s: Run returned %v, want a deadlock", arm.Name, err)
		}
	}
}

// ants#146: of five tasks that panicked, not all were told. Here the first stops the
// scheduler, as a panic ends a Go program, and Close tells of all that came to panic.
func TestFivePanickingTasks(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		err := s.Run(func(g *sched.G) {
			var gr sched.Group
			for i := range 5 {
				gr.Go(g, func(g *sched.G) { panic(fmt.Sprint("task ", i)) })
			}
			gr.Wait(g)
			t.Error("goes on after a panic")
		})
		if _, ok := errors.AsType[*sched.PanicError](err); !ok {
			t.Errorf("Run returned %v", err)
		}
		if err := s.Close(); err == nil {
			t.Error("Close tells of no panic")
		}
	})
	everywhere(t, func(t *testing.T, s *sched.Sched) { // recovered ones hurt nobody
		run(t, s, func(g *sched.G) {
			var eg sched.ErrGroup
			var recovered atomic.Int32
			for i := range 5 {
				eg.Go(g, func(g *sched.G) (err error) {
					defer func() {
						if r := recover(); r != nil {
							recovered.Add(1)
							err = fmt.Errorf("recovered %v", r)
						}
					}()
					panic(i)
				})
			}
			if err := eg.Wait(g); err == nil || recovered.Load() != 5 {
				t.Errorf("%v, %d panics recovered", err, recovered.Load())
			}
		})
	})
}

// A countingMachine counts what Ms ask of the kernel, and when they come back.
type countingMachine struct {
	sched.Machine
	asked atomic.Int64
}

func (c *countingMachine) Futexsleep(m *machine.M, w machine.Word, val uint32, ns int64) {
	c.asked.Add(1)
	c.Machine.Futexsleep(m, w, val, ns)
	c.asked.Add(1)
}

func (c *countingMachine) Futexwakeup(m *machine.M, w machine.Word, n int) {
	c.asked.Add(1)
	c.Machine.Futexwakeup(m, w, n)
}

func (c *countingMachine) Nanotime(m *machine.M) int64 {
	c.asked.Add(1)
	return c.Machine.Nanotime(m)
}

func (c *countingMachine) Procyield(m *machine.M) {
	c.asked.Add(1)
	c.Machine.Procyield(m)
}

func (c *countingMachine) Osyield(m *machine.M) {
	c.asked.Add(1)
	c.Machine.Osyield(m)
}

// oneTBB#773: an idle pool took CPU time. Here every M of an idle scheduler sleeps, sysmon
// as well, and nothing wakes one, also while Gs are parked.
func TestAnIdleSchedulerDoesNothing(t *testing.T) {
	kernel := &countingMachine{Machine: open(t, "synthetic:2x2")}
	var all []*sched.Sched // idle at the same time, since this waits
	for _, arm := range everyArm() {
		s := startOn(t, kernel, arm.Name)
		all = append(all, s)
		run(t, s, func(g *sched.G) {
			never := sched.NewChan[int](s, 0)
			hammer(g, 8, 20, func(g *sched.G, _ int) { g.Yield() })
			for range 5 {
				g.Go(func(g *sched.G) { never.Recv(g) })
			}
		})
		s.Quiesce()
	}
	stats := func() (out []sched.Stats) {
		for _, s := range all {
			out = append(out, s.Stats())
		}
		return out
	}
	// The last Ms may be about to sleep, and sysmon has yet to see that all are idle. Where
	// others use the CPUs, that takes as long as it takes. Who polls never does nothing for
	// so long.
	for end := time.Now().Add(time.Minute); ; {
		counts, asked := stats(), kernel.asked.Load()
		time.Sleep(200 * time.Millisecond)
		more := kernel.asked.Load() - asked
		if more == 0 && slices.Equal(stats(), counts) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("in 200 ms the Ms of idle schedulers turned to the kernel %d times; they had counted %+v, and then %+v", more, counts, stats())
		}
	}
}

// tokio#6596: a worker whose task blocked kept the task that was to run next there, where
// nobody could steal it. Here whoever takes the P of one in a system call finds it.
func TestBlockingWithAFilledRunnext(t *testing.T) {
	for _, arm := range everyArm() {
		for _, topo := range []string{"synthetic:1x1", "synthetic:1x2", "synthetic:2x2"} {
			s := start(t, arm.Name, topo)
			run(t, s, func(g *sched.G) {
				ran := make(chan bool)
				var gr sched.Group
				gr.Go(g, func(g *sched.G) {
					c := sched.NewChan[int](s, 0)
					g.Go(func(g *sched.G) { c.Recv(g); close(ran) })
					g.Yield()
					c.Send(g, 1)                // it is to run next, on this P
					g.Syscall(func() { <-ran }) // which blocks until it has
				})
				gr.Wait(g)
			})
		}
	}
}
