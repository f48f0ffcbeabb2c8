package sched

import (
	"fmt"
	"reflect"
	"unsafe"
)

// A waiter is a G that waits in a queue: Go's sudog. A G that waits for one thing has
// one, a G in a Select has one for each case.
//
// Invariants:
//   - A waiter is in at most one queue, whose lock protects it while it is there.
//     Otherwise it belongs to its G.
//   - Whoever takes a waiter off its queue to serve it (dequeue) makes its G ready,
//     once. Others may be about to serve the same G: it is in a Select, and has several
//     waiters in several queues, or it waits for the end of a context as well. So whoever
//     dequeues a waiter first claims its G, and passes the waiter over if he cannot.
type waiter struct {
	g          *G
	next, prev *waiter
	queued     bool
	served     bool  // a value was passed; false: the channel was closed instead
	claim      claim // of a G that others may serve as well; nil: nobody else does
	cell       any   // *T: the value that is passed, see put and take
	n          int64 // Mutex: since when it waits; Cond: whether it has parked; Semaphore: how much it wants; Chan: perhaps what cell points to

	// To wait for one thing, and to be served, takes what stands above, which is one line.

	more  *waiter  // the next of its G
	locks []*hchan // of the first waiter of a Select: what commitSelect unlocks
}

// A claim is an attempt to be the one who makes g ready. It changes a word of what g waits
// for. It is made under a lock that g takes before it waits for anything else, so that no
// claim comes too late and meets g's next wait.
type claim func(m *M, g *G) bool

// The values of gRest.claim.
const (
	claimOpen   = 0 // nobody has served the G
	claimServed = 1
)

// claimOnce is the claim for a G that waits in queues.
func claimOnce(m *M, g *G) bool { return g.rest.claim.cas(m, claimOpen, claimServed) }

// waiter returns g's ith waiter. Waiters stay with their G.
func (g *G) waiter(i int) *waiter {
	w := &g.needRest().waiter
	for ; i > 0; i-- {
		if w.more == nil {
			w.more = newWaiter(g)
		}
		w = w.more
	}
	return w
}

// newWaiter returns a waiter for g, on lines of its own.
func newWaiter(g *G) *waiter {
	w := &new(struct {
		waiter
		_ [32]byte
	}).waiter
	w.g = g
	return w
}

// put stores the value that w's G sends or is given.
func put[T any](w *waiter, v T) {
	cell, ok := w.cell.(*T)
	if !ok {
		cell = newCell[T](w)
		w.cell = cell
	}
	*cell = v
}

// newCell returns a cell for w. A word without pointers lies in w: a line less that is cold.
func newCell[T any](w *waiter) *T {
	if unsafe.Sizeof(*new(T)) <= unsafe.Sizeof(uintptr(0)) && pointerFree(reflect.TypeFor[T]()) {
		return (*T)(unsafe.Pointer(&w.n))
	}
	return newApart[T]()
}

// take returns what was put, and forgets it.
func take[T any](w *waiter) (v T) {
	cell := w.cell.(*T)
	var zero T
	v, *cell = *cell, zero
	return v
}

// A waitq is a queue of waiters, first come first served.
type waitq struct{ first, last *waiter }

func (q *waitq) enqueue(w *waiter) {
	w.queued, w.served = true, false
	w.next, w.prev = nil, q.last
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
}

// enqueueFirst puts w before all others: it has waited before.
func (q *waitq) enqueueFirst(w *waiter) {
	w.queued, w.served = true, false
	w.next, w.prev = q.first, nil
	if q.first == nil {
		q.last = w
	} else {
		q.first.prev = w
	}
	q.first = w
}

