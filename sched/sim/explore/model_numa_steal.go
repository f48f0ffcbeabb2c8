package explore

import (
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// numa_steal.go of the overlay: who is robbed, and of what.

func (r *goRuntime) numaStealWork(mp *goM, now int64) (gp *goG, rnow, pollUntil int64, newWork bool) {
	pp := mp.p
	nd := &r.numa.nodes[pp.node]
	search := pp.policy.Search(pp.hunger)
	mp.fed = pp.hunger != 0
	r.numaEaten(mp)
	wait := pp.hunger == 0 && r.numaWait(mp)
	pp.hunger = 0
	for {
		step := search.Next(&pp.policy)
		var p2 *goP
		switch step.Kind {
		case policy.GiveUp:
			return nil, now, pollUntil, newWork
		case policy.OwnQueue:
			if nd.queue.load(mp) != 0 {
				r.lock(mp)
				gp, q := r.numaGlobrunqgetbatch(mp, 128)
				r.unlock(mp)
				if gp != nil {
					r.runqputbatch(mp, pp, q)
					return gp, now, pollUntil, newWork
				}
			}
			continue
		case policy.FarQueue:
			k := nd.order[step.Index-1]
			if r.numa.nodes[k].queue.load(mp) != 0 && r.numaOut(mp, k, r.allp) {
				step.Hunger = max(step.Hunger, 1)
			} else if wait {
				continue
			}
			if gp := r.numaStealQueue(mp, pp, k, step.Theft); gp != nil {
				return gp, now, pollUntil, newWork
			}
			continue
		case policy.AnyP:
			p2 = r.allp[step.Index]
			if p2.node == pp.node {
				continue
			}
		case policy.Victim:
			p2 = r.allp[r.numa.nodes[nd.victims[step.Tier]].lo+int(step.Index)]
		}
		if r.gcwaiting.load(mp) != 0 {
			return nil, now, pollUntil, true
		}
		if p2 == pp {
			continue
		}
		if step.Last {
			tnow, w, ran := r.timersCheck(mp, p2, now)
			now = tnow
			if w != 0 && (pollUntil == 0 || w < pollUntil) {
				pollUntil = w
			}
			if ran {
				if gp := r.runqget(mp, pp); gp != nil {
					return gp, now, pollUntil, newWork
				}
				newWork = true
			}
		}
		if r.idlepMask.load(mp)>>p2.id&1 != 0 {
			continue
		}
		switch {
		case !step.Remote:
			gp = r.runqsteal(mp, pp, p2, step.Last)
		case r.runqempty(mp, p2):
		case r.numaOut(mp, p2.node, r.allp):
			step.Hunger = max(step.Hunger, 1)
			gp = r.numaStealFar(mp, pp, p2, step.Theft)
		case !wait:
			gp = r.numaStealFar(mp, pp, p2, step.Theft)
		}
		if gp != nil {
			pp.policy.Stole(uint32(1+len(pp.ring)), step.Remote)
			if step.Remote {
				mp.ate = mp.Nanotime() + 1 // the clock here begins with 0
				mp.took, mp.taken, mp.ran = mp.ate, uint32(1+len(pp.ring)), 0
			}
			return gp, now, pollUntil, newWork
		}
	}
}

func (r *goRuntime) numaWait(mp *goM) bool {
	if mp.ate != 0 && !policy.SmallMeal(mp.Nanotime()-mp.ate) {
		mp.ate = 0
	}
	return mp.ate != 0
}

func (r *goRuntime) numaMore(mp *goM) { mp.lean = 0 }

func (r *goRuntime) numaStealFar(mp *goM, pp, p2 *goP, theft policy.Theft) *goG {
	p2.runq.access(mp, machine.Load)
	n := uint32(len(p2.ring))
	if n == 0 {
		return r.numaStealNext(mp, p2, theft)
	}
	free := uint32(0)
	for theft.Spares && free < n && p2.ring[free].home == 0 {
		free++
	}
	take := theft.Take(n, free)
	if take == 0 {
		return nil
	}
	p2.runq.access(mp, machine.RMW)
	if free == 0 && take < n {
		r.numaMore(mp)
	}
	return r.grab(mp, pp, p2, min(int(take), len(p2.ring))) // the ring's compare-and-swap would fail and try again
}

func (r *goRuntime) numaStealNext(mp *goM, p2 *goP, theft policy.Theft) *goG {
	next := p2.next
	if next == nil || !theft.TakeNext(next.home != 0) {
		return nil
	}
	runs := p2.runs.load(mp) // the overlay's does not ask if no M runs p2
	r.usleep(mp)
	if p2.runs.load(mp) != runs {
		return nil
	}
	p2.runq.access(mp, machine.RMW)
	if p2.next != next {
		return nil
	}
	p2.next = nil
	p2.runq.v--
	return next
}

func (r *goRuntime) numaStealQueue(mp *goM, pp *goP, node int, theft policy.Theft) *goG {
	from := &r.numa.nodes[node]
	if from.queue.load(mp) == 0 || theft.Hunger == 0 && r.numaWakeNode(mp, node) {
		return nil
	}
	r.lock(mp)
	free := uint32(0)
	for _, gp := range from.gs {
		if gp.home != 0 {
			break
		}
		free++
	}
	n := min(theft.Take(uint32(len(from.gs)), free), policy.HalfRing(256))
	if n == 0 {
		r.unlock(mp)
		return nil
	}
	if free == 0 && int(n) < len(from.gs) {
		r.numaMore(mp)
	}
	r.runqsize.add(mp, -int32(n))
	gp := r.pop(mp, node)
	var q []*goG
	for i := uint32(1); i < n; i++ {
		q = append(q, r.pop(mp, node))
	}
	r.unlock(mp)
	r.runqputbatch(mp, pp, q)
	mp.took, mp.taken, mp.ran = mp.Nanotime()+1, n, 0
	return gp
}

func (r *goRuntime) numaEaten(mp *goM) {
	if mp.took == 0 {
		return
	}
	if mp.ran > mp.taken || mp.Nanotime()+1-mp.took > policy.Morsel {
		mp.lean = 0
	}
	mp.took, mp.ran = 0, 0
}
