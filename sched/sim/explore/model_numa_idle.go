package explore

import "slices"

// numa_idle.go of the overlay: idle Ms and Ps are kept by node.

func (r *goRuntime) midleFor(node int) *[]*goM {
	if node == 0 {
		return &r.midle
	}
	return &r.midleOf[node-1]
}

// popFrom takes the idle M that came last.
func (r *goRuntime) popFrom(node int) *goM {
	l := r.midleFor(node)
	n := len(*l)
	if n == 0 {
		return nil
	}
	mp := (*l)[n-1]
	*l = (*l)[:n-1]
	mp.idle = 0
	return mp
}

func (r *goRuntime) mget() *goM {
	for i := 0; i <= r.numa.n; i++ {
		if mp := r.popFrom(i); mp != nil {
			return mp
		}
	}
	return nil
}

func (r *goRuntime) numaMget(mp *goM, pp *goP) *goM {
	r.assertLockHeld()
	if pp.oldm != nil {
		if nmp := r.numaMgetSpecific(pp.oldm); nmp != nil {
			return nmp
		}
	}
	if nmp := r.popFrom(pp.node + 1); nmp != nil {
		return nmp
	}
	return r.mget()
}

func (r *goRuntime) numaMgetSpecific(mp *goM) *goM {
	r.assertLockHeld()
	if mp.idle == 0 {
		return nil
	}
	l := r.midleFor(mp.idle - 1)
	*l = slices.DeleteFunc(*l, func(o *goM) bool { return o == mp })
	mp.idle = 0
	return mp
}

func (r *goRuntime) numaPidleput(mp *goM, pp *goP) {
	nd := &r.numa.nodes[pp.node]
	if mp.spinning {
		r.numaDozing(mp, pp.node)
	}
	if nd.npidle.add(mp, 1) == 1 {
		r.numa.idle.store(mp, int32(r.numa.idle.v|numaBit(pp.node)))
	}
	mp.left = pp.node
	r.pidleputFlat(mp, pp)
}

// pidleputQuiet is pidleput before there are threads.
func (r *goRuntime) pidleputQuiet(pp *goP) {
	r.numa.nodes[pp.node].npidle.v++
	r.numa.idle.v |= numaBit(pp.node)
	r.idlepMask.v |= 1 << pp.id
	r.pidle = append(r.pidle, pp)
	r.npidle.v++
}

func (r *goRuntime) numaPidleFirst(mp *goM) {
	r.assertLockHeld()
	if len(r.pidle) == 0 {
		return
	}
	here := r.numaHere(mp)
	if r.runqsize.v > 0 {
		for i := -1; i < r.numa.n-1; i++ {
			if k := r.numaNth(here, i); len(r.numa.nodes[k].gs) > 0 && r.numaPidleMove(mp, k) {
				return
			}
		}
	}
	for i := -1; i < r.numa.n-1; i++ {
		if r.numaPidleMove(mp, r.numaNth(here, i)) {
			return
		}
	}
	r.throw("numa: an idle P is on no node")
}

func (r *goRuntime) numaNth(here, nth int) int {
	if nth < 0 {
		return here
	}
	return r.numa.nodes[here].order[nth]
}

func (r *goRuntime) numaPidleget(mp *goM, node int) *goP {
	if !r.numaPidleMove(mp, node) {
		return nil
	}
	return r.pidleget(mp)
}

func (r *goRuntime) numaPidleMove(mp *goM, node int) bool {
	nd := &r.numa.nodes[node]
	if nd.npidle.v == 0 { // under sched.lock, as all that write it
		return false
	}
	for id := nd.lo; id < nd.hi; id++ {
		if r.idlepMask.v>>id&1 == 0 {
			continue
		}
		pp := r.allp[id]
		r.pidle = append(slices.DeleteFunc(r.pidle, func(o *goP) bool { return o == pp }), pp)
		if nd.npidle.add(mp, -1) == 0 {
			r.numa.idle.store(mp, int32(r.numa.idle.v&^numaBit(node)))
		}
		return true
	}
	r.throw("numa: a node's count of idle Ps is wrong")
	return false
}

func (r *goRuntime) numaWakeNode(mp *goM, node int) bool {
	if r.numa.nodes[node].npidle.load(mp) == 0 {
		return false
	}
	r.lock(mp)
	pp := r.numaPidleget(mp, node)
	if pp != nil {
		r.nmspinning.add(mp, 1)
		r.startm(mp, pp, true, true)
	}
	r.unlock(mp)
	return pp != nil
}
