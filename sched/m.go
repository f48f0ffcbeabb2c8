package sched

import (
	"errors"
	"runtime"
)

// An M is a worker thread. The Machine gives it a thread that calls Step; all
// else happens in carriers.
type M struct {
	ID    int
	Local any // the Machine's own

	// Path is the longest chain of Works, each of which had to wait for the one
	// before, that leads to where the G is that m runs. A Machine with a [Memory]
	// adds every Work to it, in its own units; elsewhere it is 0.
	Path int64

	s      *Sched
	memory Memory // nil on a machine whose memory is real
	p      *P     // nil for the M that stands for callers from outside

	c       *carrier          // the one entered
	nextg   *G                // fresh G for the carrier that is entered next
	commit  func(*M, *G) bool // finishes the park of commitG, see carrier
	commitG *G

	freec  *carrier
	nfreec int

	searching bool // counted in its Node's nsearch
	note      note

	// hunger is how many Gs at home on other nodes m may take in this search: not 0
	// if it has just slept for policy.Grace because it found nothing else.
	hunger uint32

	bound   bool  // its thread has been bound, or would have been but for bindErr
	bindErr error // why Bind failed, nil if it did not
}

// starts is called when m begins to run gp, or goes on with it.
func (m *M) starts(gp *G) {
	if m.memory != nil {
		m.Path = gp.path
	}
}

// leaves is called when gp is what m runs and will go on, or be waited for,
// elsewhere, or when gp has just been made by what m runs.
func (m *M) leaves(gp *G) {
	if m.memory != nil {
		gp.path = m.Path
	}
}

// waited is called when what m runs has waited for what a path led to.
func (m *M) waited(path int64) {
	if m.memory != nil {
		m.Path = max(m.Path, path)
	}
}

// errCancelled unwinds Gs that will never go on. It is also what their deferred
// functions panic with if they ask for anything.
var errCancelled = errors.New("sched: this G is cancelled, because its scheduler stops: its deferred functions can Alloc and Free, and nothing else")

// Step enters m's carrier and returns when it is left: for another, which the
// next Step enters, because of a [M.Pause], or, then Step returns false, because
// m has ended.
func (m *M) Step() (more bool) {
	c := m.c
	c.makeStack()
	c.m = m
	defer func() {
		if !more { // ended, or c.next exits the goroutine because a G called Goexit
			m.s.endedM()
		}
	}()
	_, more = c.next()
	return more
}

// endedM notes that an M has ended. It acts for m0, as the M is in no carrier
// that could pause.
func (s *Sched) endedM() {
	if s.nm.add(s.m0, -1) == 0 {
		s.machine.Futexwakeup(s.m0, &s.nm, 1)
	}
}

// Pause leaves m's carrier; the next Step goes on after the Pause. A Machine
// calls it from within a call that the scheduler made.
//
// A G that has locked its thread finds it locked as often as before: on a Machine
// that pauses Ms, threads are not real.
func (m *M) Pause() {
	locks := m.c.thread.Unlock()
	m.c.leave(struct{}{})
	for range locks {
		runtime.LockOSThread()
	}
}

// P returns the index of the P that m holds, or -1.
func (m *M) P() int {
	if m.p == nil {
		return -1
	}
	return m.p.id
}

// newm starts an M for p, which nobody else can see.
func (m *M) newm(p *P, searching bool) {
	s := m.s
	nm := &M{s: s, memory: s.machine.Memory(), p: p, searching: searching}
	nm.note.key.line = s.newLines(1)
	nm.c = m.newCarrier()
	p.m = nm
	p.tick = bindingTicks - 1 // have it bound at once
	s.lock.lock(m)
	nm.ID = s.nmstarted
	s.nmstarted++
	s.nm.add(m, 1)
	s.lock.unlock(m)
	s.machine.Newosproc(nm, m)
}
