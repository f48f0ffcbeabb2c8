package sched

import (
	"fmt"
	"runtime/debug"
	"sync/atomic"

	"numasched/sched/internal/coro"
	"numasched/sched/internal/machine"
	"numasched/sched/internal/threadlock"
	"numasched/sched/policy"
)

// A carrier is a stack: a coroutine in which an M's scheduling loop runs. A fresh G
// runs directly on it, as a call from the loop. When the G blocks, the carrier stays
// with it as its stack, and the M goes on with another carrier from its free list. To
// resume a blocked G, any M enters its carrier.
//
// Invariant: a parked G becomes visible to others only after its carrier has been
// left. So the commit function, which makes it visible, is called in the carrier that
// is entered next, as Go's runtime calls gopark's unlockf on g0. Nobody ever meets a G
// whose carrier is still in use.
//
// Invariant: coroutines are made, entered, left and ended by goroutines that are not
// locked to their thread. Go's runtime ends the process otherwise. An M makes its
// first carrier on its own goroutine (Step), a G that is locked may not park, and
// what a G has locked when it ends is unlocked. A carrier of a locked M is no coroutine
// (lockedm.go).
type carrier struct {
	stack *coro.Stack // nil until makeStack

	m       *M               // which M has entered it
	lockedm *M               // whose only stack it is, see lockedm.go; nil if it is no such
	thread  threadlock.Watch // of the coroutine; what runs on it looks
	parked  *G               // that has left it, by parking; nil while an M is in it
	runs    *G               // the G that runs on it, or that parked; for Current
	link    *carrier         // on an M's free list, or on Sched.freec

	living bool        // the scheduling loop runs on it, or a G
	ending bool        // it is to end for good
	back   *coro.Stack // that has cancelled it and waits; nil if none has
	bug    string      // what the scheduling loop panicked with

	self atomic.Uintptr // the goroutine that it is, see current.go

	listed elem[carrier] // on Sched.allc, under Sched.lock

	_ [8]byte // see line.go
}

// newCarrier returns a carrier whose coroutine has yet to be made, by makeStack.
func (m *M) newCarrier() *carrier {
	m.spend(machine.CostNewStack)
	s := m.s
	var c *carrier
	if s.reuse != nil {
		c = s.reuse.carrier()
	} else {
		c = new(carrier)
	}
	s.lock.lock(m)
	s.listCarrier(c)
	s.ncarriers++
	s.lock.unlock(m)
	return c
}

// listCarrier puts c on the list of all. s.lock is held.
func (s *Sched) listCarrier(c *carrier) {
	c.listed.of = c
	s.allc.put(&c.listed)
}

// makeStack makes c's coroutine, if it has none. The calling goroutine must not be
// locked to its thread.
func (c *carrier) makeStack() {
	if c.stack == nil {
		c.stack = coro.New(c.run)
	}
}

// endStack ends c's coroutine, if it has one, and unwinds what is on it. by is the stack
// of the calling goroutine. It reports whether it has; if not, another stack is in the
// way for a moment.
func (c *carrier) endStack(by *coro.Stack) bool {
	if c.stack == nil {
		return true
	}
	c.ending = true
	if !by.End(c.stack) {
		c.ending = false
		return false
	}
	c.mustBeSound()
	return true
}

// mustBeSound panics if c's life has ended by a bug of the scheduler. It is called by
// whoever goes on then: on c's own stack nobody would hear of the panic.
func (c *carrier) mustBeSound() {
	if c.bug != "" {
		panic(c.bug)
	}
}

// forgetCarrier takes c, which will be ended, off the list of all. s.lock is held.
func (s *Sched) forgetCarrier(c *carrier) {
	s.allc.take(&c.listed)
}

// provideCarrier sees to it that m has a free carrier. The scheduling loop calls it
// before m runs a G, rather than the G when it parks: to make one takes more stack
// than is left of the 2 KB that a stack begins with, and a million parked Gs would
// have 4 KB each.
func (m *M) provideCarrier() {
	s := m.s
	if s.nfreec.load(m) > 0 {
		s.lock.lock(m)
		for m.nfreec < carriersMax/2 && s.freec != nil {
			c := s.freec
			s.freec = c.link
			s.nfreec.add(m, -1)
			m.pushCarrier(c)
		}
		s.lock.unlock(m)
	}
	if m.freec == nil {
		c := m.newCarrier()
		c.makeStack()
		m.pushCarrier(c)
	}
}

