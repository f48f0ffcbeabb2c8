package sched

import (
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// How Ps and Ms come together and part. An M holds a P while it runs Gs. When it finds
// nothing to run, both go to the idle lists of their Node. Whoever has work takes a P
// and an M off them.

// acquirep has m hold p, which nobody else holds.
func (m *M) acquirep(p *P) {
	m.p, p.m = p, m
	m.eventP(machine.EventAcquire, p)
}

// releasep makes m's P idle, and m as well, and returns how many Ps are idle now. The
// lock of the P's Node is held. From then on m may be given another P: see woken. As in
// Go, m becomes idle later (stopm) where the lock is Go's.
func (m *M) releasep() census {
	p := m.partFromP()
	if !m.s.goLock {
		m.mput(p.node)
	}
	return m.pidleput(p.node, p)
}

// partFromP has m hold no P any more, and returns the one that it had.
func (m *M) partFromP() *P {
	p := m.p
	m.eventP(machine.EventRelease, p)
	m.p, p.m, m.oldp = nil, nil, p
	return p
}

// unidle undoes releasep, unless somebody has taken p or m meanwhile. It reports whether
// it did.
func (m *M) unidle(p *P) bool {
	n := p.node
	n.lock.lock(m)
	took := p.idle && (p.oldm == m || m.s.goLock)
	if took {
		m.pidletake(n, p)
		if m.idle {
			m.mtake(n, m)
		}
		m.acquirep(p)
	}
	n.lock.unlock(m)
	return took
}

// takeIdle takes p off the idle list, with an idle M if there is one, and reports
// whether p was there.
func (m *M) takeIdle(p *P) (mp *M, took bool) {
	n := p.node
	n.lock.lock(m)
	if took = p.idle; took {
		m.pidletake(n, p)
		mp = m.mget(n, p)
	}
	n.lock.unlock(m)
	return mp, took
}

// takeFirstIdle takes the first idle P off n's list, with an idle M if there is one. p is
// nil if no P is idle. n.lock is held.
func (m *M) takeFirstIdle(n *Node) (p *P, mp *M) {
	if p = n.idle.first(); p != nil {
		m.pidletake(n, p)
		mp = m.mget(n, p)
	}
	return p, mp
}

// startm has mp hold p and run, or a new M if mp is nil. The caller has taken both off
// the idle lists, and has counted a searcher if the M is to be one.
func (m *M) startm(p *P, mp *M, searching bool) {
	if m.p != nil {
		m.p.stats.wakes(m.p, p)
	}
	if mp == nil {
		m.newm(p, searching)
		return
	}
	mp.searching, mp.nextp = searching, p
	mp.note.wakeup(m)
}

// handoffp gives p, which nobody holds, to an M if there is work for it, and makes it
// idle otherwise. If p is to go, it goes.
func (m *M) handoffp(p *P) {
	m.eventP(machine.EventHandoff, p)
	n := p.node
	for step := policy.HasOwn; ; {
		yes := false
		switch step {
		case policy.HasOwn:
			yes = p.hasWork(m)
		case policy.HasQueued:
			yes = m.queued(n)
		case policy.MakeIdle:
			yes = m.idleUnlessQueued(p)
		case policy.AnyWork:
			yes = m.workFor(n)
		case policy.AnyTimers:
			yes = n.poll.load(m) == 0 && n.pollUntil(m) != 0
		case policy.GiveToM:
			m.startFor(p, false)
			return
		case policy.WakeM:
			m.wakep(n)
			return
		case policy.StayIdle:
			return
		}
		step = step.Next(yes)
	}
}

// idleUnlessQueued makes p, which nobody holds, idle and returns true, or has it go if it is
// to. It does nothing and returns false if a G is queued at p's Node.
func (m *M) idleUnlessQueued(p *P) bool {
	n := p.node
	n.lock.lock(m)
	if m.queued(n) {
		n.lock.unlock(m)
		return false
	}
	if m.goes(p) {
		n.lock.unlock(m)
		m.dismiss(p)
		return true
	}
	all := m.pidleput(n, p).allIdle()
	n.lock.unlock(m)
	if all {
		m.allPsIdle()
	}
	return true
}

// startFor has an idle M, or a new one, hold p. The caller has counted a searcher if the M
// is to be one.
func (m *M) startFor(p *P, searching bool) {
	n := p.node
	n.lock.lock(m)
	mp := m.mget(n, p)
	n.lock.unlock(m)
	m.startm(p, mp, searching)
}

// stopm makes m, which has no P, idle until it is woken for one. It returns false if the
// scheduler stops.
func (m *M) stopm() bool {
	if m.s.goLock {
		return m.stopLikeGo()
	}
	for n := m.oldp.node; m.p == nil; {
		if !m.idleUnlessStopping(n) {
			return false
		}
		m.waitForP(n) // without a P if m is to wait for n's descriptors: see keep
	}
	return true
}

// idleUnlessStopping makes m, which has no P, idle on n. It does nothing and returns false if
// the scheduler stops.
func (m *M) idleUnlessStopping(n *Node) bool {
	n.lock.lock(m)
	going := m.s.stopping.load(m) != stopping
	if going {
		m.mput(n)
	}
	n.lock.unlock(m)
	return going
}

// woken has m hold the P that it was woken for. There is none if m was woken because
// the scheduler stops, or to wait for descriptors.
func (m *M) woken() {
	if p := m.nextp; p != nil {
		m.nextp = nil
		m.acquirep(p)
		m.checkBinding(false)
	}
}
