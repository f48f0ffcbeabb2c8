package sched

import (
	"math"
	"slices"

	"numasched/sched/policy"
)

// Where Ms wait that have nothing to run. All but one of a node's idle Ms sleep on their
// notes. One waits for the node's timers and descriptors, if there are any: Go's M in
// netpoll.
//
// Invariant: while a P of the node is idle, and a P of the node has a timer or a G waits for
// a descriptor of the node, some M of the node waits for that, or searches, or is about to
// do one of these. There is one exception: an M may have left the poller to run one G, and
// believes that it is back there soon. See leavesBriefly. The exception ends when that M
// becomes idle, or its P is taken from it in a system call. While the M computes, sysmon has
// another wait within two policy.PollPatiences.
//
//   - Whoever adds a timer publishes it (timers.next), then looks at Node.poll. If an M
//     waits there until later, it breaks the wait. If none waits, it wakes an M as for
//     new work (wakep), unless every P of the node is busy. So does a G that waits for a
//     descriptor, unless its M is back at this poller soon; it need not break a wait, because
//     who waits has the poller tell.
//   - An M that is about to sleep has made its P idle. It then looks at the timers and at
//     Node.waiters, and at Node.poll. If it is to wait, it stores Node.poll and looks at
//     the timers again. So either it sees the new timer, or it is seen.
//   - An M that has waited takes an idle P of the node and becomes a searcher, unless it
//     leaves briefly. It clears
//     Node.poll under the node's lock, in the same critical section. So an M that has
//     seen it wait, and has gone to sleep therefore, has left a P for it to take.
//   - If there is no idle P, nobody need wait: Ms that hold Ps look at their timers in
//     every turn, and the first that becomes idle waits.
//   - A node that has no Ps any more has no timers, but may have descriptors. If a G waits
//     for one, an M of the node waits in the poller, without a P. What comes it queues
//     elsewhere. Whoever makes the first G wait, or takes the last P, sees to it (keep).
//
// The M that waits is on no list of idle Ms, and holds no P.

// keep has an M wait for the descriptors of n, which has no Ps any more, if a G waits for one
// and no M does. That M is an idle one, which finds out by itself what to do, or a new one.
func (m *M) keep(n *Node) {
	if n.poll.load(m) != 0 || n.waiters.load(m) == 0 {
		return
	}
	n.lock.lock(m)
	mp := n.midle.first()
	if mp != nil {
		m.mtake(n, mp)
	}
	n.lock.unlock(m)
	if mp != nil {
		mp.note.wakeup(m)
		return
	}
	nm, made := m.allocm(), m.s.layout.load(m).made
	nm.oldp = made[slices.IndexFunc(made, func(p *P) bool { return p.node == n })]
	m.startNew(nm, nil)
}

// pollForever is Node.poll while an M waits there without an end, or has yet to say
// until when.
const pollForever = math.MaxInt64

// timerAdded is called after the first timer of one of n's Ps has become one that is due
// at when.
func (m *M) timerAdded(n *Node, when int64) {
	if n.timed.load(m) == 0 {
		n.timed.store(m, 1)
	}
	switch until := int64(n.poll.load(m)); {
	case until == 0:
		if n.nidle.load(m) != 0 {
			m.wakep(n)
		}
	case when < until:
		m.breakPoll(n)
	}
}

// breakPoll has the M that waits for n's timers look again.
func (m *M) breakPoll(n *Node) {
	if n.broken.swap(m, 1) == 0 {
		m.s.machine.Futexwakeup(&m.M, n.broken.futex(), 1)
		if pl := n.poller(); pl != nil {
			pl.Break(&m.M)
		}
	}
}

// firstTimer returns when the first timer of n's Ps is due, or 0 if they have none.
func (n *Node) firstTimer(m *M) (when int64) {
	if n.timed.load(m) == 0 {
		return 0
	}
	for _, p := range m.psOf(n) {
		if next := int64(p.timers.next.load(m)); next != 0 && (when == 0 || next < when) {
			when = next
		}
	}
	return when
}

// pollUntil returns when an M that waits for n has to look again at the latest, or 0 if there
// is nothing to wait for.
func (n *Node) pollUntil(m *M) int64 {
	until := n.firstTimer(m)
	if until == 0 && n.timed.load(m) != 0 && n.waiters.load(m) != 0 {
		return pollForever
	}
	return until
}

// timerDue reports whether the scheduling loop has to run a timer of p.
func (m *M) timerDue(p *P) bool {
	next := p.timers.next.load(m)
	return next != 0 && int64(next) <= m.s.machine.Nanotime(&m.M)
}

// pollNode runs the timers that are due on the other Ps of m's node, or on those of the node
// that m was woken for, where it also looks at the poller. It reports whether there was
// anything.
func (m *M) pollNode() (ran bool) {
	n := m.p.node
	if late := m.p.late; late != nil {
		n, m.p.late = late, nil
		ran = m.netpoll(n)
	}
	if n.timed.load(m) == 0 {
		return ran
	}
	for _, p := range m.psOf(n) {
		ran = m.runTimers(p) || ran
	}
	return ran
}

