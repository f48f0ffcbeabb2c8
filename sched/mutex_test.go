package sched_test

import (
	"errors"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"numasched/sched"
)

// hammer has n Gs do fn rounds times each.
func hammer(g *sched.G, n, rounds int, fn func(g *sched.G, i int)) {
	var gr sched.Group
	for i := range n {
		gr.Go(g, func(g *sched.G) {
			for range rounds {
				fn(g, i)
			}
		})
	}
	gr.Wait(g)
}

// A G may do anything while it holds a Mutex: others that want it give their P away.
func TestAMutexExcludes(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			var mu sched.Mutex
			n := 0 // the race detector looks at it, too
			hammer(g, 10, 50, func(g *sched.G, i int) {
				if i%3 != 0 || !mu.TryLock(g) {
					mu.Lock(g)
				}
				was := n
				if i%2 == 0 {
					g.Yield()
				}
				n = was + 1
				mu.Unlock(g)
			})
			if n != 500 {
				t.Errorf("%d increments of 500 counted", n)
			}
		})
	})
}

func TestAnRWMutexExcludesWriters(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			var mu sched.RWMutex
			a, b := 0, 0
			hammer(g, 10, 40, func(g *sched.G, i int) {
				if i%3 == 0 {
					if i != 0 || !mu.TryLock(g) {
						mu.Lock(g)
					}
					a++
					g.Yield()
					b++
					mu.Unlock(g)
					return
				}
				if i%3 == 1 || !mu.TryRLock(g) {
					mu.RLock(g)
				}
				if i == 1 {
					g.Yield()
				}
				if a != b {
					t.Error("a reader saw a writer at work")
				}
				mu.RUnlock(g)
			})
			if a != 160 {
				t.Errorf("%d writes of 160 counted", a)
			}
		})
	})
}

// Readers read at the same time, and a writer that waits keeps later readers out.
func TestAWaitingWriterKeepsReadersOut(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			var mu sched.RWMutex
			mu.RLock(g)
			mu.RLock(g) // nobody writes, so this is allowed here
			var gr sched.Group
			order := sched.NewChan[string](s, 2)
			gr.Go(g, func(g *sched.G) {
				mu.Lock(g)
				order.Send(g, "writer")
				mu.Unlock(g)
			})
			for mu.TryRLock(g) {
				mu.RUnlock(g)
				g.Yield()
			}
			gr.Go(g, func(g *sched.G) {
				mu.RLock(g)
				order.Send(g, "reader")
				mu.RUnlock(g)
			})
			for range 100 {
				g.Yield()
			}
			if _, _, done := order.TryRecv(g); done {
				t.Error("somebody came in while two read")
			}
			mu.RUnlock(g)
			mu.RUnlock(g)
			gr.Wait(g)
			if first, _ := order.Recv(g); first != "writer" {
				t.Errorf("the %s came first", first)
			}
		})
	})
}

func TestACondWakesThoseThatWait(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			var mu sched.Mutex
			c := sched.NewCond(&mu)
			c.Signal(g) // for nobody
			const n = 20
			ready, woken := 0, 0
			var gr sched.Group
			for range n {
				gr.Go(g, func(g *sched.G) {
					mu.Lock(g)
					ready++
					c.Wait(g)
					woken++
					mu.Unlock(g)
				})
			}
			await := func(want *int, n int) {
				for {
					mu.Lock(g)
					now := *want
					mu.Unlock(g)
					if now >= n {
						return
					}
					g.Yield()
				}
			}
			await(&ready, n)
			c.Signal(g)
			c.Signal(g)
			await(&woken, 2)
			for range 50 {
				g.Yield()
			}
			mu.Lock(g)
			if woken != 2 {
				t.Errorf("two Signals woke %d", woken)
			}
			c.Broadcast(g)
			mu.Unlock(g)
			gr.Wait(g)
		})
	})
}

func TestAOnceCallsOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			var once sched.Once
			var calls atomic.Int32
			done := false
			hammer(g, 10, 2, func(g *sched.G, _ int) {
				once.Do(g, func() {
					calls.Add(1)
					g.Yield()
					done = true
				})
				if !done {
					t.Error("Do returned before the function had")
				}
			})
			if n := calls.Load(); n != 1 {
				t.Errorf("%d calls", n)
			}
		})
	})
}

func TestASemaphoreBounds(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			sem := sched.NewSemaphore(s, 4)
			var inside atomic.Int64
			hammer(g, 8, 20, func(g *sched.G, i int) {
				n := int64(i%4 + 1)
				if i%2 == 0 || !sem.TryAcquire(g, n) {
					sem.Acquire(g, n)
				}
				if now := inside.Add(n); now > 4 {
					t.Errorf("%d of 4 units are in use", now)
				}
				g.Yield()
				inside.Add(-n)
				sem.Release(g, n)
			})
			if !sem.TryAcquire(g, 4) {
				t.Error("not all units came back")
			}
		})
	})
}

