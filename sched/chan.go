package sched

// A Chan is a channel between Gs, with the meaning of Go's: unbuffered or
// buffered, first come first served.
//
// Invariant, under lock: Gs wait in recvq only while there is nothing to
// receive, in sendq only while there is no room; so one of the two is empty,
// but for a channel that is closed, where both are.
type Chan[T any] struct {
	s      *Sched // whose Gs may use it
	lock   mutex
	buf    []T // a ring of n values from head
	head   int
	n      int
	closed bool
	recvq  waitq[T]
	sendq  waitq[T]
	free   *waiter[T] // spent waiters, linked through next
}

// A waiter is a G that waits at a channel, and the value that it waits with.
type waiter[T any] struct {
	g    *G
	v    T
	ok   bool // the value was passed; false: the channel was closed instead
	next *waiter[T]
}

type waitq[T any] struct{ first, last *waiter[T] }

func (q *waitq[T]) push(w *waiter[T]) {
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
}

func (q *waitq[T]) pop() *waiter[T] {
	w := q.first
	if w != nil {
		q.first, w.next = w.next, nil
		if q.first == nil {
			q.last = nil
		}
	}
	return w
}

// NewChan makes a channel for Gs of s with room for size values. It panics if
// size is negative.
func NewChan[T any](s *Sched, size int) *Chan[T] {
	if size < 0 {
		panic("sched: NewChan with a negative size")
	}
	c := &Chan[T]{s: s, buf: make([]T, size)}
	c.lock.key.line = s.newLines(1)
	return c
}

// on returns g's M if g may use c, which is not nil. It panics if g's scheduler is
// another than c's, or if g is cancelled.
func (c *Chan[T]) on(g *G) *M {
	m := g.running()
	if m.s != c.s {
		panic(errOtherScheduler)
	}
	return m
}

// blockForever is what sending to or receiving from a nil channel does.
func (g *G) blockForever() {
	g.running()
	g.park(commitForever)
	panic("unreachable")
}

func commitForever(*M, *G) bool { return true }

// Send sends v, and blocks g until there is a receiver or room; for ever if c is
// nil. It panics if the channel is closed, or is closed meanwhile.
func (c *Chan[T]) Send(g *G, v T) {
	if c == nil {
		g.blockForever()
	}
	m := c.on(g)
	c.lock.lock(m)
	if c.closed {
		c.lock.unlock(m)
		panic("sched: send on closed channel")
	}
	if w := c.recvq.pop(); w != nil {
		w.v, w.ok = v, true
		gp := w.g
		c.lock.unlock(m)
		m.ready(gp)
		return
	}
	if c.n < len(c.buf) {
		c.buf[(c.head+c.n)%len(c.buf)] = v
		c.n++
		c.lock.unlock(m)
		return
	}
	if _, ok := c.wait(g, &c.sendq, v); !ok {
		panic("sched: send on closed channel")
	}
}

// Recv receives a value, and blocks g until there is one; for ever if c is nil. ok is
// false if the channel is closed and empty.
func (c *Chan[T]) Recv(g *G) (v T, ok bool) {
	if c == nil {
		g.blockForever()
	}
	m := c.on(g)
	c.lock.lock(m)
	if c.n > 0 {
		v = c.buf[c.head]
		var zero T
		c.buf[c.head] = zero
		c.head = (c.head + 1) % len(c.buf)
		c.n--
		w := c.sendq.pop()
		if w == nil {
			c.lock.unlock(m)
			return v, true
		}
		c.buf[(c.head+c.n)%len(c.buf)] = w.v
		c.n++
		w.ok = true
		gp := w.g
		c.lock.unlock(m)
		m.ready(gp)
		return v, true
	}
	if w := c.sendq.pop(); w != nil {
		v, w.ok = w.v, true
		gp := w.g
		c.lock.unlock(m)
		m.ready(gp)
		return v, true
	}
	if c.closed {
		c.lock.unlock(m)
		return v, false
	}
	return c.wait(g, &c.recvq, v)
}

// Close closes the channel: receivers get what is buffered, then nothing. It
// panics if the channel is nil or closed already.
func (c *Chan[T]) Close(g *G) {
	if c == nil {
		panic("sched: close of nil channel")
	}
	m := c.on(g)
	c.lock.lock(m)
	if c.closed {
		c.lock.unlock(m)
		panic("sched: close of closed channel")
	}
	c.closed = true
	var all gQueue
	for _, q := range []*waitq[T]{&c.recvq, &c.sendq} {
		for w := q.pop(); w != nil; w = q.pop() {
			all.push(w.g)
		}
	}
	c.lock.unlock(m)
	for gp := all.pop(); gp != nil; gp = all.pop() {
		m.ready(gp)
	}
}

// wait has g wait in q with v until it is served or the channel is closed.
// c.lock is held, and released once g is parked.
func (c *Chan[T]) wait(g *G, q *waitq[T], v T) (T, bool) {
	if m := g.m; m.c.thread.Locked() {
		c.lock.unlock(m) // park could only tell once others see g
		panic(errThreadLocked)
	}
	w := c.free
	if w == nil {
		w = new(waiter[T])
	} else {
		c.free, w.next = w.next, nil
	}
	w.g, w.v, w.ok = g, v, false
	q.push(w)
	g.waitMutex = &c.lock
	g.park(commitUnlock)

	m := g.m
	c.lock.lock(m)
	v, ok := w.v, w.ok
	var zero T
	w.g, w.v = nil, zero
	w.next, c.free = c.free, w
	c.lock.unlock(m)
	return v, ok
}

func commitUnlock(m *M, g *G) bool {
	g.waitMutex.unlock(m)
	return true
}
