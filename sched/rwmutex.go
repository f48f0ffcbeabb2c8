package sched

import "context"

// An RWMutex is held by one G for writing or by any number for reading, as a
// [sync.RWMutex]. A Lock that waits keeps out those that come to read after it, so that
// readers do not starve it. So a G that holds it for reading must not call RLock again.
// What else holds for [Mutex] holds for it.
//
// Invariants:
//   - state counts the Gs that read or want to. While a G writes or waits to, rwPending is
//     less. Only the G that holds w adds and takes rwPending, and under the lock.
//   - A G that finds state negative when it comes to read waits in readq, or is on its way
//     there. When the writer goes, it counts them all: it wakes those in readq, and leaves
//     a pass for each of the others, who then need not wait.
//   - departing is how many Gs read that the waiting writer has found and that have not
//     gone yet. The last one wakes the writer. While a G writes there are no passes.
//   - A writer that gives up lets in those in readq, and leaves state as it is: abandoned is
//     set. Readers then come and go under the lock, and departing counts them. The next writer
//     takes over what it finds. If none comes, the last reader that goes tidies up. So
//     departing is not 0 while abandoned is set.
type RWMutex struct {
	syncState
	w Mutex

	// Under the lock.
	readq     waitq // of those that want to read
	writeq    waitq // of the one that holds w and waits for readers to go
	nreadq    int   // Gs in readq
	passes    int
	departing int
	abandoned bool
}

// rwPending is more than the Gs that can read at a time.
const rwPending = 1 << 30

// rwWriting is state while a G writes and no other is there.
const rwWriting = 1<<32 - rwPending

// RLock locks rw for reading, and waits until that is possible.
func (rw *RWMutex) RLock(g *G) { rw.lockToRead(g, nil) }

// RLockContext is RLock until ctx is done. Then it does not lock rw and returns ctx.Err(), as
// it does if ctx is done already.
func (rw *RWMutex) RLockContext(ctx context.Context, g *G) error {
	return g.until(ctx, func(done *Chan[struct{}]) bool { return rw.lockToRead(g, done) })
}

// lockToRead is RLock until done is closed. It reports whether that is why it has ended.
func (rw *RWMutex) lockToRead(g *G, done *Chan[struct{}]) (ended bool) {
	m := rw.of(g.preemptible())
	return int32(rw.state.add(m, 1)) < 0 && rw.waitToRead(g, done)
}

func (rw *RWMutex) waitToRead(g *G, done *Chan[struct{}]) (ended bool) {
	m := g.m
	rw.lock.lock(m)
	if rw.passes > 0 || rw.abandoned {
		if rw.passes > 0 {
			rw.passes--
		} else {
			rw.departing++
		}
		rw.lock.unlock(m)
		return false
	}
	if m.c.thread.Locked() {
		rw.state.add(m, -1) // the writer has not counted g
		rw.lock.unlock(m)
		panic(errThreadLocked)
	}
	rw.nreadq++
	if !g.blockUntil(&rw.readq, &rw.lock, WaitRLock, done) {
		return false
	}
	m = g.m
	rw.lock.lock(m)
	w := g.waiter(0)
	if ended = w.queued; ended { // else g was let in, though it was awake already
		rw.readq.remove(w)
		rw.nreadq--
		rw.state.add(m, -1)
	}
	rw.lock.unlock(m)
	return ended
}

// TryRLock locks rw for reading if nobody writes or waits to, and reports whether it did.
func (rw *RWMutex) TryRLock(g *G) bool {
	m := rw.on(g)
	for {
		n := rw.state.load(m)
		if int32(n) < 0 {
			return rw.tryAbandoned(m)
		}
		if rw.state.cas(m, n, n+1) {
			return true
		}
	}
}

// tryAbandoned lets a reader in if state says that a writer waits, and none does.
func (rw *RWMutex) tryAbandoned(m *M) bool {
	rw.lock.lock(m)
	ok := rw.abandoned
	if ok {
		rw.state.add(m, 1)
		rw.departing++
	}
	rw.lock.unlock(m)
	return ok
}

// RUnlock undoes one RLock. It panics if there was none. A deferred function of a G that
// was cancelled may call it.
func (rw *RWMutex) RUnlock(g *G) {
	if g.barred == cancelled {
		return
	}
	m := rw.on(g)
	if n := rw.state.add(m, -1); n < 0 {
		rw.depart(m, n+1)
	}
}

