package sched

import (
	"context"
	"errors"
)

// Contexts. As with goroutines, a context interrupts nothing by itself. But each method that
// waits has a variant that is given a context, and ends with ctx.Err() when that is done. It is
// named after the method, as RecvContext and LockContext are. The package documentation lists them.
//
// A context is a channel of Gs (Done), and a G that waits under one also waits to receive from
// that. Channels, semaphores and timers are waited for in a Select. For everything else there is
// parkUntil.

// errContextOutside is what Done panics with on a simulated machine.
var errContextOutside = errors.New("sched: Done of a context that somebody outside may cancel, on a simulated machine: " +
	"the time there is not the real one; want the context of a RunContext or of an ErrGroup made from one that is never done")

// A doneChan is a channel that stands for the Done channel of a context.
type doneChan struct {
	c     *Chan[struct{}]
	forgo func() bool // the context will not tell of its end any more; nil on simulated machines
}

// Done returns a channel of Gs that is closed when ctx is done, or nil if it can never
// be done, as ctx.Done() does for goroutines:
//
//	done := g.Done(ctx)
//	switch g.Select(jobs.RecvCase(&job, nil), done.RecvCase(nil, nil)) {
//	case 1:
//		return context.Cause(ctx)
//	}
//
// It is the same channel every time. Only the context may close it. A G that waits for it
// is in no deadlock, since somebody outside may cancel the context.
//
// On a simulated machine only contexts of [Sched.RunContext] and [NewErrGroup] have one,
// and they must be made from one that is never done.
func (g *G) Done(ctx context.Context) *Chan[struct{}] {
	m := g.running()
	mustBeContext(ctx)
	done := ctx.Done()
	if done == nil {
		return nil
	}
	s := m.s
	if d, ok := s.dones.Load(done); ok {
		return d.(*doneChan).c
	}
	c := NewChan[struct{}](s, 0)
	if ctx.Err() != nil {
		c.Close(g)
		return c
	}
	if m.memory != nil {
		panic(errContextOutside)
	}
	c.outside = true
	d := &doneChan{c: c}
	if old, ok := s.dones.LoadOrStore(done, d); ok {
		return old.(*doneChan).c
	}
	d.forgo = context.AfterFunc(ctx, func() {
		s.dones.Delete(done)
		s.fromOutside(func(m *M) { c.closeOutside(m) })
	})
	return c
}

// ownContext has Done know ctx, which only Gs of m's scheduler cancel (contextDone), unless
// somebody outside can cancel parent. Real machines need no such thing.
func (m *M) ownContext(ctx, parent context.Context) {
	if m.memory != nil && parent.Done() == nil && ctx.Err() == nil {
		m.s.dones.LoadOrStore(ctx.Done(), &doneChan{c: NewChan[struct{}](m.s, 0)})
	}
}

// contextDone closes the channel that stands for ctx, which is done, at once.
func (g *G) contextDone(ctx context.Context) {
	if d, ok := g.m.s.dones.Load(ctx.Done()); ok {
		g.m.s.dones.Delete(ctx.Done())
		d.(*doneChan).c.closeOutside(g.m)
	}
}

// closeOutside closes c, if it is open, in the name of an M that need not have a P.
func (c *hchan) closeOutside(m *M) {
	c.lock.lock(m)
	var waited gList
	if !c.closed {
		waited = c.close(m)
	}
	c.lock.unlock(m)
	m.injectglist(&waited)
}

// until calls wait with the channel of ctx, which is nil if ctx is never done. If wait has
// ended because that was closed, or if ctx is done already, it returns why.
func (g *G) until(ctx context.Context, wait func(done *Chan[struct{}]) (ended bool)) error {
	mustBeContext(ctx)
	if err := ctx.Err(); err != nil {
		g.running()
		return err
	}
	if wait(g.Done(ctx)) {
		return ctx.Err()
	}
	return nil
}

