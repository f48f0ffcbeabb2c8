package sched_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"numasched/sched"
)

// A wait is one that a context can end.
type wait struct {
	until func(ctx context.Context, g *sched.G) error
	let   func(g *sched.G) // has an until that waits, or comes to wait, return without an error
	left  func(g *sched.G) // after untils that were ended: panics or never returns if something is left of one
}

// waits makes the object of each wait such that a G waits for it.
var waits = map[string]func(g *sched.G) wait{
	"Recv": func(g *sched.G) wait {
		c := sched.NewChan[int](g.Sched(), 0)
		return wait{
			until: func(ctx context.Context, g *sched.G) error {
				v, ok, err := c.RecvContext(ctx, g)
				if err == nil && (v != 7 || !ok) {
					err = errors.New("received something else")
				}
				return err
			},
			let: func(g *sched.G) { c.Send(g, 7) },
			left: func(g *sched.G) {
				if c.TrySend(g, 1) {
					panic("one that gave up receives")
				}
			},
		}
	},
	"Send": func(g *sched.G) wait {
		c := sched.NewChan[int](g.Sched(), 0)
		return wait{
			until: func(ctx context.Context, g *sched.G) error { return c.SendContext(ctx, g, 7) },
			let:   func(g *sched.G) { c.Recv(g) },
			left: func(g *sched.G) {
				if _, _, done := c.TryRecv(g); done {
					panic("one that gave up sends")
				}
			},
		}
	},
	"nil channel": func(*sched.G) wait {
		return wait{
			until: func(ctx context.Context, g *sched.G) error {
				_, _, err := (*sched.Chan[int])(nil).RecvContext(ctx, g)
				return err
			},
			left: func(*sched.G) {},
		}
	},
	"Sleep": func(*sched.G) wait {
		return wait{
			until: func(ctx context.Context, g *sched.G) error { return g.SleepContext(ctx, time.Hour) },
			left:  func(*sched.G) {},
		}
	},
	"Acquire": func(g *sched.G) wait {
		sem := sched.NewSemaphore(g.Sched(), 1)
		sem.Acquire(g, 1)
		return locks(
			func(ctx context.Context, g *sched.G) error { return sem.AcquireContext(ctx, g, 1) },
			func(g *sched.G) { sem.Release(g, 1) },
			func(g *sched.G) { sem.Release(g, 1) },
			func(g *sched.G) bool { return sem.TryAcquire(g, 1) })
	},
	"Mutex": func(g *sched.G) wait {
		var mu sched.Mutex
		mu.Lock(g)
		return locks(mu.LockContext, mu.Unlock, mu.Unlock, mu.TryLock)
	},
	"RWMutex that is written": func(g *sched.G) wait {
		var mu sched.RWMutex
		mu.Lock(g)
		return locks(mu.RLockContext, mu.RUnlock, mu.Unlock, mu.TryLock)
	},
	"RWMutex that is written, for writing": func(g *sched.G) wait {
		var mu sched.RWMutex
		mu.Lock(g)
		return locks(mu.LockContext, mu.Unlock, mu.Unlock, mu.TryLock)
	},
	"RWMutex that is read": func(g *sched.G) wait {
		var mu sched.RWMutex
		mu.RLock(g)
		return locks(mu.LockContext, mu.Unlock, mu.RUnlock, mu.TryLock)
	},
	"Cond": func(g *sched.G) wait {
		var mu sched.Mutex
		c := sched.NewCond(&mu)
		said := false
		return wait{
			until: func(ctx context.Context, g *sched.G) (err error) {
				mu.Lock(g)
				defer mu.Unlock(g)
				for !said && err == nil {
					err = c.WaitContext(ctx, g)
				}
				return err
			},
			let: func(g *sched.G) {
				mu.Lock(g)
				said = true
				mu.Unlock(g)
				c.Signal(g)
			},
			left: func(g *sched.G) { mu.Lock(g); mu.Unlock(g) },
		}
	},
	"Group": func(g *sched.G) wait {
		all := sched.NewChan[int](g.Sched(), 0)
		return wait{
			until: func(ctx context.Context, g *sched.G) error {
				own := sched.NewChan[int](g.Sched(), 0)
				var gr sched.Group
				for range 3 {
					gr.Go(g, func(g *sched.G) { g.Select(own.RecvCase(nil, nil), all.RecvCase(nil, nil)) })
				}
				err := gr.WaitContext(ctx, g)
				own.Close(g)
				gr.Wait(g)
				return err
			},
			let:  all.Close,
			left: func(*sched.G) {},
		}
	},
	"Join": func(g *sched.G) wait {
		all := sched.NewChan[int](g.Sched(), 0)
		return wait{
			until: func(ctx context.Context, g *sched.G) error {
				own := sched.NewChan[int](g.Sched(), 0)
				child := sched.Fork(g, func(g *sched.G, v int) int {
					return v + g.Select(all.RecvCase(nil, nil), own.RecvCase(nil, nil))
				}, 7)
				v, err := child.JoinContext(ctx, g)
				own.Close(g)
				if err != nil {
					v = child.Join(g) - 1
				}
				if v != 7 {
					return errors.New("joined something else")
				}
				return err
			},
			let:  all.Close,
			left: func(*sched.G) {},
		}
	},
}

