package sched

import (
	"context"
	"unsafe"
)

// A Chan is a channel between Gs, with the meaning of Go's: unbuffered or
// buffered, first come first served.
type Chan[T any] struct {
	hchan
	buf  []T // a ring of n values from head
	head int
	_    [24]byte // see line.go
}

// An hchan is what a channel is apart from the type of its values.
//
// Invariant, under lock: Gs wait in recvq only while there is nothing to receive, and in
// sendq only while there is no room. So one of the two is empty, except that a Select
// may wait in both. Both are empty when the channel is closed.
type hchan struct {
	s       *Sched // whose Gs may use it
	lock    mutex
	n       int // values in the buffer
	closed  bool
	outside bool // somebody who is no G may close it, see G.Done
	timed   bool // timer is not nil
	recvq   waitq
	sendq   waitq

	// To pass a value to a G that waits takes what stands above, which is one line.

	timer *Timer // that sends; nil for most channels
}

// NewChan makes a channel for Gs of s with room for size values. It panics if
// size is negative.
func NewChan[T any](s *Sched, size int) *Chan[T] {
	if size < 0 {
		panic("sched: NewChan with a negative size")
	}
	if s == nil {
		panic(errNilScheduler)
	}
	c := &Chan[T]{hchan: hchan{s: s}, buf: newBuf[T](size)}
	c.lock.key.line = s.newLines(1)
	return c
}

// newBuf returns a buffer for size values. A small one has lines of its own: it gets room for
// as many more values as it takes to fill whole lines, if that makes it no larger than
// bufRounded.
func newBuf[T any](size int) []T {
	bytes := int(unsafe.Sizeof(*new(T)))
	if bytes == 0 || size >= bufRounded/bytes {
		return make([]T, size)
	}
	room := size
	for room*bytes%lineSize != 0 {
		room++
	}
	if room*bytes > bufRounded {
		room = size
	}
	return make([]T, size, room)
}

const bufRounded = 512 // bytes

// on returns g's M if g may use c. It panics if g's scheduler is another than c's, or if
// g is barred. g may give way first.
func (c *hchan) on(g *G) *M {
	m := g.m
	if !g.short() || m.p.slice.Peek() == sliceOver { // else preemptible does nothing, and need not be called
		m = g.preemptible()
	}
	c.mustBeOf(m.s)
	return m
}

// mustBeOf panics if c is of another scheduler than s.
func (c *hchan) mustBeOf(s *Sched) {
	if s != c.s {
		if c.s == nil {
			panic(errZeroChan)
		}
		panic(errOtherScheduler)
	}
}

// Send sends v, and blocks g until there is a receiver or room; for ever if c is
// nil. It panics if the channel is closed, or is closed meanwhile.
func (c *Chan[T]) Send(g *G, v T) {
	if c == nil {
		g.blockForever(WaitSendNil)
	}
	m := c.on(g)
	c.lock.lock(m)
	if gp, sent := c.send(m, v); sent {
		m.readyServed(gp)
		return
	}
	c.mayPark(g)
	put(g.waiter(0), v)
	g.block(&c.sendq, &c.lock, WaitSend)
	if w := g.waiter(0); !w.served {
		take[T](w)
		panic(errSendClosed)
	}
}

// SendContext is Send until ctx is done. Then it sends nothing and returns ctx.Err(), as it
// does if ctx is done already.
func (c *Chan[T]) SendContext(ctx context.Context, g *G, v T) error {
	return g.selectUntil(ctx, c.SendCase(v))
}

// TrySend sends v if it need not wait for it, and reports whether it did. It panics if
// the channel is closed.
func (c *Chan[T]) TrySend(g *G, v T) (sent bool) {
	if c == nil {
		g.running()
		return false
	}
	m := c.on(g)
	c.lock.lock(m)
	gp, sent := c.send(m, v)
	if sent {
		m.readyServed(gp)
	} else {
		c.lock.unlock(m)
	}
	return sent
}

// send passes v to a receiver or to the buffer, unlocks c and returns sent true. If there is
// neither it returns false, and c stays locked. It panics if c is closed. If gp is not nil, the
// caller calls readyServed itself, so that this touches less of the stack: what many Gs in turn touch of
// their stacks does not fit into caches.
func (c *Chan[T]) send(m *M, v T) (gp *G, sent bool) {
	if c.closed {
		c.lock.unlock(m)
		panic(errSendClosed)
	}
	if w := c.recvq.dequeue(m); w != nil {
		put(w, v)
		return c.serve(m, w), true
	}
	if c.n < len(c.buf) {
		c.buf[c.at(c.n)] = v
		c.n++
		c.lock.unlock(m)
		return nil, true
	}
	return nil, false
}

