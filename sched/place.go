package sched

import (
	"slices"

	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// ready makes gp, which was parked, runnable.
func (m *M) ready(gp *G) {
	m.eventG(machine.EventReady, gp, 0)
	if m.s.rules.Homes && m.readyElsewhere(gp) {
		return
	}
	m.runqput(gp, true)
	m.wakep(m.p.node)
}

// readyElsewhere makes gp runnable at its home node, and reports whether it has: not if it runs here,
// which may have become its home.
func (m *M) readyElsewhere(gp *G) bool {
	s, p := m.s, m.p
	here := int32(p.domain.index)
	switch home := gp.home.Load(); gp.rest.trail.Ready(&p.pol.Rand, home, here) { // rest is there: gp has parked
	case policy.Move:
		gp.home.Store(here)
		p.stats.Follows++
	case policy.AtHome:
		if d := s.domains[home]; d.hasPs(m) && m.mayPush(d.node) {
			m.readyAt(d.node, gp)
			return true
		}
	}
	return false
}

// readyAt makes gp runnable on node n: on its last P if that is idle there, else
// in n's queue.
func (m *M) readyAt(n *Node, gp *G) {
	if p := gp.rest.p; p.node == n {
		if mp, ok := m.takeIdle(p); ok {
			p.runnext.swap(m, gp) // p is ours until we start an M for it, and its ring is empty
			m.startm(p, mp, false)
			return
		}
	}
	m.send(n, gp)
	m.wakep(n)
}

// mayPush reports whether a G that is at home on n goes to n's queue: always, but for
// NUMA-WS, whose mailboxes may be full.
func (m *M) mayPush(n *Node) bool {
	return !m.s.arm.Biased || m.p.pol.Push(n.nrunq.load(m), max(n.nprocs.load(m), 1))
}

// spawnAt makes the fresh gp runnable where it was asked to be. Arms without homes
// note what was asked, so that locality can be told, and ignore it.
func (m *M) spawnAt(gp *G, where Placement) {
	s, n := m.s, m.p.node
	if id, ok := where.Node(); ok {
		i := slices.IndexFunc(s.domains, func(d *domain) bool { return d.id == id })
		if i < 0 {
			s.strays.LoadOrStore(id, true)
		} else if s.severalDomains {
			gp.home.Store(int32(i))
			if home := m.placeOf(int32(i), m.p.domain); home != nil && home != n && m.mayPush(home) {
				m.send(home, gp)
				m.wakep(home)
				return
			}
		}
	}
	m.runqput(gp, false)
	m.wakep(n)
}

// placeOf returns the Node that a G with this home goes to, by the index of its domain, or nil
// if it stays here. here is nil for callers that hold no P.
func (m *M) placeOf(home int32, here *domain) *Node {
	if home == noHome {
		return nil
	}
	at := int32(noHome)
	if here != nil {
		at = int32(here.index)
	}
	if d := m.s.domains[home]; m.s.rules.Place(home, at, d.hasPs(m)) == policy.AtHome {
		return d.node
	}
	return nil
}
