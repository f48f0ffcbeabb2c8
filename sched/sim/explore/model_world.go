package explore

import (
	"slices"

	"numasched/sched/internal/machine"
)

// Stopping the world, and starting it with another number of Ps.

func (r *goRuntime) stopTheWorldWithSema(mp *goM) {
	r.lock(mp)
	r.stopwait = r.gomaxprocs
	r.gcwaiting.store(mp, 1)
	r.x.readied++ // preemptall
	mp.p.stopped = true
	r.stopwait--
	for {
		r.numaPidleFirst(mp)
		pp := r.pidleget(mp)
		if pp == nil {
			break
		}
		pp.stopped = true
		r.stopwait--
	}
	wait := r.stopwait > 0
	r.unlock(mp)
	if wait {
		r.notesleep(mp, &r.stopnote)
		r.noteclear(mp, &r.stopnote)
	}
	for _, pp := range r.allp[:r.gomaxprocs] {
		if !pp.stopped {
			r.throw("stopTheWorld: not stopped")
		}
	}
}

func (r *goRuntime) gcstopm(mp *goM) {
	if mp.spinning {
		mp.spinning = false
		r.nmspinning.add(mp, -1)
	}
	pp := r.releasep(mp)
	r.lock(mp)
	pp.stopped = true
	if r.stopwait--; r.stopwait == 0 {
		r.notewakeup(mp, &r.stopnote)
	}
	r.unlock(mp)
	r.stopm(mp)
}

func (r *goRuntime) startTheWorldWithSema(mp *goM) {
	r.lock(mp)
	procs := r.gomaxprocs
	if r.newprocs != 0 {
		procs, r.newprocs = r.newprocs, 0
	}
	runnable := r.procresize(mp, procs)
	r.gcwaiting.store(mp, 0)
	if r.sysmonwait.load(mp) != 0 {
		r.sysmonwait.store(mp, 0)
		r.notewakeup(mp, &r.sysmonnote)
	}
	r.unlock(mp)
	for _, pp := range runnable {
		if nmp := pp.m; nmp != nil {
			pp.m = nil
			if nmp.nextp != nil {
				r.throw("startTheWorld: inconsistent mp->nextp")
			}
			nmp.nextp = pp
			r.notewakeup(mp, &nmp.park)
		} else {
			r.newm(mp, (*goRuntime).mstart, pp)
		}
	}
	r.wakep(mp)
}

// procresize is called with the world stopped and sched.lock held. It returns the Ps that
// have Gs.
func (r *goRuntime) procresize(mp *goM, nprocs int) (runnable []*goP) {
	old := r.gomaxprocs
	for _, pp := range r.allp {
		pp.stopped = false
	}
	if mp.p.id >= nprocs {
		r.releasep(mp)
		r.acquirep(mp, r.allp[0])
	}
	r.numaProcresize(nprocs)
	for i := range r.numa.nodes {
		if nd := &r.numa.nodes[i]; nd.lo == nd.hi && len(nd.gs) > 0 {
			r.throw("a node without Ps has Gs in its queue")
		}
	}
	for i := nprocs; i < old; i++ {
		r.destroy(mp, r.allp[i])
	}
	var idle, needM []*goP
	for i := nprocs - 1; i >= 0; i-- {
		pp := r.allp[i]
		if mp.p == pp {
			continue
		}
		if r.runqempty(mp, pp) {
			idle = append(idle, pp)
			continue
		}
		if pp.oldm != nil {
			pp.m = r.numaMgetSpecific(pp.oldm)
		}
		if pp.m == nil {
			needM = append(needM, pp)
			continue
		}
		runnable = append(runnable, pp)
	}
	for _, pp := range needM {
		pp.m = r.numaMget(mp, pp)
		runnable = append(runnable, pp)
	}
	for _, pp := range slices.Backward(idle) {
		r.numaPidleput(mp, pp)
	}
	r.gomaxprocs = nprocs
	return runnable
}

// destroy moves what a P has to the global queue.
func (r *goRuntime) destroy(mp *goM, pp *goP) {
	pp.runq.access(mp, machine.RMW)
	for _, gp := range slices.Backward(pp.ring) {
		r.globrunqputhead(mp, gp)
	}
	if pp.next != nil {
		r.globrunqputhead(mp, pp.next)
	}
	pp.ring, pp.next, pp.runq.v = nil, nil, 0
}