// One that wants much is not overtaken by those that want little.
func TestASemaphoreIsFirstComeFirstServed(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			sem := sched.NewSemaphore(s, 3)
			sem.Acquire(g, 1)
			var gr sched.Group
			gr.Go(g, func(g *sched.G) {
				sem.Acquire(g, 3)
				sem.Release(g, 3)
			})
			for sem.TryAcquire(g, 1) { // until it waits
				sem.Release(g, 1)
				g.Yield()
			}
			if sem.TryAcquire(g, 0) {
				t.Error("TryAcquire has overtaken one that waits")
			}
			sem.Release(g, 1)
			gr.Wait(g)
		})
	})
}

// A deadlock names what the Gs wait for.
func TestADeadlockNamesLocks(t *testing.T) {
	for want, block := range map[string]func(*sched.G){
		"Mutex.Lock": func(g *sched.G) {
			var mu sched.Mutex
			mu.Lock(g)
			mu.Lock(g)
		},
		"RWMutex.RLock": func(g *sched.G) {
			var mu sched.RWMutex
			mu.Lock(g)
			mu.RLock(g)
		},
		"RWMutex.Lock": func(g *sched.G) {
			var mu sched.RWMutex
			mu.RLock(g)
			mu.Lock(g)
		},
		"Cond.Wait": func(g *sched.G) {
			var mu sched.Mutex
			mu.Lock(g)
			sched.NewCond(&mu).Wait(g)
		},
		"Once.Do": func(g *sched.G) {
			var once sched.Once
			once.Do(g, func() { once.Do(g, func() {}) })
		},
		"Semaphore.Acquire": func(g *sched.G) { sched.NewSemaphore(g.Sched(), 1).Acquire(g, 2) },
	} {
		t.Run(want, func(t *testing.T) {
			everywhere(t, func(t *testing.T, s *sched.Sched) {
				err := s.Run(block)
				de, ok := errors.AsType[*sched.DeadlockError](err)
				if !ok || len(de.Gs) != 1 || de.Gs[0].Why.String() != want {
					t.Errorf("Run returned %v, want a deadlock of one G [%s]", err, want)
				}
			})
		})
	}
}

// Close cancels what waits for a lock. Deferred functions may unlock what they hold.
func TestCloseCancelsWhatWaitsForLocks(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		var unwound atomic.Int64
		run(t, s, func(g *sched.G) {
			var mu sched.Mutex
			var rw sched.RWMutex
			sem := sched.NewSemaphore(s, 1)
			cond := sched.NewCond(&mu)
			never := sched.NewChan[int](s, 0)
			wait := func(fn func(*sched.G)) {
				g.Go(func(g *sched.G) {
					defer unwound.Add(1)
					fn(g)
				})
			}
			for range 3 {
				wait(func(g *sched.G) {
					mu.Lock(g)
					defer mu.Unlock(g)
					defer cond.Broadcast(g)
					defer cond.Signal(g)
					cond.Wait(g)
				})
				wait(func(g *sched.G) {
					mu.Lock(g)
					defer mu.Unlock(g)
					never.Recv(g)
				})
				wait(func(g *sched.G) {
					rw.RLock(g)
					defer rw.RUnlock(g)
					never.Recv(g)
				})
				wait(func(g *sched.G) {
					rw.Lock(g)
					defer rw.Unlock(g)
				})
				wait(func(g *sched.G) {
					sem.Acquire(g, 1)
					defer sem.Release(g, 1)
					never.Recv(g)
				})
			}
		})
		s.Quiesce()
		closes(t, s)
		if n := unwound.Load(); n != 15 {
			t.Errorf("%d of 15 Gs were unwound", n)
		}
	})
}

func TestMisuseOfLocksIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		want   string
		misuse func(*sched.G)
	}{
		"Unlock":         {"Unlock of an unlocked Mutex", func(g *sched.G) { new(sched.Mutex).Unlock(g) }},
		"RUnlock":        {"not locked for reading", func(g *sched.G) { new(sched.RWMutex).RUnlock(g) }},
		"RWUnlock":       {"not locked for writing", func(g *sched.G) { new(sched.RWMutex).Unlock(g) }},
		"RUnlock, other": {"not locked for reading", func(g *sched.G) { var mu sched.RWMutex; mu.Lock(g); mu.RUnlock(g) }},
		"Unlock, other":  {"not locked for writing", func(g *sched.G) { var mu sched.RWMutex; mu.RLock(g); mu.Unlock(g) }},
		"Release":        {"Release of more than was acquired", func(g *sched.G) { sched.NewSemaphore(g.Sched(), 2).Release(g, 1) }},
		"Acquire":        {"negative number of units", func(g *sched.G) { sched.NewSemaphore(g.Sched(), 2).Acquire(g, -1) }},
		"NewSemaphore":   {"negative size", func(g *sched.G) { sched.NewSemaphore(g.Sched(), -1) }},
		"copied Cond": {"Cond was copied", func(g *sched.G) {
			c := sched.NewCond(new(sched.Mutex))
			c.Signal(g)
			d := reflect.New(reflect.TypeFor[sched.Cond]()) // go vet would see it otherwise
			d.Elem().Set(reflect.ValueOf(c).Elem())
			d.Interface().(*sched.Cond).Signal(g)
		}},
	} {
		t.Run(name, func(t *testing.T) { panics(t, start(t, "numa", "synthetic:2x2"), c.want, c.misuse) })
	}
}

