package sched

import (
	"slices"

	"numasched/sched/internal/machine"
)

// Gs that are locked to their M, and so to a thread: Go's LockOSThread.
//
// Such a G has an M of its own, from its start to its end, and that M runs no other G. On
// a real machine its goroutine is locked to its thread for its whole life, and the G runs
// on the stack of that goroutine, not in a coroutine: so the thread never changes, and what
// the kernel knows of the thread is the G's own. When the G ends, so does the thread.
//
// The G is queued, stolen and made ready like others. An M that finds it to run cannot
// run it: it gives its P to the G's M, wakes that, and looks for another P (startlockedm).
// When the G parks, its M calls the commit function, gives its P away and sleeps until it
// is woken for a P (parkLocked). Others may see the G, and wake its M, while that is still
// about to sleep: nobody enters its stack, and a note does not lose wake-ups.
//
// A G that runs cannot have this. Its stack is a coroutine, which Go's runtime lets move
// between threads only because no goroutine was locked when it was made. So a G that calls
// LockOSThread itself may not park until it has called UnlockOSThread. But it may make a system
// call and lose its P to others meanwhile. If no P is idle when it comes back, the G stays on its
// stack, and its M is as one that belongs to it until it has a P again (stayLocked).
//
// What differs from Go: the M is not bound to the CPUs of nodes, its thread's mask is the
// G's. And a child that the G joins may run on the thread, inside the join.

// GoLocked starts fn as a G that has a thread of its own: it always runs on the same
// thread, and nobody else does, except for its own children inside a join. It may park,
// call the scheduler and end as others do. Each time it goes on costs two wake-ups of
// threads. On a simulated machine it costs the same, and there is no thread.
//
// fn need not call [runtime.LockOSThread]. It must undo what it calls of it, and no more.
func (g *G) GoLocked(fn func(*G)) {
	m := g.running()
	mustRun(fn != nil)
	gp := m.newG()
	gp.arg.Data = fn
	nm := m.allocm()
	nm.lockedg, nm.c.lockedm = gp, nm
	gp.c = nm.c
	if !m.startNew(nm, nil) {
		return
	}
	m.runqput(gp, true)
	m.wakep(m.p.node)
	g.spawned(m)
}

// Locked reports whether m runs one G only, which wants to stay on its thread. The Machine
// then calls m.Step on a goroutine that is locked to its thread.
func (m *M) Locked() bool { return m.lockedg != nil }

// runLocked is what an M with a G of its own runs.
func (m *M) runLocked() {
	if !m.waitLocked() {
		return
	}
	m.execute(m.lockedg) // and m holds a P again, which may be another
	m.share()
	m.handoffp(m.partFromP())
}

// waitLocked has m, whose G is not ready, sleep until it is woken for a P, which m then
// holds. It returns false if the scheduler stops.
func (m *M) waitLocked() bool {
	if m.s.stopping.load(m) == stopping {
		return false
	}
	m.note.sleep(m)
	if m.s.stopping.load(m) == stopping {
		return false // and perhaps nobody has set nextp
	}
	m.woken()
	return true
}

// startlockedm gives m's P to the M of gp, which is ready and locked to it.
func (m *M) startlockedm(gp *G) {
	mp := gp.c.lockedm
	mp.inherits, m.inherits = m.inherits, false
	mp.nextp = m.partFromP()
	mp.note.wakeup(m)
}

// parkLocked is park for a G with an M of its own.
func (g *G) parkLocked(why WaitReason, commit func(*M, *G) bool) {
	m := g.m
	c := m.c
	c.parked, g.why = g, why
	if commit(m, g) {
		if m.p != nil {
			m.handoffp(m.partFromP())
		}
		if !m.waitLocked() {
			g.barred = cancelled
			panic(errCancelled)
		}
	} else {
		m.eventG(machine.EventRequeue, g, 0)
	}
	c.parked, g.why = nil, WaitNone
	m.resume(g)
}

// stayLocked is park for a G that has locked its thread and holds no P. Its M keeps
// it, and sleeps until it is given a P, or until the scheduler stops: it says that it stays, then
// looks whether the scheduler stops (waitLocked). stop does these in the other order.
func (g *G) stayLocked(why WaitReason, commit func(*M, *G) bool) {
	m := g.m
	m.stays.Store(true)
	m.c.lockedm = m // before anybody can see g
	defer func() {
		m.c.lockedm = nil
		m.stays.Store(false)
	}()
	g.parkLocked(why, commit)
}

// endLocked is called when m, an M with a G of its own on a real machine, ends: nothing
// is to remember it.
func (m *M) endLocked() {
	s := m.s
	m.c.mustBeSound()
	m.eventM(machine.EventEndM, m)
	s.lock.lock(m)
	s.forgetCarrier(m.c)
	if m.ownCache == nil {
		s.forgetM(m)
	}
	s.lock.unlock(m)
	s.endedM()
}

// forgetM takes m off the list of all. s.lock is held.
func (s *Sched) forgetM(m *M) {
	s.allm = slices.DeleteFunc(s.allm, func(mp *M) bool { return mp == m })
}

// lockedMs returns the Ms that may sleep because a G is locked to them. s.lock is held.
func (s *Sched) lockedMs() (ms []*M) {
	for _, mp := range s.allm {
		if mp.Locked() || mp.stays.Load() {
			ms = append(ms, mp)
		}
	}
	return ms
}