// popCarrier takes a free carrier, of which m has one whenever it runs a G.
func (m *M) popCarrier() *carrier {
	c := m.freec
	m.freec, c.link = c.link, nil
	m.nfreec--
	return c
}

func (m *M) pushCarrier(c *carrier) {
	c.link, m.freec = m.freec, c
	m.nfreec++
}

// putCarrier frees m's own carrier, which m is about to leave. It must stay on m's list
// until m has left it. If m's list is too long, half of it goes to the scheduler's list,
// for other Ms. Carriers that would make that list too long end.
func (m *M) putCarrier() {
	if m.nfreec >= carriersMax {
		s := m.s
		var surplus *carrier
		s.lock.lock(m)
		for m.nfreec > carriersMax/2 {
			c := m.freec
			m.freec = c.link
			m.nfreec--
			if s.nfreec.load(m) >= freeCarriersMax {
				s.forgetCarrier(c)
				c.link, surplus = surplus, c
				continue
			}
			c.link, s.freec = s.freec, c
			s.nfreec.add(m, 1)
		}
		s.lock.unlock(m)
		for c := surplus; c != nil; c = surplus {
			surplus, c.link = c.link, nil
			if !c.endStack(m.c.stack) { // another time
				s.lock.lock(m)
				s.listCarrier(c)
				s.lock.unlock(m)
				m.pushCarrier(c)
			}
		}
	}
	m.pushCarrier(m.c)
}

// run is what the coroutine runs: the scheduling loop, until its M ends or the coroutine
// is cancelled. It stays for another life, if it is not to end.
func (c *carrier) run(cancelled bool) {
	for !cancelled {
		c.live()
		if c.ending {
			return
		}
		cancelled = !c.stack.Switch(c.after())
	}
}

// live runs the scheduling loop. It ends for one of three reasons: its M ends; the G on
// it panicked or was cancelled, so that the scheduler stops and the M ends, too; or the
// coroutine is ended while no M is in it.
func (c *carrier) live() {
	returned := false
	defer func() {
		r := recover()
		c.leaveCurrent()
		c.thread.Unlock() // a G that panicked may have had it locked
		if r != nil && r != errCancelled {
			c.bug = fmt.Sprintf("sched: bug: %v\n%s", r, debug.Stack())
		}
		c.living = false
		// After runtime.Goexit the goroutine ends as soon as this returns, whatever it
		// has recovered. It may not before it is told to.
		for goexit := !returned && c.stack != nil && inGoexit(); goexit && !c.ending; {
			c.stack.Switch(c.after())
		}
	}()
	c.living = true
	if c.stack != nil { // else it is a locked thread's own, and stays there
		c.thread = threadlock.Mine()
	}
	c.enterCurrent()
	c.loop()
	returned = true
}

// after returns the stack to switch to when c's life is over: that of whoever has
// cancelled c, or that of its M, which ends.
func (c *carrier) after() *coro.Stack {
	if back := c.back; back != nil {
		c.back = nil
		return back
	}
	c.m.ended = true
	return c.m.base.stack
}

// loop is the scheduling loop. It ends when the M that runs it ends.
func (c *carrier) loop() {
	switch m := c.m; {
	case m.isSysmon:
		m.sysmon()
		return
	case m.Locked():
		m.runLocked()
		return
	}
	for {
		m := c.m
		m.commitPark(m.nextg != nil)
		if m.guest && !m.visitNext() {
			return
		}
		if m.freec == nil {
			m.provideCarrier()
		}
		if m.p == nil && !m.stopm() {
			return
		}
		gp := m.nextg
		m.nextg = nil
		// What is at hand need not go through schedule. Where steps are charged or explored it does,
		// as those are schedule's, and in debug mode for its checks. What atHand takes, a park takes
		// by it as well (G.park), and that is explored.
		if gp == nil && m.plain && !m.searching && m.s.stopping.load(m) == 0 {
			m.share()
			gp = m.atHand()
		}
		if gp == nil {
			if gp = m.schedule(); gp == nil {
				return
			}
		}
		if gp.c == nil {
			m.execute(gp)
			continue
		}
		if m.s.stopping.load(m) == stopping {
			return // gp may be unwinding on its carrier, see park
		}
		if gp.c.lockedm != nil {
			m.startlockedm(gp)
			continue
		}
		m.resume(gp)
		m.putCarrier()
		if !m.enter(gp.c) {
			return
		}
	}
}

