package sched

import (
	"errors"
	"os"
	"time"

	"numasched/sched/internal/machine"
)

// The network poller, after Go's netpoll.go. A Node has a poller of the machine's, made
// when a G of the node first opens a descriptor. The poller says which descriptors have
// become ready, and this file makes the Gs ready that wait for them.
//
// The poller is looked at
//   - by the M that waits for the node (poll.go), which waits in it;
//   - by an M of the node that finds nothing queued (findRunnable), without waiting, before it
//     searches elsewhere;
//   - by sysmon, if nobody has for 10 ms.
//
// So news may be found late where Gs keep every P busy. Whoever waits though what he waits for may
// be there already, as a read of an emptied connection in host/hostnet does, asks Prompt first.
//
// For each of the two modes, read and write, a descriptor has one word:
//
//	nil      nobody waits, and nothing has come
//	pdReady  something has come, or the wait is over otherwise: who looks next takes it
//	pdWait   a G is about to park
//	a G      it has parked
//
// A G that waits stores pdWait, looks whether the descriptor is closed or its time is
// over, and parks; its commit replaces pdWait by the G. Whoever has news replaces what it
// finds by pdReady (or by nil, if it is no news of the device) and makes a G that it finds
// ready. So news that comes while the G is about to park is not lost: the commit fails.
//
// Node.waiters counts the Gs that have parked here. It grows before the G can be seen, and
// shrinks after it was queued, so that checkdead does not miss it.

// A PollMode is what a G waits for at a descriptor.
type PollMode uint8

const (
	PollRead PollMode = iota
	PollWrite
)

var waitIO = [2]WaitReason{PollRead: WaitIORead, PollWrite: WaitIOWrite}

// The values of a mode's word that are no Gs.
var pdReady, pdWait = new(G), new(G)

// A PollDesc is a descriptor that Gs wait for. At most one G may wait for each mode. It is
// for packages like host/hostnet, which make connections of it.
type PollDesc struct {
	s      *Sched
	node   *Node
	poller machine.Poller

	lock   mutex // protects what follows but the words
	closed bool
	half   [2]pollHalf
}

// A pollHalf is one mode of a PollDesc.
type pollHalf struct {
	g        wordG // see above
	deadline int64 // of the machine's clock; 0: none; less than 0: over
	timer    timer // for the deadline
}

// ErrPollClosed says that a descriptor was closed while a G waited for it, or before.
var ErrPollClosed = errors.New("sched: the descriptor is closed")

// OpenPoll returns a new PollDesc at the poller of the node that g runs on. It is nil if the
// machine has no poller. The error is the machine's: it could not make one. The caller
// tells the machine of the descriptor.
func (g *G) OpenPoll() (*PollDesc, error) {
	m := g.running()
	n := m.p.node
	if err := m.startPoller(n); err != nil {
		return nil, err
	}
	pl := n.poller()
	if pl == nil {
		return nil, nil
	}
	pd := &PollDesc{s: m.s, node: n, poller: pl}
	pd.lock.key.line = m.s.newLines(1)
	for mode := range pd.half {
		h := &pd.half[mode]
		h.g.line = m.s.newLines(1)
		h.timer = timer{fire: fireDeadline, arg: pd}
	}
	return pd, nil
}

// startPoller makes n's poller, unless it has one.
func (m *M) startPoller(n *Node) error {
	s := m.s
	if n.netpoll.Load() != nil {
		return nil
	}
	s.lock.lock(m)
	if n.netpoll.Load() != nil {
		s.lock.unlock(m)
		return nil
	}
	pl, err := s.machine.NewPoller()
	if err == nil {
		n.netpoll.Store(&pl)
	}
	s.lock.unlock(m)
	if pl == nil || err != nil {
		return err
	}
	n.timed.store(m, 1)
	// An M may wait for timers, and not in the poller.
	n.broken.store(m, 1)
	s.machine.Futexwakeup(&m.M, n.broken.futex(), 1)
	pl.Break(&m.M)
	return nil
}