// locks is the wait for a lock that is held. release undoes lock, and let what holds it now.
// try is for a G that wants it for itself alone.
func locks(lock func(context.Context, *sched.G) error, release, let func(*sched.G), try func(*sched.G) bool) wait {
	return wait{
		until: func(ctx context.Context, g *sched.G) error {
			err := lock(ctx, g)
			if err == nil {
				release(g)
			}
			return err
		},
		let: let,
		left: func(g *sched.G) {
			if try(g) {
				panic("one that gave up has taken the lock from the one that holds it")
			}
			let(g)
			if !try(g) {
				panic("one that gave up keeps others out")
			}
		},
	}
}

// cancellable makes a context that any G can end, also on a simulated machine. g waits for it to
// have ended afterwards.
func cancellable(g *sched.G) (ctx context.Context, cancel, ended func(*sched.G)) {
	eg, ctx := sched.NewErrGroup(context.Background())
	end := sched.NewChan[int](g.Sched(), 0)
	eg.Go(g, func(g *sched.G) error {
		end.Recv(g)
		return errEnough
	})
	return ctx, end.Close, func(g *sched.G) { eg.Wait(g) }
}

// The end of a context ends every wait, and what was waited for is as if nobody had waited.
func TestAContextEndsWhateverAGWaitsAt(t *testing.T) {
	for name, prepare := range waits {
		t.Run(name, func(t *testing.T) {
			everywhereAndSimulated(t, func(t *testing.T, s *sched.Sched) {
				run(t, s, func(g *sched.G) {
					w := prepare(g)
					for range 3 {
						var gr sched.Group
						for range 3 {
							gr.Go(g, func(g *sched.G) {
								ctx, cancel, ended := cancellable(g)
								g.Go(func(g *sched.G) {
									for range 3 { // perhaps it waits by then
										g.Yield()
									}
									cancel(g)
								})
								if err := w.until(ctx, g); err != context.Canceled {
									t.Errorf("a wait that was cancelled returned %v", err)
								}
								ended(g)
								if err := w.until(ctx, g); err != context.Canceled {
									t.Errorf("a wait under a context that is done returned %v", err)
								}
							})
						}
						gr.Wait(g)
					}
					w.left(g)
				})
			})
		})
	}
}

// A context that is not done, or never will be, changes nothing.
func TestAWaitUnderAContextEndsAsAnyOther(t *testing.T) {
	for name, prepare := range waits {
		t.Run(name, func(t *testing.T) {
			everywhereAndSimulated(t, func(t *testing.T, s *sched.Sched) {
				run(t, s, func(g *sched.G) {
					live, cancel, ended := cancellable(g)
					for i, ctx := range []context.Context{live, context.Background()} {
						w := prepare(g)
						if w.let == nil {
							continue
						}
						for range 2 {
							var gr sched.Group
							gr.Go(g, func(g *sched.G) {
								if err := w.until(ctx, g); err != nil {
									t.Errorf("under context %d it returned %v", i, err)
								}
							})
							g.Yield()
							w.let(g)
							gr.Wait(g)
							w = prepare(g)
						}
					}
					cancel(g)
					ended(g)
				})
			})
		})
	}
}

func TestSleepContextSleeps(t *testing.T) {
	everywhereAndSimulated(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			ctx, cancel, ended := cancellable(g)
			for _, d := range []time.Duration{0, time.Millisecond} {
				before := g.Nanotime()
				if err := g.SleepContext(ctx, d); err != nil {
					t.Errorf("it returned %v", err)
				}
				if slept := g.Nanotime() - before; slept < int64(d) {
					t.Errorf("it has slept for %d ns, want %v", slept, d)
				}
			}
			cancel(g)
			ended(g)
		})
	})
}

// A writer that has given up keeps no reader out.
func TestTryRLockAfterAWriterGaveUp(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			var rw sched.RWMutex
			rw.RLock(g)
			ctx, cancel := context.WithCancel(t.Context())
			gaveUp := sched.NewChan[error](s, 1)
			g.Go(func(g *sched.G) { gaveUp.Send(g, rw.LockContext(ctx, g)) })
			g.Yield()
			cancel()
			if err, _ := gaveUp.Recv(g); err == nil {
				t.Error("a writer locked what is read")
			}
			for range 2 {
				if !rw.TryRLock(g) {
					t.Error("TryRLock fails, and nobody writes or waits to")
					return
				}
			}
			for range 3 {
				rw.RUnlock(g)
			}
			if !rw.TryLock(g) {
				t.Error("it is still locked")
			}
		})
	})
}
