package sched

import (
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// steal looks for a G at other Ps and Nodes, in the order of policy.Search. It returns nil
// if there is none, and if the scheduler stops.
func (m *M) steal() *G {
	s, p := m.s, m.p
	if l := s.layout.load(m); l != p.layout {
		p.follow(s, l)
	}
	h := &m.hunt
	h.begin(m)
	for {
		m.scan(h)
		var gp *G
		switch h.at {
		case huntStops:
			return nil
		case huntRing:
			gp = m.stealFrom(h.victim, h.step.Theft, h.ring)
		case huntNext:
			gp = m.stealNext(h.victim, h.step.Theft, h.next)
			h.next = nil // it may end long before the next search
		case huntStep:
			switch h.step.Kind {
			case policy.OwnQueue:
				gp = m.queueGet(p.node, m.queueBatch(p.node))
			case policy.FarQueue:
				gp = m.queueRob(p.layout.near[p.node.index][h.step.Index], h.step.Theft)
			case policy.GiveUp:
				return nil
			}
		}
		if gp != nil {
			return gp
		}
		h.at = huntStep
	}
}

// A hunt is what a thief does until it has found something: it looks at one P after the
// other. A search passes many Ps that have nothing, so this is a scan, which a
// simulated machine goes on with without a switch of stacks.
//
// Invariant: a hunt changes nothing but itself and the search of m's P.
type hunt struct {
	m      *M
	at     huntState
	search policy.Search
	step   policy.Step
	victim *P     // of step
	ring   uint64 // its ring's state, at huntRing
	next   *G     // what it runs next, at huntNext
}

// A huntState is which word a hunt reads next, or has ended with.
type huntState uint8

const (
	huntStep  huntState = iota // none: the search's next step is to be taken, or a Node is to be looked at
	huntStops                  // whether the scheduler stops
	huntRing                   // the state of the victim's ring
	huntNext                   // what the victim runs next
)

func (h *hunt) begin(m *M) {
	h.m, h.at, h.search = m, huntStep, m.p.pol.Search(m.hunger)
}

// Next implements [machine.Scan]. The scan is over when the victim has something, when a
// Node is to be looked at, and when there is nothing.
func (h *hunt) Next() (line machine.Line, more bool) {
	p := h.m.p
	switch h.at {
	case huntStops:
		if h.m.s.stopping.Peek() == stopping {
			return 0, false
		}
		if h.victim != p {
			return h.look()
		}
	case huntRing:
		if h.ring = h.victim.ring.state.Peek(); ringLen(h.ring) != 0 {
			return 0, false
		}
		if h.step.Last {
			h.at = huntNext
			return h.victim.runnext.line, true
		}
	case huntNext:
		if h.next = h.victim.runnext.Peek(); h.next != nil {
			return 0, false
		}
	}
	for {
		h.step = h.search.Next(&p.pol)
		switch h.step.Kind {
		case policy.Victim:
			h.victim, h.at = p.tiers[h.step.Tier][h.step.Index], huntStops
			return h.m.s.stopping.line, true
		case policy.AnyP:
			if h.victim = p.layout.ps[h.step.Index]; h.victim.domain != p.domain {
				return h.look()
			}
		default:
			h.at = huntStep
			return 0, false
		}
	}
}

// look goes on with the victim's ring.
func (h *hunt) look() (line machine.Line, more bool) {
	h.at = huntRing
	return h.victim.ring.state.line, true
}

// stealFrom takes Gs from v's ring into m's, as many as how says, and returns one of
// what it took. If there are none it may take what v would run next. state is that of
// its ring, which m has just loaded.
func (m *M) stealFrom(v *P, how policy.Theft, state uint64) *G {
	p := m.p
	n := v.ring.grab(m, &p.ring, state, func(r *ring, head, n uint32) uint32 {
		free := uint32(0)
		if how.Spares {
			free = m.fairInRing(r, head, n)
		}
		return how.Take(n, free)
	})
	if n == 0 {
		if !how.Last {
			return nil
		}
		return m.stealNext(v, how, v.runnext.load(m))
	}
	p.stats.steals(p, v, n)
	p.pol.Stole(n, how.Remote)
	gp := p.ring.pop(m)
	m.eventG(machine.EventSteal, gp, theft(n, v.id))
	return gp
}

// stealNext takes gp, which v would run next, if that has been there for a while and stays:
// see policy.NextDelay and NextLooks. gp may be nil.
func (m *M) stealNext(v *P, how policy.Theft, gp *G) *G {
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
