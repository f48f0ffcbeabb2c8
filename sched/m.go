package sched

import (
	"errors"
	"runtime"
	"sync/atomic"

	"numasched/sched/internal/coro"
	"numasched/sched/internal/machine"
)

// An M is a worker thread. The Machine gives it a thread, which calls Step. A guest has that of
// its caller instead (guest.go). All else happens in carriers.
type M struct {
	machine.M // what the machine sees; its Worker is the M itself

	s      *Sched
	memory machine.Memory    // nil on a machine whose memory is real
	events machine.EventSink // nil while nobody wants to know, see event.go
	log    *machine.EventLog // events, if m may write into it by itself, see tellG
	began  *G                // whose start is yet to be told, see eventBegin
	plain  bool              // the short ways are open: of forks and joins (short), and of the loop (carrier.go)
	seq    uint32            // events that named it, likewise
	p      *P                // that it holds; nil while it has none
	nextp  *P                // that it will hold when it wakes; set by whoever wakes it

	syscall uint32 // value of oldp.status while m is in a system call

	isSysmon bool
	lockedg  *G          // that m belongs to, see lockedm.go; nil if it belongs to none
	stays    atomic.Bool // it waits for a P with a G that has locked the thread

	guest  bool     // see guest.go
	visit  *visit   // of a guest: what it comes for next
	spare  *visit   // of a guest: one that has ended, for the next time
	door   *door    // likewise: where it came, and will be free
	visits []*visit // likewise, on a simulated machine: what it comes for later

	ownCache machine.Cache // of Alloc while m has no P; see cache

	// On the idle list of the Node whose P it held last; under that Node's lock.
	idle   bool
	oldp   *P // the P that it held last
	listed elem[M]

	base    *base             // of the goroutine that calls Step
	ended   bool              // the last Step is over
	c       *carrier          // the one entered
	nextg   *G                // fresh G for the carrier that is entered next
	commit  func(*M, *G) bool // finishes the park of commitG, see carrier
	commitG *G
	unlocks *mutex // by commitUnlock

	freec  *carrier
	nfreec int

	netready gList // Gs that a poller has found ready
	leftPoll int64 // when it left its node's poller to run some; 0 if it was idle since
	brief    bool  // it was idle again soon after it had last left a poller

	inherits  bool // the G that it runs next inherits the time slice: it was in runnext
	searching bool // counted in its Node's nsearch

	// hunger is how many Gs at home on other nodes m may take in this search: not 0
	// if it has just slept for policy.Grace because it found nothing else.
	hunger uint32

	// triedFair says that m went back to searching for Gs that nobody spares: see tryFair.
	triedFair bool

	hunt hunt // of steal

	bindTried bool   // Bind was called for its thread
	bindErr   error  // why Bind failed, nil if it did not
	bindSeen  uint32 // Sched.cpuChanges when it was tried

	_    linePad
	note note
	_    linePad
}

// errCancelled unwinds Gs that will never go on. It is also what their deferred
// functions panic with if they ask for anything.
var errCancelled = errors.New("sched: this G is cancelled, because its scheduler stops: its deferred functions can Alloc and Free, and nothing else")

// Step implements [machine.Worker]: it enters m's carrier.
func (m *M) Step() (more bool) {
	c := m.c
	if m.Locked() && m.memory == nil {
		defer m.endLocked() // whatever ends the goroutine
		c.m = m
		c.live()
		return false
	}
	b := m.base
	b.enter(m)
	b.stack.Switch(c.stack)
	if m = b.m; m.ended {
		m.c.mustBeSound()
		m.eventM(machine.EventEndM, m)
		m.s.endedM()
	}
	return !m.ended
}

// A base is a goroutine that calls Step, or Do, and waits until an M leaves its stack for it.
type base struct {
	stack *coro.Stack
	m     *M // that has been entered, and not left for another one
}

// enter notes that m's carrier is about to be entered.
func (b *base) enter(m *M) {
	m.c.makeStack()
	m.c.m = m
	m.base, b.m = b, m
}

// endedM notes that an M has ended. It acts in the name of m0: the M is in no
// carrier any more, so it could not pause.
func (s *Sched) endedM() {
	if s.nm.add(s.m0, -1) == 0 {
		s.machine.Futexwakeup(&s.m0.M, s.nm.futex(), 1)
	}
}

// Pause implements [machine.Worker]: it leaves m's carrier.
//
// A G that has locked its thread finds it locked as often as before: on a Machine
// that pauses Ms, threads are not real.
func (m *M) Pause() { m.leaveFor(nil) }

// PauseFor implements [machine.Worker]: whoever has called Step now waits for next.
func (m *M) PauseFor(next *machine.M) { m.leaveFor(next.Worker.(*M)) }

// leaveFor leaves m's stack for that of next, or for that of whoever has called Step.
func (m *M) leaveFor(next *M) {
	locks := m.c.thread.Unlock()
	to := m.base.stack
	if next != nil {
		m.base.enter(next)
		to = next.c.stack
	}
	m.c.stack.Switch(to)
	for range locks {
		runtime.LockOSThread()
	}
}

// P implements [machine.Worker].
func (m *M) P() int {
	if m.p == nil {
		return -1
	}
	return m.p.id
}

// Owner implements [machine.Worker].
func (m *M) Owner() any { return m.s }

// Nanotime implements [machine.Worker].
func (m *M) Nanotime() int64 { return m.s.machine.Nanotime(&m.M) }

// newm starts an M for p, which nobody else can see.
func (m *M) newm(p *P, searching bool) {
	nm := m.allocm()
	nm.searching = searching
	p.pol.BindSoon()
	m.startNew(nm, p)
}

func (m *M) allocm() *M {
	s := m.s
	nm := &M{s: s, memory: s.machine.Memory(), base: &base{stack: coro.Current()}}
	nm.Worker = nm
	nm.listed.of = nm
	nm.note.key.line = s.newLines(1)
	nm.c = m.newCarrier()
	return nm
}

// listM gives nm its ID, and puts it on the list of all Ms. s.lock is held.
func (s *Sched) listM(nm *M) {
	nm.ID = s.mcount
	s.mcount++
	s.allm = append(s.allm, nm)
}

// tellOf has nm tell of its events, and tells of nm, which is listed.
func (m *M) tellOf(nm *M) {
	nm.listen(m.s.eventsOf(nm))
	nm.plain = m.s.m0.plain
	m.eventM(machine.EventNewM, nm)
}

// startNew gives nm a thread, and p unless it is nil. If there are too many Ms it stops the
// scheduler instead and returns false.
func (m *M) startNew(nm *M, p *P) bool {
	s := m.s
	s.lock.lock(m)
	if int(s.nm.Peek()) >= s.maxMs && s.err == nil {
		s.lock.unlock(m)
		m.stop(m.tooManyMs())
		return false
	}
	s.listM(nm)
	s.nm.add(m, 1)
	s.lock.unlock(m)
	m.tellOf(nm)
	if p != nil {
		nm.acquirep(p)
	}
	s.machine.Newosproc(&nm.M, &m.M)
	return true
}
