package sched

import "numasched/sched/policy"

// steal looks for a G at other Ps and Nodes, near before far. It returns nil if
// four rounds found none.
func (m *M) steal() *G {
	s, p := m.s, m.p
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
				if s.stopping.load(m) != 0 {
					return nil
				}
				if v := t.ps[k]; v != p {
					if gp := m.stealFrom(v, t.remote, last); gp != nil {
						return gp
					}
				}
			}
		}
		for _, n := range p.node.near {
			if n != p.node && round < policy.Patience {
				break
			}
			if gp := m.queueGet(n, m.queueBatch(n)); gp != nil {
				return gp
			}
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
		limit = limitRemote
		if last {
			limit = limitLast
		}
	}
	n := v.ring.grab(m, &p.ring, limit)
	if n == 0 {
		if !last || v.runnext.load(m) == nil {
			return nil
		}
		return m.stealNext(v)
	}
	p.stats.steals(p, v, n)
	return p.ring.pop(m)
}

// stealNext takes what v is about to run. v may be on the point of running it,
// when the G it runs has just woken its partner and will block: then taking it
// would bounce the two between Ps. So, as Go does, the thief waits a little
// first.
func (m *M) stealNext(v *P) *G {
	m.s.machine.Futexsleep(m, &m.note.key, noteClear, stealNextDelay)
	gp := v.runnext.load(m)
	if gp == nil || !v.runnext.cas(m, gp, nil) {
		return nil
	}
	m.p.stats.steals(m.p, v, 1)
	return gp
}

// stealNextDelay is Go's usleep(3) before it steals a runnext, in nanoseconds.
const stealNextDelay = 3000

func limitNear(_ *ring, _, n uint32) uint32 { return policy.StealHalf(n) }

func limitLast(_ *ring, _, n uint32) uint32 { return policy.StealRemote(n, 0, true) }

// limitRemote counts the oldest Gs that have no home: what a G that has run
// leaves behind is on its home node.
func limitRemote(r *ring, head, n uint32) uint32 {
	free := uint32(0)
	for free < n && r.slots[(head+free)%ringSize].load().home.Load() == noHome {
		free++
	}
	return policy.StealRemote(n, free, false)
}