// waitForP waits until m, which is idle, has a P, or until the scheduler stops. n is the
// Node that it is idle on.
func (m *M) waitForP(n *Node) {
	m.cameBack()
	for n.pollUntil(m) != 0 && m.startPoll(n) {
		if m.poll(n) {
			return
		}
		m.s.machine.Osyield(&m.M) // n's last P may be on its way out: somebody moves its timers
	}
	m.note.sleep(m)
	m.woken()
}

// startPoll has m leave the list of idle Ms to wait for n's timers. It returns false if m
// shall sleep instead: another waits already, or somebody has taken m to wake it, or the
// node has Ps and none is idle.
func (m *M) startPoll(n *Node) bool {
	n.lock.lock(m)
	start := m.idle && (n.idle.first() != nil || n.nprocs.load(m) == 0) && n.poll.load(m) == 0
	if start {
		m.mtake(n, m)
		n.poll.store(m, pollForever)
	}
	n.lock.unlock(m)
	return start
}

// poll waits until a timer of n is due, and has m hold an idle P then. It returns false if
// m has become an idle M again: there is no timer any more, or no idle P. It returns true
// without a P if the scheduler stops.
func (m *M) poll(n *Node) bool {
	s, left := m.s, int64(0)
	for {
		n.broken.store(m, 0)
		until := n.pollUntil(m)
		if s.stopping.load(m) == stopping {
			return true
		}
		if until == 0 {
			return m.endPoll(n, false)
		}
		now := s.machine.Nanotime(&m.M)
		if until <= now {
			return m.endPoll(n, true)
		}
		if int64(n.poll.v) != until { // nobody else writes it
			n.poll.store(m, uint64(until))
			if first := n.firstTimer(m); first != 0 && first < until {
				continue // who added it may not have seen that m waits until later
			}
		}
		ns := until - now
		if until == pollForever {
			ns = -1
		}
		if pl := n.poller(); pl != nil {
			pl.Wait(&m.M, ns)
			left = s.machine.Nanotime(&m.M)
			n.polled.store(m, uint64(left))
		} else {
			s.machine.Futexsleep(&m.M, n.broken.futex(), 0, ns)
		}
		if m.netready.n > 0 {
			m.leftPoll = left
			if !m.endPoll(n, true) {
				m.leftPoll = 0
				return false
			}
			return true
		}
	}
}

// cameBack notes how long m, which is idle again, was away from the poller that it left last.
func (m *M) cameBack() {
	if m.leftPoll != 0 {
		m.brief = policy.Brief(m.leftPoll, m.s.machine.Nanotime(&m.M))
		m.leftPoll = 0
	}
}

// leavesBriefly reports whether m, which leaves n's poller, need not see to it that another M
// waits there: it has one G to run, the last time it was back soon, and no timer of n is due
// before somebody looks in any case. It is no searcher then, so that it wakes no other M when
// it has found the G. If it stays away, sysmon wakes an M (wakePoller). Without sysmon nobody
// would.
func (m *M) leavesBriefly(n *Node) bool {
	return m.brief && m.netready.n == 1 && !m.s.noSysmon && policy.MayLeave(n.firstTimer(m), m.leftPoll)
}

// soonBack reports whether m has left n's poller briefly, and not for long yet. It may have left
// that of its own node only: it has to be idle before it can have a P of another.
func (m *M) soonBack(n *Node) bool {
	return m.leftPoll != 0 && m.p.node == n && m.brief && !m.s.noSysmon &&
		policy.Brief(m.leftPoll, m.s.machine.Nanotime(&m.M))
}

// wakePoller is for sysmon: it wakes an M to wait for n's timers and descriptors, if a P of n
// is idle and nobody waits for them. sysmon calls it when nobody has looked for long: an M that
// has left the poller briefly may stay away.
func (m *M) wakePoller(n *Node) bool {
	if n.nidle.load(m) == 0 || n.poll.load(m) != 0 || n.pollUntil(m) == 0 {
		return false
	}
	m.wakep(n)
	return true
}

// endPoll ends m's wait. If it is to run something and a P is idle, m holds that, as a
// searcher unless it leaves briefly. Otherwise m becomes an idle M.
func (m *M) endPoll(n *Node, run bool) bool {
	n.lock.lock(m)
	if m.s.stopping.load(m) == stopping {
		n.lock.unlock(m)
		return true
	}
	n.poll.store(m, 0)
	p := n.pick(m.oldp)
	if run = run && p != nil; run {
		m.pidletake(n, p)
		m.acquirep(p)
		if !m.leavesBriefly(n) {
			m.searching = true
			n.nsearch.add(m, 1)
		}
		p.stats.Polls++
	} else {
		m.mput(n)
	}
	n.lock.unlock(m)
	if run {
		m.checkBinding(false)
	}
	m.injectNetready(run && !m.searching) // others may write searching of an idle M
	return run
}
