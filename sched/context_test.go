package sched_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"numasched/sched"
)

var errEnough = errors.New("enough")

// A G hears of the end of a context wherever it selects its channel, and meanwhile there is
// no deadlock, though all Gs wait.
func TestAContextWakesThoseThatSelectIt(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		ctx, cancel := context.WithCancelCause(context.Background())
		err := s.RunContext(ctx, func(ctx context.Context, g *sched.G) error {
			never := sched.NewChan[int](s, 0)
			sem := sched.NewSemaphore(s, 1)
			sem.Acquire(g, 1)
			var waiting atomic.Int32
			var gr sched.Group
			for i := range 6 {
				gr.Go(g, func(g *sched.G) {
					done := g.Done(ctx)
					waiting.Add(1)
					switch i % 3 {
					case 0:
						if g.Select(never.RecvCase(nil, nil), done.RecvCase(nil, nil)) != 1 {
							t.Error("received from nobody")
						}
					case 1:
						if _, ok := done.Recv(g); ok {
							t.Error("received a value from Done")
						}
					case 2:
						if err := sem.AcquireContext(ctx, g, 1); err != context.Canceled {
							t.Errorf("AcquireContext returned %v", err)
						}
					}
					if g.Done(ctx) == nil || g.Done(ctx).Cap() != 0 {
						t.Error("no channel for a context that is done")
					}
				})
			}
			go func() {
				for waiting.Load() < 6 {
					time.Sleep(time.Millisecond)
				}
				cancel(errEnough)
			}()
			gr.Wait(g)
			sem.Release(g, 1)
			if err := sem.AcquireContext(ctx, g, 1); err != context.Canceled {
				t.Errorf("AcquireContext with a context that is done returned %v", err)
			}
			if !sem.TryAcquire(g, 1) {
				t.Error("one that gave up keeps what it wanted")
			}
			return context.Cause(ctx)
		})
		if err != errEnough {
			t.Errorf("RunContext returned %v", err)
		}
		if err := s.RunContext(ctx, func(context.Context, *sched.G) error { return nil }); err != context.Canceled {
			t.Errorf("RunContext with a context that is done returned %v", err)
		}
	})
}

// A context that nobody waits for is no reason to wait.
func TestADeadlockUnderAContextIsReported(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var inner context.Context
		err := s.RunContext(ctx, func(ctx context.Context, g *sched.G) error {
			inner = ctx
			g.TrySelect(g.Done(ctx).RecvCase(nil, nil))
			sched.NewChan[int](s, 0).Recv(g)
			return nil
		})
		if _, ok := errors.AsType[*sched.DeadlockError](err); !ok {
			t.Errorf("RunContext returned %v, want a deadlock", err)
		}
		if inner.Err() == nil {
			t.Error("fn's context lives on")
		}
	})
}

// What leaves a Semaphore's queue lets those behind it go on.
func TestOneThatGivesUpIsInNobodysWay(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		ctx, cancel := context.WithCancel(context.Background())
		run(t, s, func(g *sched.G) {
			sem := sched.NewSemaphore(s, 2)
			sem.Acquire(g, 1)
			var gr sched.Group
			gr.Go(g, func(g *sched.G) {
				if sem.AcquireContext(ctx, g, 2) == nil {
					t.Error("two units of one were acquired")
				}
			})
			for sem.TryAcquire(g, 1) {
				sem.Release(g, 1)
				g.Yield()
			}
			gr.Go(g, func(g *sched.G) { sem.Acquire(g, 1); sem.Release(g, 1) })
			gr.Go(g, func(*sched.G) { cancel() })
			gr.Wait(g)
		})
	})
}