// poller returns n's poller, or nil if it has none.
func (n *Node) poller() machine.Poller {
	if pl := n.netpoll.Load(); pl != nil {
		return *pl
	}
	return nil
}

// Poller returns the machine's poller that pd belongs to.
func (pd *PollDesc) Poller() machine.Poller { return pd.poller }

// as calls f in the name of g, or in that of callers from outside if g is nil. It returns
// false, and does not call f, if g is nil and the scheduler is closed.
func (pd *PollDesc) as(g *G, f func(m *M)) bool {
	if g != nil {
		f(g.running())
		return true
	}
	return pd.s.fromOutside(f)
}

// Prepare is called before g tries what may have to wait. It returns [ErrPollClosed] or
// [os.ErrDeadlineExceeded] if that would fail. What has come so far is forgotten.
func (pd *PollDesc) Prepare(g *G, mode PollMode) error {
	m := g.running()
	pd.lock.lock(m)
	err := pd.check(mode)
	if err == nil {
		pd.half[mode].g.swap(m, nil)
	}
	pd.lock.unlock(m)
	return err
}

// Prompt reports whether g hears at once of what has come, if it waits now instead of trying first:
// it may wait, and its M will look at the poller next, because nothing is queued for its P. What
// is queued a moment later may come first all the same.
func (pd *PollDesc) Prompt(g *G) bool {
	m := g.running()
	p := m.p
	return p.node == pd.node && !m.c.thread.Locked() && p.ring.private() == 0 && !p.hasWork(m) && !m.queued(p.node)
}

// check returns why nobody may wait for the descriptor. pd.lock is held.
func (pd *PollDesc) check(mode PollMode) error {
	switch {
	case pd.closed:
		return ErrPollClosed
	case pd.half[mode].deadline < 0:
		return os.ErrDeadlineExceeded
	}
	return nil
}

// look is check for who does not hold pd.lock.
func (pd *PollDesc) look(m *M, mode PollMode) error {
	pd.lock.lock(m)
	err := pd.check(mode)
	pd.lock.unlock(m)
	return err
}

// Wait blocks g until the descriptor is ready, or was ready since [PollDesc.Prepare], or since
// the last Wait. The errors are those of Prepare; after one what has come may be forgotten.
func (pd *PollDesc) Wait(g *G, mode PollMode) error {
	h := &pd.half[mode]
	for {
		m := g.running()
		if m.c.thread.Locked() {
			panic(errThreadLocked)
		}
		if !h.g.cas(m, nil, pdWait) {
			if !h.g.cas(m, pdReady, nil) {
				panic(errTwoWaiters)
			}
			break
		}
		err := pd.look(m, mode)
		if err == nil {
			g.needRest().io = h
			g.rest.ioNode = pd.node
			g.park(waitIO[mode], commitIO)
			m = g.m
		}
		if h.g.swap(m, nil) == pdReady || err != nil {
			break
		}
	}
	return pd.look(g.m, mode)
}

// commitIO makes g visible to who has news of its descriptor, unless news came meanwhile.
func commitIO(m *M, g *G) bool {
	n := g.rest.ioNode
	n.waiters.add(m, 1)
	if !g.rest.io.g.cas(m, pdWait, g) {
		n.waiters.add(m, -1)
		return false
	}
	// Nobody may wait in the poller: see timerAdded.
	if n.poll.load(m) == 0 {
		if n.nidle.load(m) != 0 {
			if !m.soonBack(n) {
				m.wakep(n)
			}
		} else if n.nprocs.load(m) == 0 {
			m.keep(n)
		}
	}
	return true
}

// unblock notes news, and returns the G that waited for it, or nil. If device is not set
// the news is not that the device is ready, and nobody need remember it.
func (h *pollHalf) unblock(m *M, device bool) *G {
	for {
		old := h.g.load(m)
		if old == pdReady || old == nil && !device {
			return nil
		}
		next := (*G)(nil)
		if device {
			next = pdReady
		}
		if h.g.cas(m, old, next) {
			if old == nil || old == pdWait {
				return nil
			}
			return old
		}
	}
}