// selectUntil waits until k can go on, and does it, or until ctx is done.
func (g *G) selectUntil(ctx context.Context, k Case) error {
	return g.until(ctx, func(done *Chan[struct{}]) bool { return g.Select(k, done.RecvCase(nil, nil)) == 1 })
}

// parkUntil is park until done is closed; done may be nil. It reports whether that is why it
// has ended. Whoever wakes g otherwise makes the claim first. So does whoever closes done.
//
// If ended is true g is still where commit has made it visible, unless somebody has taken it
// from there and found that the claim was made. The caller sees to that.
func (g *G) parkUntil(done *Chan[struct{}], why WaitReason, commit func(*M, *G) bool, take claim) (ended bool) {
	if done == nil {
		g.park(why, commit)
		return false
	}
	w := g.waiter(1) // the first may be in a queue
	w.claim = take
	g.rest.served, g.rest.done, g.rest.commit = nil, done, commit
	g.park(why, commitUntil)
	m := g.m
	done.waitsOutside(m, -1)
	if g.rest.served == w {
		return true
	}
	done.lock.lock(m) // also waits until commitUntil is through
	if w.queued {
		done.recvq.remove(w)
	}
	done.lock.unlock(m)
	return false
}

// commitUntil has g wait for its context before others can wake it: they may do so at once. If
// the context is done already it takes g back.
func commitUntil(m *M, g *G) bool {
	rest, w := g.rest, g.waiter(1)
	done := rest.done
	done.waitsOutside(m, 1)
	done.lock.lock(m)
	if !done.closed {
		done.recvq.enqueue(w)
	}
	waits := rest.commit(m, g)
	if waits && done.closed && w.take(m) {
		rest.served, waits = w, false
	}
	if !waits && w.queued {
		done.recvq.remove(w)
	}
	done.lock.unlock(m)
	return waits
}

// waitsOutside counts a G that begins to wait at c, if d is 1, or has waited, if d is -1,
// if somebody outside may end the wait: see checkdead.
func (c *hchan) waitsOutside(m *M, d int32) {
	if c.outside {
		m.s.noutside.add(m, d)
	}
}

// forgoContexts has contexts forget s, which is closed.
func (s *Sched) forgoContexts() {
	s.dones.Range(func(done, d any) bool {
		if d := d.(*doneChan); d.forgo != nil {
			d.forgo()
		}
		s.dones.Delete(done)
		return true
	})
}

// RunContext is [Sched.Run] of a function that returns an error. It returns that error, or
// that of Run. fn gets a context made from ctx, which is also cancelled as soon as
// RunContext is about to return: because fn has returned, or because the scheduler stops.
// So what fn calls in a [G.Syscall] with it ends then, too.
//
// If ctx is done already, fn is not run, and RunContext returns ctx.Err(). When ctx is
// done later, RunContext still waits for fn, which should return soon. The package documentation
// says how a G hears of it.
func (s *Sched) RunContext(ctx context.Context, fn func(ctx context.Context, g *G) error) error {
	mustRun(fn != nil)
	mustBeContext(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	inner, cancel := context.WithCancelCause(ctx)
	c := &contextRun{fn: fn, outer: ctx, ctx: inner}
	err := s.runData(c)
	if err == nil {
		err = c.returned // otherwise fn may still run
	}
	cancel(err)
	return err
}

// A contextRun is what the G of a RunContext runs.
type contextRun struct {
	fn         func(context.Context, *G) error
	outer, ctx context.Context
	returned   error
}

// run implements [wrapped].
func (c *contextRun) run(g *G) {
	g.m.ownContext(c.ctx, c.outer)
	c.returned = c.fn(c.ctx, g)
}

// user implements [wrapped].
func (c *contextRun) user() any { return c.fn }

// mustBeContext panics if ctx is nil.
func mustBeContext(ctx context.Context) {
	if ctx == nil {
		panic(errNilContext)
	}
}
