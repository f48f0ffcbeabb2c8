package sched

import "context"

// An ErrGroup is a [Group] whose members return errors, as a
// golang.org/x/sync/errgroup.Group. The zero ErrGroup is ready for use, has no limit and
// cancels nothing. As a Group it belongs to the G that adds the first member.
type ErrGroup struct {
	group  Group
	limit  int64 // how many members may run at a time, plus 1; 0: any number
	sem    *Semaphore
	ctx    context.Context // nil: none
	parent context.Context
	cancel context.CancelCauseFunc

	lock mutex
	err  error // the first; under the lock
}

// NewErrGroup returns an ErrGroup and a context made from ctx. The context is cancelled
// when a member returns an error, which is its cause, or else when Wait returns. Members
// hear of it by [G.Done].
func NewErrGroup(ctx context.Context) (*ErrGroup, context.Context) {
	mustBeContext(ctx)
	eg := &ErrGroup{parent: ctx}
	eg.ctx, eg.cancel = context.WithCancelCause(ctx)
	return eg, eg.ctx
}

// SetLimit lets at most n members run at a time; any number, if n is negative. It panics
// if there are members: call it before the first Go.
func (eg *ErrGroup) SetLimit(n int) {
	if eg.group.open != 0 {
		panic(errLimitLate)
	}
	eg.limit, eg.sem = int64(max(n, -1))+1, nil
}

// Go starts fn as a member, on g's node. If as many members as may be run already, it
// waits until one has returned.
func (eg *ErrGroup) Go(g *G, fn func(*G) error) {
	eg.admit(g, fn)
	eg.group.start(g, &member{eg, fn})
}

// GoContext is Go that waits only until ctx is done. Then it starts nothing and returns ctx.Err(),
// as it does if ctx is done already.
func (eg *ErrGroup) GoContext(ctx context.Context, g *G, fn func(*G) error) error {
	mustBeContext(ctx)
	eg.prepare(g, fn)
	if eg.sem != nil {
		if err := eg.sem.AcquireContext(ctx, g, 1); err != nil {
			return err
		}
	} else if err := ctx.Err(); err != nil {
		return err
	}
	eg.group.start(g, &member{eg, fn})
	return nil
}

// GoAt is Go with a [Placement].
func (eg *ErrGroup) GoAt(g *G, where Placement, fn func(*G) error) {
	eg.admit(g, fn)
	eg.group.startAt(g, where, &member{eg, fn})
}

// TryGo is Go if that need not wait. It reports whether it has started fn.
func (eg *ErrGroup) TryGo(g *G, fn func(*G) error) bool {
	eg.prepare(g, fn)
	if eg.sem != nil && !eg.sem.TryAcquire(g, 1) {
		return false
	}
	eg.group.start(g, &member{eg, fn})
	return true
}

// admit prepares for a member, and waits until it may run.
func (eg *ErrGroup) admit(g *G, fn func(*G) error) {
	eg.prepare(g, fn)
	if eg.sem != nil {
		eg.sem.Acquire(g, 1)
	}
}

// prepare is called before a member is added.
func (eg *ErrGroup) prepare(g *G, fn func(*G) error) {
	m := g.running()
	mustRun(fn != nil)
	if eg.group.open > 0 {
		eg.group.mustBeOf(g)
		return
	}
	eg.lock.key.line = g.joined.line
	if eg.limit != 0 && eg.sem == nil {
		eg.sem = NewSemaphore(m.s, eg.limit-1)
	}
	if eg.ctx != nil {
		m.ownContext(eg.ctx, eg.parent)
	}
}

// A member is what a member runs.
type member struct {
	eg *ErrGroup
	fn func(*G) error
}

// run implements [wrapped].
func (mb *member) run(g *G) {
	eg := mb.eg
	if err := mb.fn(g); err != nil {
		eg.fail(g, err)
	}
	if eg.sem != nil {
		eg.sem.Release(g, 1)
	}
}

// user implements [wrapped].
func (mb *member) user() any { return mb.fn }

func (eg *ErrGroup) fail(g *G, err error) {
	m := g.running()
	eg.lock.lock(m)
	first := eg.err == nil
	if first {
		eg.err = err
	}
	eg.lock.unlock(m)
	if first {
		eg.end(g, err)
	}
}

// end cancels the context, if there is one.
func (eg *ErrGroup) end(g *G, cause error) {
	if eg.ctx != nil {
		eg.cancel(cause)
		g.contextDone(eg.ctx)
	}
}

// Wait returns when every member has returned, with the first error that one returned.
func (eg *ErrGroup) Wait(g *G) error {
	eg.group.Wait(g)
	eg.end(g, eg.err)
	return eg.err
}

// WaitContext is Wait until ctx is done. Then it returns ctx.Err(), as it does if ctx is done
// already, and Wait still has to be called: see [Group.WaitContext].
func (eg *ErrGroup) WaitContext(ctx context.Context, g *G) error {
	if err := eg.group.WaitContext(ctx, g); err != nil {
		return err
	}
	return eg.Wait(g)
}
