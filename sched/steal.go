package sched

import (
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// steal looks for a G at other Ps and Nodes, in the order of policy.Search. It returns nil
// if there is none, and if the scheduler stops.
func (m *M) steal() (gp *G) {
	s, p := m.s, m.p
	if l := s.layout.load(m); l != p.layout {
		p.follow(s, l)
	}
	for search := p.pol.Search(m.hunger); gp == nil; {
		switch step := search.Next(&p.pol); step.Kind {
		case policy.AnyP:
			if v := p.layout.ps[step.Index]; v.domain != p.domain {
				gp = m.stealFrom(v, step.Theft)
			}
		case policy.Victim:
			if s.stopping.load(m) == stopping {
				return nil
			}
			if v := p.tiers[step.Tier][step.Index]; v != p {
				gp = m.stealFrom(v, step.Theft)
			}
		case policy.OwnQueue:
			gp = m.queueGet(p.node, m.queueBatch(p.node))
		case policy.FarQueue:
			gp = m.queueRob(p.layout.near[p.node.index][step.Index], step.Theft)
		case policy.GiveUp:
			return nil
		}
	}
	return gp
}

// stealFrom takes Gs from v's ring into m's, as many as how says, and returns one of
// what it took. If there are none it may take what v would run next.
func (m *M) stealFrom(v *P, how policy.Theft) *G {
	p := m.p
	n := v.ring.grab(m, &p.ring, func(r *ring, head, n uint32) uint32 {
		free := uint32(0)
		if how.Spares {
			free = m.fairInRing(r, head, n)
		}
		return how.Take(n, free)
	})
	if n == 0 {
		return m.stealNext(v, how)
	}
	p.stats.steals(p, v, n)
	p.pol.Stole(n, how.Remote)
	gp := p.ring.pop(m)
	m.eventG(machine.EventSteal, gp, theft(n, v.id))
	return gp
}

// stealNext takes the G that v would run next, if that has been there for a while and
// stays: see policy.NextDelay and NextLooks.
func (m *M) stealNext(v *P, how policy.Theft) *G {
	if !how.Last {
		return nil
	}
	gp := v.runnext.load(m)
	if gp == nil || !how.TakeNext(m.sparing().spares(gp)) {
		return nil
	}
	m.s.machine.Futexsleep(&m.M, m.note.key.futex(), noteClear, policy.NextDelay)
	if m.memory == nil { // else the delay was as short as it was to be
		for range policy.NextLooks {
			if v.runnext.load(m) != gp {
				return nil
			}
		}
	}
	if !v.runnext.cas(m, gp, nil) {
		return nil
	}
	m.p.stats.steals(m.p, v, 1)
	m.eventG(machine.EventSteal, gp, theft(1, v.id))
	return gp
}

// A sparing says which Gs thieves from other nodes spare: those that have a home, unless
// Works on that node are light (policy.Light). It remembers one home.
type sparing struct {
	m      *M
	home   int32
	spared bool
}

func (m *M) sparing() *sparing { return &sparing{m: m, home: noHome} }

func (s *sparing) spares(gp *G) bool {
	if home := gp.home.Load(); home != s.home {
		s.home, s.spared = home, home != noHome && s.m.s.domains[home].node.light.load(s.m) == 0
	}
	return s.spared
}

// fairInRing counts the oldest of n Gs of r that nobody spares. The count may be wrong if
// the ring changes meanwhile; then the grab that asks fails.
func (m *M) fairInRing(r *ring, head, n uint32) (free uint32) {
	for s := m.sparing(); free < n && !s.spares(r.slots[(head+free)%ringSize].load()); {
		free++
	}
	return free
}

// queueRob takes Gs from the queue of another node, as many as how says. It returns one
// to run, and puts the others into the ring of m's P, which must be empty.
func (m *M) queueRob(n *Node, how policy.Theft) (gp *G) {
	if !m.queued(n) {
		return nil
	}
	n.lock.lock(m)
	take := uint32(0)
	m.emptyInbox(n)
	if size := uint32(n.runq.n); size > 0 {
		free := size
		if m.s.rules.Homes {
			free = m.fairInQueue(&n.runq, policy.HalfRing(ringSize))
		}
		take = min(how.Take(size, free), policy.HalfRing(ringSize))
	}
	if take > 0 {
		gp = m.queueGetLocked(n, int(take))
	}
	n.lock.unlock(m)
	if gp != nil {
		m.p.stats.StealsRemote++
		m.p.stats.StolenRemote += int64(take)
		m.eventG(machine.EventSteal, gp, theft(take, ^n.index))
	}
	return gp
}
