package explore

import "numasched/sched/policy"

// numa_queue.go of the overlay: a queue for each node takes the place of the global one.

func (r *goRuntime) numaQueueOf(mp *goM, gp *goG) *goNode {
	for _, k := range [...]int{int(gp.home) - 1, r.numaHere(mp)} {
		if k >= 0 && r.numa.nodes[k].lo < r.numa.nodes[k].hi {
			return &r.numa.nodes[k]
		}
	}
	return &r.numa.nodes[r.numa.first]
}

func (r *goRuntime) push(mp *goM, gp *goG) {
	r.assertLockHeld()
	nd := r.numaQueueOf(mp, gp)
	if nd.lo == nd.hi {
		r.throw("a G is queued at a node without Ps")
	}
	nd.queue.add(mp, 1)
	nd.gs = append([]*goG{gp}, nd.gs...)
	r.runqsize.add(mp, 1)
}

func (r *goRuntime) pushBack(mp *goM, gp *goG) {
	r.assertLockHeld()
	nd := r.numaQueueOf(mp, gp)
	if nd.lo == nd.hi {
		r.throw("a G is queued at a node without Ps")
	}
	nd.queue.add(mp, 1)
	nd.gs = append(nd.gs, gp)
	r.runqsize.add(mp, 1)
}

// pop takes from a node's queue. Its caller counts down runqsize.
func (r *goRuntime) pop(mp *goM, node int) *goG {
	r.assertLockHeld()
	nd := &r.numa.nodes[node]
	if len(nd.gs) == 0 {
		return nil
	}
	nd.queue.add(mp, -1)
	gp := nd.gs[0]
	nd.gs = nd.gs[1:]
	return gp
}

func (r *goRuntime) numaEvacuate() {
	for i := range r.numa.nodes {
		nd, first := &r.numa.nodes[i], &r.numa.nodes[r.numa.first]
		if nd.lo < nd.hi {
			continue
		}
		first.gs = append(first.gs, nd.gs...)
		first.queue.v += nd.queue.v
		nd.gs, nd.queue.v = nil, 0
	}
}

func (r *goRuntime) numaQueueEmpty(mp *goM, pp *goP) bool {
	return r.numa.nodes[pp.node].queue.load(mp) == 0
}

func (r *goRuntime) numaNotFair(mp *goM, pp *goP) bool {
	if pp.tick%policy.FarTicks == 0 {
		return r.runqsize.load(mp) == 0
	}
	return r.numaQueueEmpty(mp, pp)
}

func (r *goRuntime) numaGlobrunqget(mp *goM) *goG {
	r.assertLockHeld()
	pp := mp.p
	node := pp.node
	if pp.tick%policy.FarTicks == 0 {
		for _, k := range r.numa.nodes[node].order {
			if len(r.numa.nodes[k].gs) > 0 {
				node = k
				break
			}
		}
	}
	gp := r.pop(mp, node)
	if gp != nil {
		r.runqsize.add(mp, -1)
	}
	return gp
}

func (r *goRuntime) numaTakable(here int) int {
	r.assertLockHeld()
	if r.runqsize.v == 0 {
		return -1
	}
	if len(r.numa.nodes[here].gs) > 0 {
		return here
	}
	for _, k := range r.numa.nodes[here].order {
		if gs := r.numa.nodes[k].gs; len(gs) > 0 && gs[0].home == 0 {
			return k
		}
	}
	return -1
}

func (r *goRuntime) numaNothingQueued(mp *goM) bool { return r.numaTakable(r.numaHere(mp)) < 0 }

func (r *goRuntime) numaGlobrunqgetbatch(mp *goM, n int) (gp *goG, q []*goG) {
	r.assertLockHeld()
	here := r.numaHere(mp)
	k := r.numaTakable(here)
	if k < 0 {
		return nil, nil
	}
	from, nd := &r.numa.nodes[k], &r.numa.nodes[here]
	if k == here {
		n = min(n, len(from.gs), int(policy.QueueBatch(uint32(len(from.gs)), uint32(nd.hi-nd.lo), uint32(2*n))))
	} else {
		n = 1
	}
	r.runqsize.add(mp, -int32(n))
	// Stock's callers do this when they have unlocked sched.lock, see model.go.
	r.runqputbatch(mp, mp.p, from.gs[1:n])
	gp = r.pop(mp, k)
	for i := 1; i < n; i++ {
		r.pop(mp, k)
	}
	return gp, nil
}
