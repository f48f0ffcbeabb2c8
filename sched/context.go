package sched

import (
	"context"
	"errors"
)

// Contexts. As with goroutines, a context interrupts nothing by itself: a G that waits for
// a Chan, a Mutex or a Group goes on waiting when the context is done. A G that wants to
// hear of it selects [G.Done] beside what it waits for.

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
// done later, RunContext still waits for fn, which should return soon: see [G.Done].
func (s *Sched) RunContext(ctx context.Context, fn func(ctx context.Context, g *G) error) error {
	mustRun(fn != nil)
	mustBeContext(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	inner, cancel := context.WithCancelCause(ctx)
	var returned error
	err := s.Run(func(g *G) {
		g.m.ownContext(inner, ctx)
		returned = fn(inner, g)
	})
	if err == nil {
		err = returned // otherwise fn may still run
	}
	cancel(err)
	return err
}

// mustBeContext panics if ctx is nil.
func mustBeContext(ctx context.Context) {
	if ctx == nil {
		panic(errNilContext)
	}
}
