package sched

import (
	"context"
	"sync/atomic"

	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// A Mutex excludes Gs from each other, as a [sync.Mutex] does goroutines. A G that waits
// for it gives its P to others. So a G may hold it while it waits for something else: in
// Wait, Join, Send, Recv, Select, Syscall.
//
// The zero Mutex is unlocked. A Mutex belongs to the scheduler whose G first uses it, and
// must not be copied after that. It does not belong to the G that locked it: another may
// unlock it.
//
// It has the two modes of Go's. In normal mode a G that was woken competes with those
// that come. They have the advantage that they run already. If the woken G loses, it waits
// again, before the others. Once a G has waited for over a millisecond the Mutex is in starvation
// mode: Unlock hands it to the first that waits, and nobody overtakes. It returns to normal
// mode when it is given to the last that waits, or to one that has waited less.
type Mutex struct {
	syncState
	q waitq // those that wait
}

// The bits of Mutex.state.
//
//   - mutexQueued is set if and only if q is not empty, and changes under the lock.
//   - mutexStarved implies the other two of mutexHeld and mutexQueued: an Unlock then
//     passes mutexHeld on. It changes under the lock.
//   - While mutexComing is set a G that was woken has yet to take the Mutex or to wait
//     again, which clears it. Meanwhile Unlock wakes no other.
//
// No wake-up is lost. A G that comes to wait sets mutexQueued in the same step in which it
// sees mutexHeld. So the Unlock that clears mutexHeld sees it, and wakes the first, or sees
// mutexComing. The G that has set mutexComing then takes the Mutex, and its own Unlock sees
// mutexQueued.
const (
	mutexHeld = 1 << iota
	mutexQueued
	mutexComing
	mutexStarved
)

// A syncState is what Mutex, RWMutex, Cond and Once have in common.
type syncState struct {
	_     noCopy
	state word32
	lock  mutex // protects what waits
	owner atomic.Pointer[Sched]
}

// on returns g's M if g may use the object. The first G that does makes it its
// scheduler's.
func (b *syncState) on(g *G) *M { return b.of(g.running()) }

// of is on for a G that m runs.
func (b *syncState) of(m *M) *M {
	if b.owner.Load() != m.s {
		b.adopt(m)
	}
	return m
}

func (b *syncState) adopt(m *M) {
	if !b.owner.CompareAndSwap(nil, m.s) && b.owner.Load() != m.s {
		panic(errSharedLock)
	}
	if m.memory != nil { // then one M runs at a time
		b.state.line = m.s.newLines(1)
		b.lock.key.line = b.state.line
	}
}

// A noCopy has go vet tell when what holds it is copied.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// Lock locks mu, and waits until that is possible. If g's time slice is over, it lets
// others go first.
func (mu *Mutex) Lock(g *G) { mu.lockFor(g, WaitMutex, nil) }

// LockContext is Lock until ctx is done. Then it does not lock mu and returns ctx.Err(), as it
// does if ctx is done already.
func (mu *Mutex) LockContext(ctx context.Context, g *G) error {
	return g.until(ctx, func(done *Chan[struct{}]) bool { return mu.lockFor(g, WaitMutex, done) })
}

// lockFor is Lock until done is closed. It reports whether that is why it has ended.
func (mu *Mutex) lockFor(g *G, why WaitReason, done *Chan[struct{}]) (ended bool) {
	m := mu.of(g.preemptible())
	return !mu.state.cas(m, 0, mutexHeld) && mu.lockSlow(g, why, done)
}

// TryLock locks mu if it is unlocked, and reports whether it did. It may fail if others
// lock and unlock mu meanwhile.
func (mu *Mutex) TryLock(g *G) bool {
	m := mu.on(g)
	old := mu.state.load(m)
	return old&mutexHeld == 0 && mu.state.cas(m, old, old|mutexHeld)
}

func (mu *Mutex) lockSlow(g *G, why WaitReason, done *Chan[struct{}]) (ended bool) {
	m := g.m
	since := int64(0)
	woken := uint32(0) // mutexComing once g was woken
	for spins := uint32(0); ; {
		old := mu.state.load(m)
		if old&mutexHeld == 0 {
			if mu.state.cas(m, old, old&^woken|mutexHeld) {
				return false
			}
			continue
		}
		if old&mutexStarved == 0 && m.maySpin(spins) {
			spins++
			m.s.machine.Procyield(&m.M)
			continue
		}
		mu.lock.lock(m)
		now := m.s.machine.Nanotime(&m.M)
		if since == 0 {
			since = now
		}
		if !mu.queue(m, g, woken, now-since > policy.MutexStarvation) {
			mu.lock.unlock(m)
			continue
		}
		w := g.waiter(0)
		w.n = since
		if g.parkQueuedUntil(w, &mu.lock, why, done) && mu.giveUp(g) {
			return true
		}
		if w.served { // it was handed over
			return false
		}
		m, woken, spins = g.m, mutexComing, 0
	}
}

// giveUp has g's waiter leave the queue. It returns false if it is not there any more: then
// somebody has woken g or handed mu over to it, though g was awake already.
func (mu *Mutex) giveUp(g *G) bool {
	m, w := g.m, g.waiter(0)
	mu.lock.lock(m)
	queued := w.queued
	if queued {
		mu.q.remove(w)
		for mu.q.first == nil {
			old := mu.state.load(m) // others change the other bits meanwhile
			if mu.state.cas(m, old, old&^(mutexQueued|mutexStarved)) {
				break
			}
		}
	}
	mu.lock.unlock(m)
	return queued
}

// queue has g's first waiter wait in mu's queue: as the first, if g was woken before. It
// returns false if mu is not held any more. mu.lock is held.
func (mu *Mutex) queue(m *M, g *G, woken uint32, starved bool) bool {
	for {
		old := mu.state.load(m)
		if old&mutexHeld == 0 {
			return false
		}
		if m.c.thread.Locked() { // park could only tell once others see g
			mu.lock.unlock(m)
			panic(errThreadLocked)
		}
		state := old&^woken | mutexQueued
		if starved {
			state |= mutexStarved
		}
		if mu.state.cas(m, old, state) {
			break
		}
	}
	w := g.waiter(0)
	if woken != 0 {
		mu.q.enqueueFirst(w)
	} else {
		mu.q.enqueue(w)
	}
	return true
}

// maySpin reports whether m may look at a Mutex once more before its G waits: not if
// there is something else for it to do, nor if nobody else runs who could unlock it.
func (m *M) maySpin(spins uint32) bool {
	if !policy.MutexMaySpin(spins) {
		return false
	}
	c := m.count()
	return policy.OthersRun(uint32(c.idle()), uint32(c.procs())) && !m.p.hasWork(m)
}

// Unlock unlocks mu. It panics if mu is not locked. A deferred function of a G that was
// cancelled may call it.
func (mu *Mutex) Unlock(g *G) {
	if g.barred == cancelled {
		return // nobody runs who could lock it
	}
	m := mu.on(g)
	if !mu.state.cas(m, mutexHeld, 0) {
		mu.unlockSlow(g)
	}
}

func (mu *Mutex) unlockSlow(g *G) {
	m := g.m
	for {
		old := mu.state.load(m)
		switch {
		case old&mutexHeld == 0:
			panic(errUnlocked)
		case old&mutexStarved != 0:
			if mu.handOver(g) {
				return
			}
		case old&mutexQueued != 0 && old&mutexComing == 0:
			if mu.wakeFirst(m, old) {
				return
			}
		case mu.state.cas(m, old, old&^mutexHeld):
			return
		}
	}
}

// wakeFirst unlocks mu and wakes the first that waits. It does nothing and returns false
// if mu's state is not old any more.
func (mu *Mutex) wakeFirst(m *M, old uint32) bool {
	mu.lock.lock(m)
	w := mu.q.first
	state := old&^mutexHeld | mutexComing
	if w == nil || w.next == nil {
		state &^= mutexQueued
	}
	if !mu.state.cas(m, old, state) {
		mu.lock.unlock(m)
		return false
	}
	mu.q.remove(w) // old says that there is one
	m.unlockReady(&mu.lock, w)
	return true
}

// handOver gives mu, which has starved, to the first that waits, and g's time with it. It
// does nothing and returns false if none waits any more: then mu does not starve.
func (mu *Mutex) handOver(g *G) bool {
	m := g.m
	now := m.s.machine.Nanotime(&m.M)
	mu.lock.lock(m)
	w := mu.q.first
	if w == nil { // it has given up
		mu.lock.unlock(m)
		return false
	}
	mu.q.remove(w)
	for {
		old := mu.state.load(m) // mutexComing may be cleared meanwhile
		state := old
		if mu.q.first == nil {
			state &^= mutexQueued | mutexStarved
		} else if now-w.n <= policy.MutexStarvation {
			state &^= mutexStarved
		}
		if mu.state.cas(m, old, state) {
			break
		}
	}
	w.served = true
	m.unlockReady(&mu.lock, w)
	if !m.c.thread.Locked() {
		g.park(WaitYield, commitHandOver)
	}
	return true
}

// commitHandOver queues gp behind the G that it has just made ready: Go's goyield.
func commitHandOver(m *M, gp *G) bool {
	m.eventG(machine.EventRequeue, gp, 0)
	m.runqput(gp, false)
	m.wakep(m.p.node)
	return true
}
