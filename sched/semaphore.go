package sched

import "context"

// A Semaphore holds a number of units, of which Gs acquire and release some, as a
// golang.org/x/sync/semaphore.Weighted. Those that wait are served first come first
// served: one that wants many is not overtaken by those that want few.
type Semaphore struct {
	hchan // its lock; recvq holds those that wait, each with what it wants
	size  int64
	used  int64 // under the lock

	_ [32]byte // see line.go
}

// NewSemaphore makes a semaphore of size units for Gs of s. It panics if size is negative.
func NewSemaphore(s *Sched, size int64) *Semaphore {
	if size < 0 {
		panic("sched: NewSemaphore with a negative size")
	}
	if s == nil {
		panic(errNilScheduler)
	}
	sem := &Semaphore{hchan: hchan{s: s}, size: size}
	sem.lock.key.line = s.newLines(1)
	return sem
}

// on returns g's M if g may use sem. g may give way first.
func (sem *Semaphore) on(g *G) *M {
	m := g.preemptible()
	if sem == nil || sem.s == nil {
		panic(errZeroSemaphore)
	}
	if sem.s != m.s {
		panic(errOtherSemaphore)
	}
	return m
}

// Acquire takes n units, and waits until they are free; for ever, if n is more than all.
// Those that want too much are in nobody's way. It panics if n is negative.
func (sem *Semaphore) Acquire(g *G, n int64) {
	m := sem.on(g)
	mustBeUnits(n)
	if n > sem.size {
		g.blockForever(WaitSemaphore)
	}
	sem.lock.lock(m)
	if sem.take(n) {
		sem.lock.unlock(m)
		return
	}
	sem.mayPark(g)
	g.waiter(0).n = n
	g.block(&sem.recvq, &sem.lock, WaitSemaphore)
}

// AcquireContext is Acquire until ctx is done. Then it takes nothing and returns ctx.Err().
func (sem *Semaphore) AcquireContext(ctx context.Context, g *G, n int64) error {
	sem.on(g)
	mustBeUnits(n)
	return g.selectUntil(ctx, &acquireCase{sem, n})
}

// An acquireCase is an Acquire as a case of a Select.
type acquireCase struct {
	sem *Semaphore
	n   int64
}

func (a *acquireCase) receives() bool { return true }
func (a *acquireCase) channel() *hchan {
	if a.n > a.sem.size {
		return nil // it waits for ever
	}
	return &a.sem.hchan
}

func (a *acquireCase) finish(*waiter) {}

func (a *acquireCase) try(m *M) bool {
	took := a.sem.take(a.n)
	if took {
		a.sem.lock.unlock(m)
	}
	return took
}

func (a *acquireCase) enqueue(w *waiter) {
	w.n = a.n
	a.sem.recvq.enqueue(w)
}

// dequeue also serves those that waited only because a was before them.
func (a *acquireCase) dequeue(w *waiter) {
	m := w.g.m
	a.sem.recvq.remove(w)
	served := a.sem.serveAll(m)
	m.readyList(&served)
}

// TryAcquire takes n units if they are free and nobody waits, and reports whether it did.
func (sem *Semaphore) TryAcquire(g *G, n int64) bool {
	m := sem.on(g)
	mustBeUnits(n)
	sem.lock.lock(m)
	took := sem.take(n)
	sem.lock.unlock(m)
	return took
}

// take is TryAcquire under the lock.
func (sem *Semaphore) take(n int64) bool {
	took := sem.size-sem.used >= n && sem.recvq.first == nil
	if took {
		sem.used += n
	}
	return took
}

// Release gives n units back. It panics if that is more than were acquired. A deferred
// function of a G that was cancelled may call it.
func (sem *Semaphore) Release(g *G, n int64) {
	if g.barred == cancelled {
		return
	}
	m := sem.on(g)
	mustBeUnits(n)
	sem.lock.lock(m)
	if n > sem.used {
		sem.lock.unlock(m)
		panic(errReleased)
	}
	sem.used -= n
	served := sem.serveAll(m)
	sem.lock.unlock(m)
	m.readyList(&served)
}

// serveAll takes those that wait and can be served off the queue. sem.lock is held.
func (sem *Semaphore) serveAll(m *M) (served gList) {
	for w := sem.recvq.first; w != nil && w.n <= sem.size-sem.used; w = sem.recvq.first {
		if w = sem.recvq.dequeueFirst(m); w != nil {
			sem.used += w.n
			served.push(w.serve())
		}
	}
	return served
}

func mustBeUnits(n int64) {
	if n < 0 {
		panic("sched: a negative number of units of a Semaphore")
	}
}