// enter leaves m's carrier for c. It returns true when an M enters the left one again,
// and false when the left one is stopped instead.
func (m *M) enter(c *carrier) bool {
	left := m.c
	m.toEnter(c)
	return left.stack.Switch(c.stack)
}

// toEnter has m be about to enter c. The caller switches to it.
func (m *M) toEnter(c *carrier) {
	m.spend(machine.CostSwitch)
	m.c, c.m = c, m
}

// park blocks g. commit is called once g's carrier has been left; it makes g
// visible to whoever will ready it, or returns false to have g go on at once.
// It panics if g is locked to its thread, and if g is cancelled.
//
// Where many Gs take turns, what one touches of its stack is cold when it comes round again. So the
// steps of a park are called one after the other, and not each by the one before.
func (g *G) park(why WaitReason, commit func(*M, *G) bool) {
	if next := g.leave(g.beginPark().atHand(), why, commit); next != nil {
		g.goOn(g.c.stack.Switch(next.stack))
	}
}

// beginPark is the beginning of park. It returns g's M.
func (g *G) beginPark() *M {
	m := g.m
	if m.c.thread.Locked() {
		panic(errThreadLocked)
	}
	m.share()
	g.c = m.c // before anybody can see it: it is not to be started again
	return m
}

// atHand returns what m's P has at hand, or nil if the scheduling loop had better look.
func (m *M) atHand() *G {
	if m.c.lockedm != nil || m.guest {
		return nil
	}
	look := m.p.pol.Peek()
	if look == 0 || m.timerDue(m.p) {
		return nil
	}
	gp := m.runqget(look == policy.RingFirst)
	if gp != nil {
		m.turn()
	}
	return gp
}

// leave is what park does then, before g's carrier is left. It returns the carrier to switch to, or
// nil if g has waited already, on an M of its own. A gp that has a stack is entered directly.
// Everything else needs the scheduling loop, on another carrier.
func (g *G) leave(gp *G, why WaitReason, commit func(*M, *G) bool) (next *carrier) {
	m := g.m
	s := m.s
	if s.severalDomains || s.mayAsk == watched {
		g.notesPark()
	}
	m.eventG(machine.EventPark, g, uint64(why))
	if s.stopping.load(m) == stopping {
		// commit may have a lock to release. It may also make g visible while g is in
		// its carrier still. Whoever sees g then sees stopping, too, and does not enter.
		g.barred = cancelled
		commit(m, g)
		panic(errCancelled)
	}
	m.p.stats.Parks++
	if m.c.lockedm != nil {
		g.parkLocked(why, commit)
		return nil
	}
	if gp != nil && gp.c != nil && gp.c.lockedm == nil {
		next = gp.c
		m.resume(gp)
	} else {
		m.nextg = gp
		next = m.popCarrier()
	}
	g.toLeave(next, why, commit)
	return next
}

// notesPark notes where and when g parks.
func (g *G) notesPark() {
	m, rest := g.m, g.needRest()
	if m.s.severalDomains {
		rest.p = m.p
		if g.home.Load() == noHome { // it was run inline
			g.home.Store(int32(m.p.domain.index))
		}
	}
	if m.s.mayAsk == watched {
		rest.since = m.s.machine.Nanotime(&m.M)
	}
}

// toLeave has g's M be about to enter next, where commit is called. why is for those who look at g
// meanwhile. The caller switches to next, and then calls goOn.
func (g *G) toLeave(next *carrier, why WaitReason, commit func(*M, *G) bool) {
	m := g.m
	m.commit, m.commitG = commit, g
	m.c.parked, g.why = g, why
	m.toEnter(next)
}

// goOn is what g does when it is resumed. If its carrier was stopped instead, live is false.
func (g *G) goOn(live bool) {
	if !live {
		g.barred = cancelled
		g.m = g.m.s.m0 // no M runs it any more
		panic(errCancelled)
	}
	c := g.c
	c.parked, g.why = nil, WaitNone
	g.m = c.m
	g.m.commitPark(true)
}

// commitPark finishes the park that brought m to its present carrier, if any. busy says that m
// has another G to run first. If what the parked G waits for has come already, the G is queued
// behind that one, which may keep the P for long: so an idle P is to hear of it.
func (m *M) commitPark(busy bool) {
	if m.commit == nil {
		return
	}
	commit, gp := m.commit, m.commitG
	m.commit, m.commitG = nil, nil
	if !commit(m, gp) {
		m.eventG(machine.EventRequeue, gp, 0)
		m.runqput(gp, true)
		if busy {
			m.wakep(m.p.node)
		}
	}
}
