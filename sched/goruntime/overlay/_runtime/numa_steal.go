//go:build linux && (amd64 || arm64)

package runtime

import "internal/runtime/atomic"

// numaStealWork asks package policy for one step after the other: which P or queue to look at,
// and how much to take there.
func numaStealWork(now int64) (gp *g, inheritTime bool, rnow, pollUntil int64, newWork bool) {
	mp := getg().m
	pp := mp.p.ptr()
	me := &pp.numa
	nd := &numa.nodes[me.node]
	search := me.policy.Search(me.hunger)
	mp.numa.fed = me.hunger != 0
	numaEaten(mp)
	wait := me.hunger == 0 && numaWait(mp)
	me.hunger = 0
	for {
		step := search.Next(&me.policy)
		var p2 *p
		switch step.Kind {
		case GiveUp:
			return nil, false, now, pollUntil, newWork
		case OwnQueue:
			if !numaQueues[me.node].empty() {
				lock(&sched.lock)
				gp, q := numaGlobrunqgetbatch(int32(len(pp.runq)) / 2)
				unlock(&sched.lock)
				if gp != nil {
					runqputbatch(pp, &q)
					return gp, false, now, pollUntil, newWork
				}
			}
			continue
		case FarQueue:
			k := int32(nd.order[step.Index-1])
			if !numaQueues[k].empty() && numaOut(k, allp) {
				step.Hunger = max(step.Hunger, 1)
			} else if wait {
				continue
			}
			if gp := numaStealQueue(pp, k, step.Theft); gp != nil {
				return gp, false, now, pollUntil, newWork
			}
			continue
		case AnyP:
			p2 = allp[step.Index]
			if p2.numa.node == me.node {
				continue
			}
		case Victim:
			p2 = allp[numa.nodes[nd.victims[step.Tier]].lo+int32(step.Index)]
		}
		if sched.gcwaiting.Load() {
			return nil, false, now, pollUntil, true
		}
		if p2 == pp {
			continue
		}
		if step.Last && timerpMask.read(uint32(p2.id)) {
			tnow, w, ran := p2.timers.check(now, nil)
			now = tnow
			if w != 0 && (pollUntil == 0 || w < pollUntil) {
				pollUntil = w
			}
			if ran {
				// Timers may have filled this P's queue.
				if gp, inheritTime := runqget(pp); gp != nil {
					return gp, inheritTime, now, pollUntil, newWork
				}
				newWork = true
			}
		}
		if idlepMask.read(uint32(p2.id)) {
			continue
		}
		switch {
		case !step.Remote:
			gp = runqsteal(pp, p2, step.Last)
		case runqempty(p2):
		case numaOut(p2.numa.node, allp):
			step.Hunger = max(step.Hunger, 1)
			gp = numaStealFar(pp, p2, step.Theft)
		case !wait:
			gp = numaStealFar(pp, p2, step.Theft)
		}
		if gp != nil {
			n := 1 + pp.runqtail - atomic.Load(&pp.runqhead)
			me.policy.Stole(n, step.Remote)
			if step.Remote {
				me.count[numaStolenFar] += uint64(n)
				mp.numa.ate = nanotime()
				mp.numa.took, mp.numa.taken, mp.numa.ran = mp.numa.ate, n, 0
			} else {
				me.count[numaStolenNear] += uint64(n)
			}
			return gp, false, now, pollUntil, newWork
		}
	}
}

// numaWait reports whether mp is to doze before it takes anything from another node.
func numaWait(mp *m) bool {
	if mp.numa.ate != 0 && !SmallMeal(nanotime()-mp.numa.ate) {
		mp.numa.ate = 0
	}
	return mp.numa.ate != 0
}

// numaEaten is mp's first search after it has run what it took from another node. If that was
// more than a Morsel, or not all that it has run, it does not doze for longer than a Grace next.
func numaEaten(mp *m) {
	if mp.numa.took == 0 {
		return
	}
	if mp.numa.ran > mp.numa.taken || nanotime()-mp.numa.took > Morsel {
		mp.numa.lean = 0
	}
	mp.numa.took, mp.numa.ran = 0, 0
}

// numaMore is called when the calling M has taken what is at home on another node and has left more
// of that: who shares out a backlog does not doze for longer, however short all of it is.
func numaMore() { getg().m.numa.lean = 0 }

// numaStealFar takes from a P of another node what the policy allows: pp's queue is empty.
// It returns one goroutine and puts the others there.
func numaStealFar(pp, p2 *p, theft Theft) *g {
	const size = uint32(len(pp.runq))
	for {
		head := atomic.LoadAcq(&p2.runqhead)
		n := atomic.LoadAcq(&p2.runqtail) - head
		if n == 0 {
			return numaStealNext(p2, theft)
		}
		if n > size {
			continue // the two loads do not belong together
		}
		// The slots may be overwritten meanwhile; then the compare-and-swap fails. A g is
		// never freed, so that reading an old one does no harm.
		free := uint32(0)
		for theft.Spares && free < n && p2.runq[(head+free)%size].ptr().numaHome == 0 {
			free++
		}
		take := theft.Take(n, free)
		if take == 0 {
			return nil
		}
		if take > size/2 {
			continue
		}
		tail := pp.runqtail
		for i := uint32(0); i < take; i++ {
			pp.runq[(tail+i)%size] = p2.runq[(head+i)%size]
		}
		if !atomic.CasRel(&p2.runqhead, head, head+take) {
			continue
		}
		if free == 0 && take < n {
			numaMore()
		}
		take--
		gp := pp.runq[(tail+take)%size].ptr()
		if take > 0 {
			atomic.StoreRel(&pp.runqtail, tail+take)
		}
		return gp
	}
}

// numaStealNext takes what p2 runs next, if p2 has not run anything else for a moment.
func numaStealNext(p2 *p, theft Theft) *g {
	next := p2.runnext
	if next == 0 || !theft.TakeNext(next.ptr().numaHome != 0) {
		return nil
	}
	if atomic.Load(&p2.status) == _Prunning {
		runs := p2.numa.runs()
		usleep(NextDelay / 1000)
		if p2.numa.runs() != runs {
			return nil
		}
	}
	if !p2.runnext.cas(next, 0) {
		return nil
	}
	return next.ptr()
}

// numaStealQueue takes from another node's queue. Work that is at home there is for that
// node's own Ps, and so it wakes one that is idle instead.
func numaStealQueue(pp *p, node int32, theft Theft) *g {
	from := &numaQueues[node]
	if from.empty() || theft.Hunger == 0 && numaWakeNode(node) {
		return nil
	}
	lock(&sched.lock)
	free := uint32(0)
	for gp := from.head.ptr(); gp != nil && gp.numaHome == 0 && free < uint32(len(pp.runq)); gp = gp.schedlink.ptr() {
		free++
	}
	n := min(theft.Take(uint32(from.size), free), HalfRing(uint32(len(pp.runq))))
	if n == 0 {
		unlock(&sched.lock)
		return nil
	}
	if free == 0 && int32(n) < from.size {
		numaMore()
	}
	sched.runq.size -= int32(n)
	gp := from.pop()
	var q gQueue
	for i := uint32(1); i < n; i++ {
		q.pushBack(from.pop())
	}
	unlock(&sched.lock)
	runqputbatch(pp, &q)
	pp.numa.count[numaStolenFar] += uint64(n)
	mp := getg().m
	mp.numa.took, mp.numa.taken, mp.numa.ran = nanotime(), n, 0
	return gp
}