func (q *waitq) remove(w *waiter) {
	if w.prev == nil {
		q.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.next, w.prev, w.queued = nil, nil, false
}

// dequeue takes the first waiter whose G may be served, or returns nil. The caller makes
// that G ready.
func (q *waitq) dequeue(m *M) *waiter {
	for q.first != nil {
		if w := q.dequeueFirst(m); w != nil {
			return w
		}
	}
	return nil
}

// dequeueFirst takes the first waiter, and returns it if its G may be served.
func (q *waitq) dequeueFirst(m *M) *waiter {
	w := q.first
	q.remove(w)
	if w.take(m) {
		return w
	}
	return nil
}

// take reports whether the caller, who has taken w off its queue, is to make its G ready.
func (w *waiter) take(m *M) bool { return w.claim == nil || w.claim(m, w.g) }

// serve notes that w, which was dequeued, got what it waits for, and returns its G, which
// the caller makes ready.
func (w *waiter) serve() *G {
	w.served = true
	return w.dequeued()
}

// dequeued notes that w is the one of its G's waiters that was dequeued, and returns the G.
func (w *waiter) dequeued() *G {
	if w.claim != nil { // else it has no other
		w.g.rest.served = w
	}
	return w.g
}

// takeAll takes all waiters off the queue, and adds the Gs to list that the caller makes
// ready.
func (q *waitq) takeAll(m *M, list *gList) {
	for w := q.dequeue(m); w != nil; w = q.dequeue(m) {
		list.push(w.dequeued())
	}
}

// unlockReady unlocks l, and makes the G of w ready. w was just taken off the queue that l
// protects. If the end of a context has made the G ready already, the G finds that w is in
// no queue any more.
func (m *M) unlockReady(l *mutex, w *waiter) {
	taken := w.take(m)
	l.unlock(m)
	if taken {
		m.ready(w.g)
	}
}

// block has g wait in q, with its first waiter, until somebody dequeues it. l protects
// q. It is held, and released when g has left its carrier.
func (g *G) block(q *waitq, l *mutex, why WaitReason) {
	w := g.waiter(0)
	q.enqueue(w)
	g.m.unlocks, w.claim = l, nil
	if next := g.leave(g.beginPark().atHand(), why, commitUnlock); next != nil { // park, without its frame
		g.goOn(g.c.stack.Switch(next.stack))
	}
}

// parkQueued is block for a g whose waiter w is in its queue already.
func (g *G) parkQueued(w *waiter, l *mutex, why WaitReason) {
	g.m.unlocks, w.claim = l, nil
	g.park(why, commitUnlock)
}

// blockUntil is block until done is closed, as in parkUntil: if ended is true g's waiter may
// still be in q.
func (g *G) blockUntil(q *waitq, l *mutex, why WaitReason, done *Chan[struct{}]) (ended bool) {
	w := g.waiter(0)
	q.enqueue(w)
	return g.parkQueuedUntil(w, l, why, done)
}

// parkQueuedUntil is blockUntil for a g whose waiter w is in its queue already.
func (g *G) parkQueuedUntil(w *waiter, l *mutex, why WaitReason, done *Chan[struct{}]) (ended bool) {
	if done == nil {
		g.parkQueued(w, l, why)
		return false
	}
	g.m.unlocks, w.claim = l, claimOnce
	g.rest.claim.store(g.m, claimOpen)
	return g.parkUntil(done, why, commitUnlock, claimOnce)
}

func commitUnlock(m *M, g *G) bool {
	m.unlocks.unlock(m)
	return true
}

// blockForever is what sending to or receiving from a nil channel does.
func (g *G) blockForever(why WaitReason) {
	g.running()
	g.park(why, commitForever)
	panic("unreachable")
}

func commitForever(*M, *G) bool { return true }

// A WaitReason is what a parked G waits for. The texts are those of Go's tracebacks
// where Go has the same.
type WaitReason uint8

const (
	WaitNone WaitReason = iota // it does not wait
	WaitYield
	WaitPreempted
	WaitJoin
	WaitGroup
	WaitSend
	WaitRecv
	WaitSendNil
	WaitRecvNil
	WaitSelect
	WaitSelectNoCases
	WaitSyscall
	WaitSleep
	WaitMutex
	WaitRLock
	WaitRWLock
	WaitCond
	WaitOnce
	WaitSemaphore
	WaitIORead
	WaitIOWrite
)

var waitReasons = [...]string{
	WaitNone:          "",
	WaitYield:         "runnable",
	WaitPreempted:     "preempted",
	WaitJoin:          "join",
	WaitGroup:         "group wait",
	WaitSend:          "chan send",
	WaitRecv:          "chan receive",
	WaitSendNil:       "chan send (nil chan)",
	WaitRecvNil:       "chan receive (nil chan)",
	WaitSelect:        "select",
	WaitSelectNoCases: "select (no cases)",
	WaitSyscall:       "syscall",
	WaitSleep:         "sleep",
	WaitMutex:         "Mutex.Lock",
	WaitRLock:         "RWMutex.RLock",
	WaitRWLock:        "RWMutex.Lock",
	WaitCond:          "Cond.Wait",
	WaitOnce:          "Once.Do",
	WaitSemaphore:     "Semaphore.Acquire",
	WaitIORead:        "IO wait (read)",
	WaitIOWrite:       "IO wait (write)",
}

func (r WaitReason) String() string {
	if int(r) >= len(waitReasons) {
		return fmt.Sprintf("WaitReason(%d)", r)
	}
	return waitReasons[r]
}
