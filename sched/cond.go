package sched

import "sync/atomic"

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
// Each Wait draws a ticket while it holds L, and only then releases L. Signal and
// Broadcast serve tickets in order, also those whose G has not got into the queue yet. So
// none is lost between the release and the wait, and none goes to a G that came later.
type Cond struct {
	L Locker // held by those that call Wait

	syncState
	self atomic.Pointer[Cond] // itself, from the first use on

	// Under the lock.
	q      waitq // in any order
	drawn  int64 // tickets that were drawn
	served int64 // of these, the first ones that were served
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
	m := c.on(g)
	if m.c.thread.Locked() {
		panic(errThreadLocked)
	}
	if c.L == nil {
		panic(errNoLocker)
	}
	c.lock.lock(m)
	ticket := c.drawn
	c.drawn++
	c.lock.unlock(m)
	c.L.Unlock(g)
	m = g.m
	c.lock.lock(m)
	if ticket < c.served {
		c.lock.unlock(m)
	} else {
		g.waiter(0).n = ticket
		g.block(&c.q, &c.lock, WaitCond)
	}
	c.L.Lock(g)
}

// Signal wakes the G that has waited longest, if one waits. The caller may hold c.L, but
// need not. A deferred function of a G that was cancelled may call it.
func (c *Cond) Signal(g *G) {
	if g.barred == cancelled {
		return
	}
	m := c.on(g)
	c.lock.lock(m)
	if c.served == c.drawn {
		c.lock.unlock(m)
		return
	}
	w := c.q.first
	for w != nil && w.n != c.served {
		w = w.next
	}
	c.served++
	if w != nil { // otherwise its G sees that it was served
		c.q.remove(w)
	}
	c.lock.unlock(m)
	m.readyAll(w)
}

// Broadcast wakes all Gs that wait. The caller may hold c.L, but need not. A deferred
// function of a G that was cancelled may call it.
func (c *Cond) Broadcast(g *G) {
	if g.barred == cancelled {
		return
	}
	m := c.on(g)
	c.lock.lock(m)
	c.served = c.drawn
	first := c.q.takeAll()
	c.lock.unlock(m)
	m.readyAll(first)
}
