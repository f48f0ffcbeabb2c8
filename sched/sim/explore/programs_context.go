package explore

import (
	"context"

	"numasched/sched"
)

// contextPrograms are about Gs that wait until a context is done. G 1 ends it, at any time.
var contextPrograms = []Program{
	{Name: "cancel-recv", MinGs: 3, Doc: "a context ends while G 0 tries to send to each that receives under it", Main: func(t *T, g *sched.G) {
		c := channel(g, 0)
		ctx, wait := t.cancels(g, func(g *sched.G, ctx context.Context, i int) {
			if _, _, err := c.RecvContext(ctx, g); err == nil {
				t.add(value, 1)
			}
		})
		sent := 0
		for i := 2; i < t.Gs(); i++ {
			if c.TrySend(g, i) {
				sent++
			}
		}
		wait(g)
		t.Check(t.Load(value) == sent, "%d values were sent, and %d received", sent, t.Load(value))
		t.Check(c.SendContext(ctx, g, 1) == context.Canceled, "a send under a context that is done")
	}},
	{Name: "cancel-lock", MinGs: 4, Doc: "a context ends while G 0 unlocks what G 2 waits for under it; the others wait without one", Main: func(t *T, g *sched.G) {
		var mu sched.Mutex
		mu.Lock(g)
		t.Enter(critical)
		_, wait := t.cancels(g, func(g *sched.G, ctx context.Context, i int) {
			for range 2 {
				if i > 2 {
					mu.Lock(g)
				} else if mu.LockContext(ctx, g) != nil {
					return
				}
				t.Enter(critical)
				t.Leave(critical)
				mu.Unlock(g)
			}
		})
		g.Yield()
		t.Leave(critical)
		mu.Unlock(g)
		wait(g)
		t.Check(mu.TryLock(g), "somebody keeps the mutex")
	}},
	{Name: "cancel-once", MinGs: 3, Doc: "a context ends while G 0 does what is done once, and the others wait for that under it", Main: func(t *T, g *sched.G) {
		var once sched.Once
		var ctx context.Context
		var wait func(*sched.G)
		once.Do(g, func() {
			ctx, wait = t.cancels(g, func(g *sched.G, ctx context.Context, i int) {
				if once.DoContext(ctx, g, func() { t.add(value, 1) }) == nil {
					t.Check(t.Load(value) == 1, "DoContext returned before the function had")
				}
			})
			g.Yield()
			t.add(value, 1)
		})
		wait(g)
		t.Check(t.Load(value) == 1, "a function was called %d times", t.Load(value))
		t.Check(once.DoContext(ctx, g, nil) == context.Canceled, "DoContext under a context that is done")
	}},
	{Name: "cancel-write", MinGs: 4, Doc: "G 2 waits to write under a context; when it gives up the others, which come to read, are let in", Main: func(t *T, g *sched.G) {
		var mu sched.RWMutex
		mu.RLock(g)
		_, wait := t.cancels(g, func(g *sched.G, ctx context.Context, i int) {
			if i > 2 {
				mu.RLock(g)
				t.Check(t.Load(critical) == 0, "a G reads while another writes")
				mu.RUnlock(g)
			} else if mu.LockContext(ctx, g) == nil {
				t.Enter(critical)
				t.Leave(critical)
				mu.Unlock(g)
			}
		})
		wait(g) // all end though G 0 still reads
		mu.RUnlock(g)
		t.Check(mu.TryLock(g), "somebody keeps the lock")
	}},
	{Name: "cancel-rewrite", MinGs: 4, Doc: "G 2 gives up to write and comes to write again, while the others read", Main: func(t *T, g *sched.G) {
		var mu sched.RWMutex
		mu.RLock(g)
		t.add(reading, 1)
		_, wait := t.cancels(g, func(g *sched.G, ctx context.Context, i int) {
			if i > 2 {
				mu.RLock(g)
				t.add(reading, 1)
				t.add(reading, -1)
				mu.RUnlock(g)
				return
			}
			if mu.LockContext(ctx, g) != nil {
				mu.Lock(g)
			}
			t.Check(t.Load(reading) == 0, "a G writes while others read")
			mu.Unlock(g)
		})
		g.Yield()
		t.add(reading, -1)
		mu.RUnlock(g)
		wait(g)
		t.Check(mu.TryLock(g), "somebody keeps the lock")
	}},
	{Name: "cancel-read", MinGs: 3, Doc: "a context ends while G 0, which writes, lets in those that come to read under it", Main: func(t *T, g *sched.G) {
		var mu sched.RWMutex
		mu.Lock(g)
		_, wait := t.cancels(g, func(g *sched.G, ctx context.Context, i int) {
			for range 2 {
				if mu.RLockContext(ctx, g) == nil {
					t.Check(t.Load(critical) == 0, "a G reads while another writes")
					mu.RUnlock(g)
				}
			}
		})
		g.Yield()
		mu.Unlock(g)
		mu.Lock(g)
		t.Enter(critical)
		g.Yield()
		t.Leave(critical)
		mu.Unlock(g)
		wait(g)
		t.Check(mu.TryLock(g), "somebody keeps the lock")
	}},
	{Name: "cancel-cond", MinGs: 4, Doc: "all wait for a Cond and a value each, G 2 under a context at first: no Signal is lost on it when it gives up", Main: func(t *T, g *sched.G) {
		var mu sched.Mutex
		c := sched.NewCond(&mu)
		_, wait := t.cancels(g, func(g *sched.G, ctx context.Context, i int) {
			mu.Lock(g)
			for gaveUp := i > 2; t.Load(value) == 0; {
				if gaveUp {
					c.Wait(g)
				} else {
					gaveUp = c.WaitContext(ctx, g) != nil
				}
			}
			t.Store(value, t.Load(value)-1)
			mu.Unlock(g)
		})
		for i := 2; i < t.Gs(); i++ {
			t.giveOne(g, &mu, c)
		}
		wait(g)
	}},
	{Name: "cancel-signal", MinGs: 4, Doc: "G 2 waits for a Cond under a context, and the others without one: a Signal to each of these is for them", Main: func(t *T, g *sched.G) {
		var mu sched.Mutex
		c := sched.NewCond(&mu)
		_, wait := t.cancels(g, func(g *sched.G, ctx context.Context, i int) {
			mu.Lock(g)
			if i == 2 {
				for c.WaitContext(ctx, g) == nil {
					c.Signal(g) // it was not for G 2
				}
			} else {
				for t.Load(value) == 0 {
					c.Wait(g)
				}
				t.Store(value, t.Load(value)-1)
			}
			mu.Unlock(g)
		})
		for i := 3; i < t.Gs(); i++ {
			t.giveOne(g, &mu, c)
		}
		wait(g)
	}},
	{Name: "cancel-wait", MinGs: 3, Doc: "a context ends while the members of a Group do, for which G 0 waits", Main: func(t *T, g *sched.G) {
		ctx, wait := t.cancels(g, nil)
		var gr sched.Group
		for i := 2; i < t.Gs(); i++ {
			gr.Go(g, t.G(i, func(g *sched.G) { t.add(value, 1) }))
		}
		err := gr.WaitContext(ctx, g)
		if err != nil {
			gr.Wait(g)
		}
		t.Check(t.Load(value) == t.Gs()-2, "Wait returned after WaitContext had returned %v, and %d members have run", err, t.Load(value))
		wait(g)
	}},
	{Name: "cancel-join", MinGs: 3, Doc: "a context ends while a child does, for which G 0 waits", Main: func(t *T, g *sched.G) {
		ctx, wait := t.cancels(g, nil)
		child := g.Fork(t.Task(2, func(g *sched.G) int {
			g.Yield()
			return 7
		}), sched.Arg{})
		v, err := g.JoinContext(ctx, child)
		if err != nil {
			v = g.Join(child)
		}
		t.Check(v == 7, "Join returned %d after JoinContext had returned %v", v, err)
		wait(g)
	}},
}

// cancels makes a context that G 1 ends, and starts all Gs behind G 1 with fn, if that is not
// nil. Wait returns when all have returned.
func (t *T) cancels(g *sched.G, fn func(g *sched.G, ctx context.Context, i int)) (ctx context.Context, wait func(*sched.G)) {
	eg, ctx := sched.NewErrGroup(context.Background())
	first := t.G(1, func(g *sched.G) {})
	eg.Go(g, func(g *sched.G) error {
		first(g)
		return errPlanned
	})
	for i := 2; fn != nil && i < t.Gs(); i++ {
		member := t.G(i, func(g *sched.G) { fn(g, ctx, i) })
		eg.Go(g, func(g *sched.G) error {
			member(g)
			return nil
		})
	}
	return ctx, func(g *sched.G) { t.Check(eg.Wait(g) == errPlanned, "an ErrGroup lost its error") }
}

// giveOne adds one to the value that others wait for at c, whose lock is mu, and wakes one of
// them.
func (t *T) giveOne(g *sched.G, mu *sched.Mutex, c *sched.Cond) {
	mu.Lock(g)
	t.Store(value, t.Load(value)+1)
	c.Signal(g)
	mu.Unlock(g)
}
