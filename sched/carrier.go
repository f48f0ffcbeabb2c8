package sched

import (
	"fmt"
	"iter"
	"runtime/debug"
)

// A carrier is a stack: a coroutine in which an M's scheduling loop runs. Fresh
// Gs run directly on it, as a call from the loop. When one of them blocks, the
// carrier stays with it as its stack, and the M goes on with another carrier
// from its free list. Resuming a blocked G is entering its carrier, on any M.
//
// Invariant: a parked G becomes visible to others only after its carrier has
// been left. What makes it visible, the commit function, is therefore called in
// the carrier that is entered next, as Go's runtime calls gopark's unlockf on
// g0. Nobody ever meets a G whose carrier is still in use.
type carrier struct {
	next func() (struct{}, bool) // enter; returns when the carrier is left
	stop func()                  // end it, unwinding what is on it
	// leave returns to whoever entered. False: the carrier is being stopped.
	leave func(struct{}) bool

	m    *M       // which M has entered it
	link *carrier // on an M's free list, or on Sched.freec
	all  *carrier // on Sched.allc
}

// carriersMax is how many free carriers an M keeps before it gives half away.
const carriersMax = 64

func (m *M) newCarrier() *carrier {
	m.spend(CostNewStack)
	s := m.s
	var c *carrier
	if s.reuse != nil {
		c = s.reuse.carrier()
	} else {
		c = new(carrier)
		c.next, c.stop = iter.Pull(func(yield func(struct{}) bool) {
			c.leave = yield
			c.run()
		})
	}
	s.lock.lock(m)
	c.all, s.allc = s.allc, c
	s.ncarriers++
	s.lock.unlock(m)
	return c
}

// getCarrier returns a free carrier.
func (m *M) getCarrier() *carrier {
	if m.freec == nil {
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
			return m.newCarrier()
		}
	}
	c := m.freec
	m.freec, c.link = c.link, nil
	m.nfreec--
	return c
}

func (m *M) pushCarrier(c *carrier) {
	c.link, m.freec = m.freec, c
	m.nfreec++
}

// putCarrier frees m's own carrier, which m is about to leave: it must stay on
// m's list until then. What m has too many of goes to the other Ms.
func (m *M) putCarrier() {
	if m.nfreec >= carriersMax {
		s := m.s
		s.lock.lock(m)
		for m.nfreec > carriersMax/2 {
			c := m.freec
			m.freec = c.link
			m.nfreec--
			c.link, s.freec = s.freec, c
			s.nfreec.add(m, 1)
		}
		s.lock.unlock(m)
	}
	m.pushCarrier(m.c)
}

// run is what the coroutine runs.
func (c *carrier) run() {
	defer c.end()
	c.loop()
}

// loop is the scheduling loop. It ends when the M that runs it ends.
func (c *carrier) loop() {
	for {
		m := c.m
		m.commitPark()
		gp := m.nextg
		m.nextg = nil
		if gp == nil {
			if gp = m.schedule(); gp == nil {
				return
			}
		}
		if gp.c == nil {
			m.execute(gp)
			continue
		}
		if m.s.stopping.load(m) != 0 {
			return // gp may be unwinding on its carrier, see park
		}
		m.resume(gp)
		m.putCarrier()
		if !m.enter(gp.c) {
			return
		}
	}
}

// end ends the coroutine: because its M ends, because the G on it panicked or
// was cancelled (the scheduler is stopping, and the M ends too), or because
// Close stops a carrier that no M is in.
func (c *carrier) end() {
	if r := recover(); r != nil && r != errCancelled {
		panic(fmt.Sprintf("sched: bug: %v\n%s", r, debug.Stack()))
	}
}

// enter leaves m's carrier for c and returns when an M enters the left one
// again; false means that it was stopped instead.
func (m *M) enter(c *carrier) bool {
	m.spend(CostSwitch)
	left := m.c
	m.c = c
	return left.leave(struct{}{})
}

// park blocks g. commit is called once g's carrier has been left; it makes g
// visible to whoever will ready it, or returns false to have g go on at once.
func (g *G) park(commit func(*M, *G) bool) {
	m := g.m
	s := m.s
	// A G at hand that has a stack is entered directly; anything else is for the
	// scheduling loop on another carrier.
	gp := m.pickLocal()
	if s.stopping.load(m) != 0 {
		// commit may hold a lock. It may also make g visible, which is in its
		// carrier still: whoever sees g sees stopping, too, and does not enter.
		g.cancelled = true
		commit(m, g)
		panic(errCancelled)
	}
	m.commit, m.commitG = commit, g
	m.p.stats.Parks++
	m.leaves(g)
	if s.apart {
		g.p = m.p
		if g.home.Load() == noHome { // it was run inline
			g.home.Store(int32(m.p.place.index))
		}
	}
	var next *carrier
	if gp != nil && gp.c != nil {
		next = gp.c
		m.resume(gp)
	} else {
		m.nextg = gp
		next = m.getCarrier()
	}
	c := m.c
	if !m.enter(next) {
		g.cancelled = true
		g.m = s.m0 // no M runs it any more; its deferred functions can Free and little else
		panic(errCancelled)
	}
	g.m = c.m
	g.m.commitPark()
}

// commitPark finishes the park that brought m to its present carrier, if any.
func (m *M) commitPark() {
	if m.commit == nil {
		return
	}
	commit, gp := m.commit, m.commitG
	m.commit, m.commitG = nil, nil
	if !commit(m, gp) {
		m.runqput(gp, true)
	}
}
