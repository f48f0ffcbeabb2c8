package sched

import (
	"cmp"
	"slices"
)

// A Case is one communication that a [G.Select] can choose: a receive or a send. Make it
// anew for every Select.
type Case interface {
	channel() *hchan // nil for a nil channel
	receives() bool
	try(m *M) bool   // as Chan.send and Chan.recv: unlocks the channel if it is done
	enqueue(*waiter) // the channel is locked
	dequeue(*waiter) // likewise
	finish(*waiter)  // when another G has served the waiter, or has closed the channel
}

// RecvCase is a receive from c into *v and *ok, as by [Chan.Recv]. Either may be nil. A
// case with a nil channel is never chosen.
func (c *Chan[T]) RecvCase(v *T, ok *bool) Case { return &recvCase[T]{c, v, ok} }

// SendCase is a send of v to c, as by [Chan.Send]. A case with a nil channel is never
// chosen.
func (c *Chan[T]) SendCase(v T) Case { return &sendCase[T]{c, v} }

type recvCase[T any] struct {
	c  *Chan[T]
	v  *T
	ok *bool
}

func (r *recvCase[T]) receives() bool { return true }

func (r *recvCase[T]) channel() *hchan {
	if r.c == nil {
		return nil
	}
	return &r.c.hchan
}

func (r *recvCase[T]) try(m *M) bool {
	gp, v, ok, done := r.c.recv(m)
	if done {
		m.readyServed(gp)
		r.set(v, ok)
	}
	return done
}

func (r *recvCase[T]) enqueue(w *waiter) {
	if t := r.c.timer; t != nil {
		t.block(w.g.m)
	}
	r.c.recvq.enqueue(w)
}

func (r *recvCase[T]) dequeue(w *waiter) { r.c.recvq.remove(w) }

func (r *recvCase[T]) finish(w *waiter) {
	var v T
	if w.served {
		v = take[T](w)
	}
	r.set(v, w.served)
}

func (r *recvCase[T]) set(v T, ok bool) {
	if r.v != nil {
		*r.v = v
	}
	if r.ok != nil {
		*r.ok = ok
	}
}

type sendCase[T any] struct {
	c *Chan[T]
	v T
}

func (s *sendCase[T]) receives() bool { return false }

func (s *sendCase[T]) channel() *hchan {
	if s.c == nil {
		return nil
	}
	return &s.c.hchan
}

func (s *sendCase[T]) try(m *M) bool {
	gp, sent := s.c.send(m, s.v)
	m.readyServed(gp)
	return sent
}

func (s *sendCase[T]) enqueue(w *waiter) {
	put(w, s.v)
	s.c.sendq.enqueue(w)
}

func (s *sendCase[T]) dequeue(w *waiter) {
	s.c.sendq.remove(w)
	take[T](w)
}

func (s *sendCase[T]) finish(w *waiter) {
	if !w.served {
		panic(errSendClosed)
	}
}

// Select waits until one of the cases can go on, does it, and returns its index. If
// several can, it chooses one of them at random. Without cases, or with nil channels
// only, it waits for ever. It panics if it chooses a send to a closed channel.
func (g *G) Select(cases ...Case) int {
	i, _ := g.selectGo(cases, true)
	return i
}

// TrySelect is Select if it need not wait, as a select statement with a default. ok is
// false if no case can go on.
func (g *G) TrySelect(cases ...Case) (i int, ok bool) { return g.selectGo(cases, false) }

func (g *G) selectGo(cases []Case, wait bool) (int, bool) {
	m := g.preemptible()
	locks := make([]*hchan, 0, len(cases))
	for _, k := range cases {
		if k == nil {
			panic(errNilCase)
		}
		if c := k.channel(); c != nil {
			c.mustBeOf(m.s)
			locks = append(locks, c)
		}
	}
	if len(locks) == 0 {
		if wait {
			g.blockForever(WaitSelectNoCases)
		}
		return -1, false
	}
	// Everybody locks channels in the order of their lines, each once.
	slices.SortFunc(locks, func(a, b *hchan) int { return cmp.Compare(a.lock.key.line, b.lock.key.line) })
	locks = slices.Compact(locks)
	for _, c := range locks {
		c.lock.lock(m)
	}

	// Pass 1: is one ready? In random order, so that none starves.
	order := m.p.permutation(len(cases))
	for _, i := range order {
		c := cases[i].channel()
		switch {
		case c == nil:
		case c.closed && !cases[i].receives():
			unlockAll(m, locks, nil)
			panic(errSendClosed)
		case cases[i].try(m):
			unlockAll(m, locks, c)
			return i, true
		}
	}
	if !wait {
		unlockAll(m, locks, nil)
		return -1, false
	}
	if m.c.thread.Locked() {
		unlockAll(m, locks, nil) // park could only tell once others see g
		panic(errThreadLocked)
	}

	// Pass 2: wait for all of them. In that order, too: of two cases with the same channel
	// the first that waits there is served.
	g.needRest().claim.store(m, claimOpen)
	for _, i := range order {
		k := cases[i]
		if c := k.channel(); c != nil {
			w := g.waiter(i)
			w.claim = claimOnce
			k.enqueue(w)
			c.waitsOutside(m, 1)
		}
	}
	g.waiter(0).locks = locks
	g.park(WaitSelect, commitSelect)

	// Pass 3: leave the queues of those that were not chosen.
	m = g.m
	for _, c := range locks {
		c.lock.lock(m)
	}
	chosen := -1
	for i, k := range cases {
		w := g.waiter(i)
		if c := k.channel(); c != nil {
			c.waitsOutside(m, -1)
			if c.timed && k.receives() {
				c.timer.unblock(m)
			}
		}
		if w == g.rest.served {
			chosen = i
		} else if w.queued {
			k.dequeue(w)
		}
	}
	unlockAll(m, locks, nil)
	cases[chosen].finish(g.rest.served)
	return chosen, true
}

func commitSelect(m *M, g *G) bool {
	w := g.waiter(0)
	locks := w.locks
	w.locks = nil
	unlockAll(m, locks, nil)
	return true
}

// unlockAll unlocks all channels but one, which is unlocked already.
func unlockAll(m *M, locks []*hchan, but *hchan) {
	for _, c := range locks {
		if c != but {
			c.lock.unlock(m)
		}
	}
}