// Ready says that the descriptor is ready. A [machine.Poller] calls it in its Wait, for the
// M that waits.
func (pd *PollDesc) Ready(by *machine.M, mode PollMode) {
	m := by.Worker.(*M)
	if gp := pd.half[mode].unblock(m, true); gp != nil {
		m.netready.push(gp)
	}
}

// injectNetready makes the Gs ready that the poller of n has found, and reports whether
// there were any. m need not hold a P. If looks is set, m looks for work next, and searches
// for nobody else: so it wakes nobody for what it takes itself.
func (m *M) injectNetready(looks bool) bool {
	list := &m.netready
	if list.n == 0 {
		return false
	}
	n, came := list.first.rest.ioNode, int32(list.n) // all are of one poller
	switch {
	case m.p == nil:
		m.injectglist(list)
	case looks && list.n == 1:
		m.putHome(list.pop())
	default:
		for gp := list.pop(); gp != nil; gp = list.pop() {
			m.readyHome(gp)
		}
	}
	n.waiters.add(m, -came)
	return true
}

// netpoll looks at n's poller, if nobody waits in it and a G waits for it, and makes ready
// what has come. It reports whether anything has.
func (m *M) netpoll(n *Node) bool {
	pl := n.poller()
	if pl == nil || n.waiters.load(m) == 0 || n.poll.load(m) != 0 {
		return false
	}
	n.polled.store(m, uint64(m.s.machine.Nanotime(&m.M)))
	pl.Wait(&m.M, 0)
	return m.injectNetready(!m.searching)
}

// SetDeadline has waits for mode end in d from now, with [os.ErrDeadlineExceeded]: at once
// if d is 0 or less. With none set, they do not end. g is the G that calls, or nil.
func (pd *PollDesc) SetDeadline(g *G, mode PollMode, d time.Duration, none bool) error {
	err := ErrPollClosed
	pd.as(g, func(m *M) {
		h := &pd.half[mode]
		var gp *G
		pd.lock.lock(m)
		if !pd.closed {
			err = nil
			m.delTimer(&h.timer)
			switch {
			case none:
				h.deadline = 0
			case d <= 0:
				h.deadline = -1
				gp = h.unblock(m, false)
			default:
				h.deadline = m.whenAfter(int64(d))
				m.addTimerTo(pd.timers(m), &h.timer, h.deadline)
			}
		}
		pd.lock.unlock(m)
		m.wakeIO(gp)
	})
	return err
}

// timers returns the heap for deadlines: that of m's P, or, if m has none, of some P of the
// node.
func (pd *PollDesc) timers(m *M) *timers {
	if m.p != nil {
		return &m.p.timers
	}
	return &m.firstP(pd.node).timers
}

// fireDeadline ends the wait for a descriptor whose time is over.
func fireDeadline(m *M, t *timer, when int64) {
	pd := t.arg.(*PollDesc)
	var gp *G
	pd.lock.lock(m)
	for mode := range pd.half {
		if h := &pd.half[mode]; &h.timer == t && h.deadline > 0 && h.deadline <= when {
			h.deadline = -1
			gp = h.unblock(m, false)
		}
	}
	pd.lock.unlock(m)
	m.wakeIO(gp)
}

// Evict has all that wait for the descriptor, and all that will, get [ErrPollClosed]. Call
// it before the descriptor is closed. g is the G that calls, or nil. Evict returns false
// if the descriptor was evicted before.
func (pd *PollDesc) Evict(g *G) (first bool) {
	pd.as(g, func(m *M) {
		var gs [2]*G
		pd.lock.lock(m)
		if first = !pd.closed; first {
			pd.closed = true
			for mode := range pd.half {
				m.delTimer(&pd.half[mode].timer)
				gs[mode] = pd.half[mode].unblock(m, false)
			}
		}
		pd.lock.unlock(m)
		m.wakeIO(gs[0])
		m.wakeIO(gs[1])
	})
	return first
}

// wakeIO makes ready a G that waited for a descriptor, which is not ready. gp may be nil.
func (m *M) wakeIO(gp *G) {
	if gp != nil {
		m.netready.push(gp)
		m.injectNetready(false)
	}
}