// at returns where the value that is i places behind the first lies in the buffer; i is at
// most its length. A division would take as long as the rest of a receive.
func (c *Chan[T]) at(i int) int {
	if i += c.head; i >= len(c.buf) {
		i -= len(c.buf)
	}
	return i
}

// serve unlocks c, and returns the G of w for readyServed. w has been dequeued.
func (c *hchan) serve(m *M, w *waiter) *G {
	gp := w.serve()
	c.lock.unlock(m)
	return gp
}

// readyServed makes gp ready, unless it is nil.
func (m *M) readyServed(gp *G) {
	if gp != nil {
		m.ready(gp)
	}
}

// Recv receives a value, and blocks g until there is one; for ever if c is nil. ok is
// false if the channel is closed and empty.
func (c *Chan[T]) Recv(g *G) (v T, ok bool) {
	if c == nil {
		g.blockForever(WaitRecvNil)
	}
	m := c.on(g)
	c.lock.lock(m)
	if gp, v, ok, done := c.recv(m); done {
		m.readyServed(gp)
		return v, ok
	}
	c.mayPark(g)
	if c.timed {
		c.timer.block(m)
	}
	c.waitsOutside(m, 1)
	g.block(&c.recvq, &c.lock, WaitRecv)
	c.waitsOutside(g.m, -1)
	if c.timed {
		c.lock.lock(g.m)
		c.timer.unblock(g.m)
		c.lock.unlock(g.m)
	}
	if w := g.waiter(0); w.served {
		return take[T](w), true
	}
	return v, false
}

// RecvContext is Recv until ctx is done. Then it receives nothing and returns ctx.Err(), as
// it does if ctx is done already.
func (c *Chan[T]) RecvContext(ctx context.Context, g *G) (v T, ok bool, err error) {
	err = g.selectUntil(ctx, c.RecvCase(&v, &ok))
	return v, ok, err
}

// TryRecv receives a value if it need not wait for it, and reports in done whether it
// did. ok is false if the channel is closed and empty; then done is true.
func (c *Chan[T]) TryRecv(g *G) (v T, ok, done bool) {
	if c == nil {
		g.running()
		return v, false, false
	}
	m := c.on(g)
	c.lock.lock(m)
	gp, v, ok, done := c.recv(m)
	if done {
		m.readyServed(gp)
	} else {
		c.lock.unlock(m)
	}
	return v, ok, done
}

// recv takes a value from the buffer or from a sender, unlocks c and returns done true.
// If c is closed and empty it does the same, with ok false. If there is nothing to
// receive yet it returns done false, and c stays locked. If gp is not nil, the caller calls
// readyServed.
func (c *Chan[T]) recv(m *M) (gp *G, v T, ok, done bool) {
	if c.timed {
		c.timer.look(m)
	}
	switch {
	case c.n > 0:
		var zero T
		v, c.buf[c.head] = c.buf[c.head], zero
		c.head = c.at(1)
		c.n--
		if w := c.sendq.dequeue(m); w != nil { // there is room now
			c.buf[c.at(c.n)] = take[T](w)
			c.n++
			return c.serve(m, w), v, true, true
		}
	case c.closed:
		c.lock.unlock(m)
		return nil, v, false, true
	default:
		w := c.sendq.dequeue(m)
		if w == nil {
			return nil, v, false, false
		}
		v = take[T](w)
		return c.serve(m, w), v, true, true
	}
	c.lock.unlock(m)
	return nil, v, true, true
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
	waited := c.close(m)
	c.lock.unlock(m)
	m.readyList(&waited)
}

// close closes c, which is open, and returns the Gs that waited at it, which the caller
// makes ready. c.lock is held.
func (c *hchan) close(m *M) (waited gList) {
	c.closed = true
	c.recvq.takeAll(m, &waited)
	c.sendq.takeAll(m, &waited)
	return waited
}

// Len returns how many values are buffered; 0 if c is nil. Others may change it at once.
func (c *Chan[T]) Len(g *G) int {
	if c == nil || c.timed {
		return 0
	}
	m := c.on(g)
	c.lock.lock(m)
	n := c.n
	c.lock.unlock(m)
	return n
}

// Cap returns for how many values there is room; 0 if c is nil.
func (c *Chan[T]) Cap() int {
	if c == nil || c.timed {
		return 0
	}
	return len(c.buf)
}

// mayPark unlocks c and panics if g, which is about to wait at c, is locked to its thread.
// park would find that out, too, but only after others can see g in c's queue.
func (c *hchan) mayPark(g *G) {
	if m := g.m; m.c.thread.Locked() {
		c.lock.unlock(m)
		panic(errThreadLocked)
	}
}
