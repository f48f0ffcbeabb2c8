package sched

import "numasched/sched/policy"

// steal looks for a G at other Ps and Nodes, near before far. It returns nil if
// four rounds found none.
func (m *M) steal() *G {
	s, p := m.s, m.p
	if p.smallThefts >= policy.SmallThefts {
		if gp := m.stealAfar(); gp != nil {
			return gp
		}
	}
	if m.hunger > 1 {
		// The own node has had nothing for longer than a Grace: go to the queues.
		for _, n := range p.node.near[1:] {
			if gp := m.queueRob(n, true); gp != nil {
				return gp
			}
		}
	}
	for round := range policy.StealRounds {
		last := round == policy.StealRounds-1
		for i := range p.tiers {
			t := &p.tiers[i]
			if t.remote && round < policy.Patience {
				break
			}
			for walk := policy.NewWalk(uint32(len(t.ps)), t.coprimes, p.random()); ; {
				k, ok := walk.Next()
				if !ok {
					break
				}
				if s.stopping.load(m) == stopping {
					return nil
				}
				if v := t.ps[k]; v != p {
					if gp := m.stealFrom(v, t.remote, last); gp != nil {
						return gp
					}
				}
			}
		}
		if gp := m.queueGet(p.node, m.queueBatch(p.node)); gp != nil {
			return gp
		}
		if round < policy.Patience {
			continue
		}
		for _, n := range p.node.near[1:] {
			if gp := m.queueRob(n, last); gp != nil {
				return gp
			}
		}
	}
	return nil
}

// stealAfar looks at a few Ps of other nodes, see policy.SmallTheft.
func (m *M) stealAfar() *G {
	s, p := m.s, m.p
	p.smallThefts = 0
	for range policy.FarProbes {
		v := s.ps[p.random()%uint32(len(s.ps))]
		if v.domain == p.domain {
			continue
		}
		if gp := m.stealFrom(v, true, false); gp != nil {
			return gp
		}
	}
	return nil
}

// stealFrom takes half of v's ring into m's, and returns one of what it took;
// in the last round it takes what v would run next if there is nothing else.
func (m *M) stealFrom(v *P, remote, last bool) *G {
	p := m.p
	limit := limitNear
	if remote && m.s.homes {
		limit = func(r *ring, head, n uint32) uint32 {
			return policy.StealRemote(n, r.homeless(head, n), last, m.hunger)
		}
	}
	n := v.ring.grab(m, &p.ring, limit)
	if n == 0 {
		if !last {
			return nil
		}
		return m.stealNext(v, remote)
	}
	p.stats.steals(p, v, n)
	if m.s.severalDomains && m.s.arm.Near {
		if n > policy.SmallTheft || remote {
			p.smallThefts = 0
		} else {
			p.smallThefts++
		}
	}
	gp := p.ring.pop(m)
	m.eventG(EventSteal, gp, theft(n, v.id))
	return gp
}

// stealNext takes the G that v would run next. Often v is just about to run it: v's G
// has woken its partner and will block. To take the partner would bounce the two
// between Ps. So the thief waits a little first, as Go does.
func (m *M) stealNext(v *P, remote bool) *G {
	gp := v.runnext.load(m)
	if gp == nil || remote && m.s.homes && m.hunger == 0 && gp.home.Load() != noHome {
		return nil
	}
	m.s.machine.Futexsleep(m, &m.note.key, noteClear, stealNextDelay)
	if gp = v.runnext.load(m); gp == nil || !v.runnext.cas(m, gp, nil) {
		return nil
	}
	m.p.stats.steals(m.p, v, 1)
	m.eventG(EventSteal, gp, theft(1, v.id))
	return gp
}

// stealNextDelay is Go's usleep(3) before it steals a runnext, in nanoseconds.
const stealNextDelay = 3000

func limitNear(_ *ring, _, n uint32) uint32 { return policy.StealHalf(n) }

// homeless counts the oldest Gs that have no home yet because they have not run. The
// count may be wrong if the ring changes meanwhile; then the grab that asks fails.
func (r *ring) homeless(head, n uint32) (free uint32) {
	for free < n && r.slots[(head+free)%ringSize].load().home.Load() == noHome {
		free++
	}
	return free
}

// queueRob takes Gs from the queue of another node, as many as policy.StealRemote
// says. It returns one to run, and puts the others into the ring of m's P, which must
// be empty.
func (m *M) queueRob(n *Node, last bool) *G {
	if n.nrunq.load(m) == 0 {
		return nil
	}
	n.lock.lock(m)
	take := uint32(0)
	if size := uint32(n.runq.n); size > 0 {
		free := size
		if m.s.homes {
			free = n.runq.homeless(ringSize / 2)
		}
		take = min(policy.StealRemote(size, free, last, m.hunger), ringSize/2)
	}
	var gp *G
	if take > 0 {
		gp = m.queueGetLocked(n, int(take))
	}
	n.lock.unlock(m)
	if gp != nil {
		m.p.stats.StealsRemote++
		m.p.stats.StolenRemote += int64(take)
		m.eventG(EventSteal, gp, theft(take, ^n.index))
	}
	return gp
}