// Whatever else a G waits at: each call is blocked when the context ends, and what it wanted
// can still be had afterwards.
func TestAContextEndsOtherWaits(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			for name, wait := range map[string]func(ctx context.Context, g *sched.G, release *sched.Chan[int]) (again func(), err error){
				"Once.DoContext": func(ctx context.Context, g *sched.G, release *sched.Chan[int]) (func(), error) {
					var once sched.Once
					var by sched.Group
					begun := sched.NewChan[int](s, 0)
					by.Go(g, func(g *sched.G) {
						once.Do(g, func() { begun.Send(g, 1); release.Recv(g) })
					})
					begun.Recv(g)
					err := once.DoContext(ctx, g, func() { t.Error("done twice") })
					return func() {
						by.Wait(g)
						if err := once.DoContext(context.Background(), g, func() { t.Error("done twice") }); err != nil {
							t.Error(err)
						}
					}, err
				},
				"ErrGroup.WaitContext": func(ctx context.Context, g *sched.G, release *sched.Chan[int]) (func(), error) {
					var eg sched.ErrGroup
					eg.Go(g, func(g *sched.G) error { release.Recv(g); return errEnough })
					err := eg.WaitContext(ctx, g)
					return func() {
						if err := eg.WaitContext(context.Background(), g); err != errEnough {
							t.Errorf("WaitContext returned %v, want the member's error", err)
						}
					}, err
				},
				"ErrGroup.GoContext": func(ctx context.Context, g *sched.G, release *sched.Chan[int]) (func(), error) {
					var eg sched.ErrGroup
					eg.SetLimit(1)
					member := func(g *sched.G) error { release.Recv(g); return nil }
					if err := eg.GoContext(context.Background(), g, member); err != nil {
						t.Error(err)
					}
					err := eg.GoContext(ctx, g, func(*sched.G) error { t.Error("it was started"); return nil })
					return func() { eg.Wait(g) }, err
				},
			} {
				ctx, cancel := context.WithCancel(context.Background())
				release := sched.NewChan[int](s, 0)
				g.Go(func(g *sched.G) {
					g.Yield()
					cancel()
				})
				again, err := wait(ctx, g, release)
				if err != context.Canceled {
					t.Errorf("%s returned %v", name, err)
				}
				release.Close(g)
				again()
			}
		})
	})
}

func TestAnErrGroupReturnsTheFirstErrorAndCancels(t *testing.T) {
	machines := func(t *testing.T, f func(t *testing.T, s *sched.Sched)) {
		everywhere(t, f)
		t.Run("simulated", func(t *testing.T) { f(t, simulated(t, "numa")) })
	}
	machines(t, func(t *testing.T, s *sched.Sched) {
		err := s.RunContext(context.Background(), func(ctx context.Context, g *sched.G) error {
			var plain sched.ErrGroup
			for range 3 {
				plain.Go(g, func(*sched.G) error { return nil })
			}
			if err := plain.Wait(g); err != nil {
				t.Errorf("Wait returned %v", err)
			}
			eg, ctx := sched.NewErrGroup(context.Background())
			for i := range 10 {
				eg.Go(g, func(g *sched.G) error {
					if i == 7 {
						g.Yield()
						return errEnough
					}
					g.Done(ctx).Recv(g)
					return ctx.Err()
				})
			}
			err := eg.Wait(g)
			if context.Cause(ctx) != errEnough {
				t.Errorf("the cause is %v", context.Cause(ctx))
			}
			return err
		})
		if err != errEnough {
			t.Errorf("RunContext returned %v", err)
		}
	})
}

func TestAnErrGroupKeepsItsLimit(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			var eg sched.ErrGroup
			eg.SetLimit(3)
			var now atomic.Int32
			member := func(g *sched.G) error {
				if n := now.Add(1); n > 3 {
					t.Errorf("%d members run", n)
				}
				g.Yield()
				now.Add(-1)
				return nil
			}
			for i := range 30 {
				if i%2 == 0 {
					eg.Go(g, member)
				} else {
					eg.GoAt(g, sched.OnNode(0), member)
				}
			}
			eg.Wait(g)
			eg.SetLimit(1)
			c := sched.NewChan[int](s, 0)
			eg.Go(g, func(g *sched.G) error { c.Recv(g); return nil })
			if eg.TryGo(g, member) {
				t.Error("TryGo has started one too many")
			}
			c.Send(g, 1)
			eg.Wait(g)
			if !eg.TryGo(g, member) {
				t.Error("TryGo has started none")
			}
			eg.Wait(g)
		})
	})
}

func TestMisuseOfContextsAndErrGroupsIsRefused(t *testing.T) {
	s := start(t, "numa", "synthetic:2x2")
	panics(t, s, "SetLimit of an ErrGroup that has members", func(g *sched.G) {
		var eg sched.ErrGroup
		eg.Go(g, func(*sched.G) error { return nil })
		eg.SetLimit(1)
	})
	panics(t, start(t, "numa", ""), "a Group of another G", func(g *sched.G) {
		var eg sched.ErrGroup
		eg.Go(g, func(g *sched.G) error {
			eg.Go(g, func(*sched.G) error { return nil })
			return nil
		})
		eg.Wait(g)
	})
	panics(t, simulated(t, "numa"), "on a simulated machine", func(g *sched.G) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		g.Done(ctx)
	})
}