func TestALockOfAnotherSchedulerIsRefused(t *testing.T) {
	other := start(t, "flat", "synthetic:1x1")
	var mu sched.Mutex
	var rw sched.RWMutex
	var once sched.Once
	cond := sched.NewCond(&mu)
	sem := sched.NewSemaphore(other, 1)
	run(t, other, func(g *sched.G) {
		mu.Lock(g)
		rw.RLock(g)
		once.Do(g, func() {})
		cond.Signal(g)
	})
	for name, use := range map[string]func(*sched.G){
		"Lock":    mu.Lock,
		"Unlock":  mu.Unlock,
		"RLock":   rw.RLock,
		"Do":      func(g *sched.G) { once.Do(g, func() {}) },
		"Signal":  cond.Signal,
		"Acquire": func(g *sched.G) { sem.Acquire(g, 1) },
	} {
		t.Run(name, func(t *testing.T) { panics(t, start(t, "numa", "synthetic:2x2"), "another scheduler", use) })
	}
}

// On a simulated machine, in virtual time: one G takes the lock again as soon as it has
// left it. Another gets it all the same, within little more than mutexStarvation.
func TestAMutexIsHandedToOneThatStarves(t *testing.T) {
	for _, arm := range []string{"gm", "flat", "numa"} {
		s := simulated(t, arm)
		held := int64(0) // the longest time that somebody had to wait
		run(t, s, func(g *sched.G) {
			var mu sched.Mutex
			over := false // under mu
			var gr sched.Group
			gr.Go(g, func(g *sched.G) {
				for stop, n := false, 0; !stop && n < 10_000; n++ {
					mu.Lock(g)
					g.Work(sched.Work{Ops: 50_000}, nil)
					stop = over
					mu.Unlock(g)
				}
			})
			gr.Go(g, func(g *sched.G) {
				for range 20 {
					g.Work(sched.Work{Ops: 100_000}, nil)
					since := g.Nanotime()
					mu.Lock(g)
					held = max(held, g.Nanotime()-since)
					mu.Unlock(g)
				}
				mu.Lock(g)
				over = true
				mu.Unlock(g)
			})
			gr.Wait(g)
		})
		if held > 2_000_000 {
			t.Errorf("%s: a G has waited for %d us for a Mutex", arm, held/1000)
		}
	}
}

func TestAGLockedToItsThreadIsToldThatItCannotWaitForALock(t *testing.T) {
	for name, block := range map[string]func(*sched.G, *sched.Mutex, *sched.RWMutex){
		"Lock":  func(g *sched.G, mu *sched.Mutex, _ *sched.RWMutex) { mu.Lock(g) },
		"RLock": func(g *sched.G, _ *sched.Mutex, rw *sched.RWMutex) { rw.RLock(g) },
		"RWLock": func(g *sched.G, _ *sched.Mutex, rw *sched.RWMutex) {
			rw.Unlock(g)
			rw.RLock(g)
			rw.Lock(g)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, "flat", "synthetic:1x2")
			run(t, s, func(g *sched.G) {
				var mu sched.Mutex
				var rw sched.RWMutex
				mu.Lock(g)
				rw.Lock(g)
				onThread(func() {
					defer func() {
						if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), "locked to its thread") {
							t.Errorf("recovered %v", err)
						}
					}()
					block(g, &mu, &rw)
				})
				if name == "RWLock" {
					rw.RUnlock(g)
				} else {
					rw.Unlock(g)
				}
				mu.Unlock(g)
				mu.Lock(g) // and nothing is left behind
				rw.Lock(g)
			})
		})
	}
}

// onThread calls f while the G that calls is locked to its thread.
func onThread(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	f()
}

// A G that does nothing but lock and unlock gives way when its time slice is over.
func TestALoopOfLocksGivesWay(t *testing.T) {
	for name, turn := range map[string]func(*sched.G, *sched.RWMutex, *sched.Mutex){
		"Lock":  func(g *sched.G, _ *sched.RWMutex, mu *sched.Mutex) { mu.Lock(g); mu.Unlock(g) },
		"RLock": func(g *sched.G, rw *sched.RWMutex, _ *sched.Mutex) { rw.RLock(g); rw.RUnlock(g) },
	} {
		s := start(t, "flat", "synthetic:1x1")
		run(t, s, func(g *sched.G) {
			var mu sched.Mutex
			var rw sched.RWMutex
			var heard atomic.Bool
			g.Go(func(*sched.G) { heard.Store(true) })
			for n := 0; !heard.Load(); n++ {
				if turn(g, &rw, &mu); n == 1e9 {
					t.Fatalf("%s: another G has starved", name)
				}
			}
		})
	}
}
