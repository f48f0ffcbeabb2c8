package sched

import (
	"context"
	"math"
	"sync/atomic"
)

// A Locker can be locked and unlocked by Gs: a [Mutex] or an [RWMutex], or
// [RWMutex.RLocker].
type Locker interface {
	Lock(g *G)
	Unlock(g *G)
}

// A Cond is where Gs wait until others say that something has happened, as a [sync.Cond].
// A G holds L when it calls Wait and when it changes what others wait for:
//
//	c.L.Lock(g)
//	for !condition() {
//		c.Wait(g)
//	}
//	// use what the condition is about
//	c.L.Unlock(g)
//
// It belongs to the scheduler whose G first uses it, and must not be copied after that:
// it panics if it was.
//
// A Wait gets into the queue while it holds L, and only then releases L. Signal and Broadcast
// serve those in the queue in order, also one whose G has not parked yet: it then does not
// park. So none is lost between the release and the wait, and none goes to a G that came later.
type Cond struct {
	L Locker // held by those that call Wait

	syncState
	self atomic.Pointer[Cond] // itself, from the first use on

	q waitq // under the lock
}

// NewCond returns a Cond with the given L.
func NewCond(l Locker) *Cond { return &Cond{L: l} }

func (c *Cond) on(g *G) *M {
	if c.self.Load() != c && !c.self.CompareAndSwap(nil, c) && c.self.Load() != c {
		panic(errCopiedCond)
	}
	return c.syncState.on(g)
}

// Wait unlocks c.L, waits for a Signal or a Broadcast, and locks c.L again.
func (c *Cond) Wait(g *G) {
	c.wait(g, nil)
}

// WaitContext is Wait until ctx is done. Then it returns ctx.Err(), as it does if ctx is done
// already. In either case g holds c.L again afterwards, for which it waits as long as it takes.
// A Signal that comes at the same time wakes the next.
func (c *Cond) WaitContext(ctx context.Context, g *G) error {
	return g.until(ctx, func(done *Chan[struct{}]) bool { return c.wait(g, done) })
}

// wait is Wait until done is closed. It reports whether that is why it has ended.
func (c *Cond) wait(g *G, done *Chan[struct{}]) (ended bool) {
	m := c.on(g)
	if m.c.thread.Locked() {
		panic(errThreadLocked)
	}
	if c.L == nil {
		panic(errNoLocker)
	}
	rest := g.needRest()
	w := rest.cond
	rest.cond = nil
	if w == nil {
		w = newWaiter(g)
	}
	w.n = condComing
	c.lock.lock(m)
	c.q.enqueue(w)
	c.lock.unlock(m)
	c.L.Unlock(g)
	m = g.m
	c.lock.lock(m)
	if w.queued {
		w.n = condParked
		if ended = g.parkQueuedUntil(w, &c.lock, WaitCond, done); ended {
			m = g.m
			c.lock.lock(m)
			if w.queued {
				c.q.remove(w)
			}
			c.lock.unlock(m)
		}
	} else {
		c.lock.unlock(m)
	}
	rest.cond = w
	c.L.Lock(g)
	return ended
}

// The values of waiter.n of a G that waits for a Cond.
const (
	condComing = iota // it has yet to park
	condParked
)

// Signal wakes the G that has waited longest, if one waits. The caller may hold c.L, but
// need not. A deferred function of a G that was cancelled may call it.
func (c *Cond) Signal(g *G) { c.wake(g, 1) }

// Broadcast wakes all Gs that wait. The caller may hold c.L, but need not. A deferred
// function of a G that was cancelled may call it.
func (c *Cond) Broadcast(g *G) { c.wake(g, math.MaxInt) }

// wake wakes n Gs at most.
func (c *Cond) wake(g *G, n int) {
	if g.barred == cancelled {
		return
	}
	m := c.on(g)
	var parked gList
	c.lock.lock(m)
	for n > 0 && c.q.first != nil {
		w := c.q.first
		c.q.remove(w)
		switch {
		case w.n == condComing: // its G sees that it is in the queue no more
			n--
		case w.take(m):
			parked.push(w.g)
			n--
		}
	}
	c.lock.unlock(m)
	m.readyList(&parked)
}