// depart is RUnlock while a G waits to write, or of an RWMutex that was not locked. state
// was n before.
func (rw *RWMutex) depart(m *M, n int32) {
	rw.lock.lock(m)
	if n == 0 || rw.departing == 0 {
		rw.state.add(m, 1)
		rw.lock.unlock(m)
		panic(errRUnlocked)
	}
	rw.departing--
	if rw.departing > 0 {
		rw.lock.unlock(m)
		return
	}
	var writer gList
	if rw.abandoned {
		rw.abandoned = false
		rw.passes = int(rw.state.add(m, rwPending)) // for those on their way to readq, which is empty
	} else {
		rw.writeq.takeAll(m, &writer)
	}
	rw.lock.unlock(m)
	m.readyList(&writer)
}

// Lock locks rw for writing, and waits until that is possible.
func (rw *RWMutex) Lock(g *G) { rw.lockToWrite(g, nil) }

// LockContext is Lock until ctx is done. Then it does not lock rw and returns ctx.Err(), as it
// does if ctx is done already.
func (rw *RWMutex) LockContext(ctx context.Context, g *G) error {
	return g.until(ctx, func(done *Chan[struct{}]) bool { return rw.lockToWrite(g, done) })
}

// lockToWrite is Lock until done is closed. It reports whether that is why it has ended.
func (rw *RWMutex) lockToWrite(g *G, done *Chan[struct{}]) (ended bool) {
	rw.on(g)
	if rw.w.lockFor(g, WaitRWLock, done) {
		return true
	}
	m := g.m
	rw.lock.lock(m)
	if rw.state.cas(m, 0, rwWriting) {
		rw.lock.unlock(m)
		return false
	}
	if m.c.thread.Locked() {
		rw.lock.unlock(m)
		rw.w.Unlock(g)
		panic(errThreadLocked)
	}
	if rw.abandoned {
		rw.abandoned = false
	} else if rw.departing = int(rw.state.add(m, -rwPending)) + rwPending; rw.departing == 0 {
		rw.lock.unlock(m)
		return false
	}
	return g.blockUntil(&rw.writeq, &rw.lock, WaitRWLock, done) && rw.abandon(g)
}

// abandon has g, which waits for readers to go, give up. It returns false if they have gone:
// then g has rw.
func (rw *RWMutex) abandon(g *G) bool {
	m, w := g.m, g.waiter(0)
	rw.lock.lock(m)
	if !w.queued {
		rw.lock.unlock(m)
		return false
	}
	var readers gList
	rw.writeq.remove(w)
	rw.abandoned = true
	rw.departing += rw.nreadq
	rw.nreadq = 0
	rw.readq.takeAll(m, &readers)
	rw.lock.unlock(m)
	m.readyList(&readers)
	rw.w.Unlock(g)
	return true
}

// TryLock locks rw for writing if nobody holds it, and reports whether it did.
func (rw *RWMutex) TryLock(g *G) bool {
	m := rw.on(g)
	if !rw.w.TryLock(g) {
		return false
	}
	if rw.state.cas(m, 0, rwWriting) {
		return true
	}
	rw.w.Unlock(g)
	return false
}

// Unlock undoes Lock. It panics if rw is not locked for writing. A deferred function of a
// G that was cancelled may call it.
func (rw *RWMutex) Unlock(g *G) {
	if g.barred == cancelled {
		return
	}
	m := rw.on(g)
	rw.lock.lock(m)
	if int32(rw.state.load(m)) >= 0 || rw.departing > 0 {
		rw.lock.unlock(m)
		panic(errRWUnlocked)
	}
	readers := int(rw.state.add(m, rwPending))
	rw.passes = readers - rw.nreadq
	rw.nreadq = 0
	var waited gList
	rw.readq.takeAll(m, &waited)
	rw.lock.unlock(m)
	m.readyList(&waited)
	rw.w.Unlock(g)
}

// RLocker returns a [Locker] that locks and unlocks rw for reading.
func (rw *RWMutex) RLocker() Locker { return (*rlocker)(rw) }

type rlocker RWMutex

func (r *rlocker) Lock(g *G)   { (*RWMutex)(r).RLock(g) }
func (r *rlocker) Unlock(g *G) { (*RWMutex)(r).RUnlock(g) }
