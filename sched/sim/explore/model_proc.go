package explore

import "numasched/sched/internal/machine"

// Of Go's proc.go, what the overlay's protocol relies on, after the overlay's edits. See
// model.go.

func (r *goRuntime) mstart(mp *goM) {
	if mp.nextp != nil {
		r.acquirep(mp, mp.nextp)
		mp.nextp = nil
	}
	for {
		r.schedule(mp)
	}
}

func (r *goRuntime) acquirep(mp *goM, pp *goP) {
	if mp.p != nil || pp.running {
		r.throw("acquirep: the M has a P already, or the P an M")
	}
	mp.p, pp.running, pp.oldm = pp, true, mp
}

func (r *goRuntime) releasep(mp *goM) *goP {
	pp := mp.p
	mp.p, pp.running = nil, false
	return pp
}

func (r *goRuntime) becomeSpinning(mp *goM) {
	mp.spinning = true
	r.nmspinning.add(mp, 1)
	r.needspinning.store(mp, 0)
}

func (r *goRuntime) schedule(mp *goM) {
	if mp.spinning && (mp.p.next != nil || len(mp.p.ring) != 0) {
		r.throw("schedule: spinning with local work")
	}
	gp := r.findRunnable(mp)
	if mp.spinning {
		r.resetspinning(mp)
	}
	r.execute(mp, gp)
}

func (r *goRuntime) resetspinning(mp *goM) {
	mp.spinning = false
	if r.nmspinning.add(mp, -1) < 0 {
		r.throw("resetspinning: negative nmspinning")
	}
	r.wakep(mp)
}

// execute runs gp up to its next call of the scheduler.
func (r *goRuntime) execute(mp *goM, gp *goG) {
	r.numaExecute(mp, gp)
	mp.p.tick++
	if !gp.begun {
		gp.begun = true
		defer r.x.runs(gp.id)()
		r.t.set(gp.id, r.t.words[gp.id]+1)
		if r.t.words[gp.id] != 1 {
			r.throw("a G has begun twice")
		}
	} else {
		defer r.x.runs(gp.id)()
	}
	for len(gp.steps) > 0 {
		step := gp.steps[0]
		gp.steps = gp.steps[1:]
		switch step(mp, gp) {
		case yields:
			r.goschedImpl(mp, gp)
			return
		case stopped:
			gp.steps = append([]goStep{step}, gp.steps...)
			r.goschedImpl(mp, gp)
			return
		case parks:
			return
		}
	}
	gp.ended = true
}

func (r *goRuntime) goschedImpl(mp *goM, gp *goG) {
	r.lock(mp)
	r.globrunqput(mp, gp)
	r.unlock(mp)
	r.wakep(mp)
}

func (r *goRuntime) newproc(mp *goM, gp *goG) {
	r.runqput(mp, mp.p, gp, true)
	r.wakep(mp)
}

func (r *goRuntime) ready(mp *goM, gp *goG, next bool) {
	if r.numaReady(mp, gp) {
		return
	}
	r.runqput(mp, mp.p, gp, next)
	r.wakep(mp)
}

func (r *goRuntime) wakep(mp *goM) {
	if r.numaQuiet(mp) {
		return
	}
	if r.nmspinning.load(mp) != 0 || !r.nmspinning.cas(mp, 0, 1) {
		return
	}
	r.lock(mp)
	pp := r.pidlegetSpinning(mp)
	if pp == nil {
		r.nmspinning.add(mp, -1)
		r.unlock(mp)
		return
	}
	r.unlock(mp)
	r.startm(mp, pp, true, false)
}

func (r *goRuntime) pidlegetSpinning(mp *goM) *goP {
	r.numaPidleFirst(mp)
	pp := r.pidleget(mp)
	if pp == nil {
		r.needspinning.store(mp, 1)
	}
	return pp
}

func (r *goRuntime) startm(mp *goM, pp *goP, spinning, lockheld bool) {
	if !lockheld {
		r.lock(mp)
	}
	nmp := r.numaMget(mp, pp)
	if nmp == nil {
		r.unlock(mp)
		nmp = r.newm(mp, (*goRuntime).mstart, pp)
		nmp.spinning = spinning
		if lockheld {
			r.lock(mp)
		}
		return
	}
	if !lockheld {
		r.unlock(mp)
	}
	switch {
	case nmp.spinning:
		r.throw("startm: m is spinning")
	case nmp.nextp != nil:
		r.throw("startm: m has p")
	case spinning && !r.runqempty(mp, pp):
		r.throw("startm: p has runnable gs")
	}
	nmp.spinning = spinning
	nmp.nextp = pp
	r.notewakeup(mp, &nmp.park)
}

func (r *goRuntime) stopm(mp *goM) {
	if mp.p != nil || mp.spinning {
		r.throw("stopm holding p or spinning")
	}
	r.lock(mp)
	r.mput(mp)
	r.unlock(mp)
	r.mPark(mp)
	r.acquirep(mp, mp.nextp)
	mp.nextp = nil
}

func (r *goRuntime) mPark(mp *goM) {
	r.notesleep(mp, &mp.park)
	r.noteclear(mp, &mp.park)
}

// findRunnable is without GC work, tracing and safe points.
func (r *goRuntime) findRunnable(mp *goM) *goG {
top:
	pp := mp.p
	if r.gcwaiting.load(mp) != 0 {
		r.gcstopm(mp)
		goto top
	}
	now, pollUntil, _ := r.timersCheck(mp, pp, 0)
	if pp.tick%61 == 0 && !r.numaNotFair(mp, pp) {
		r.lock(mp)
		gp := r.numaGlobrunqget(mp)
		r.unlock(mp)
		if gp != nil {
			return gp
		}
	}
	if gp := r.runqget(mp, pp); gp != nil {
		return gp
	}
	if !r.numaQueueEmpty(mp, pp) {
		r.lock(mp)
		gp, q := r.numaGlobrunqgetbatch(mp, 128)
		r.unlock(mp)
		if gp != nil {
			r.runqputbatch(mp, pp, q)
			return gp
		}
	}
	if mp.spinning || 2*r.nmspinning.load(mp) < int32(r.gomaxprocs)-r.npidle.load(mp) {
		if !mp.spinning {
			r.becomeSpinning(mp)
		}
		gp, _, w, newWork := r.numaStealWork(mp, now)
		if gp != nil {
			return gp
		}
		if newWork {
			goto top
		}
		if w != 0 && (pollUntil == 0 || w < pollUntil) {
			pollUntil = w
		}
	}
	// The snapshot of allp is of this moment, that of the mask shares its words.
	allpSnapshot := r.allp

	r.lock(mp)
	if r.gcwaiting.load(mp) != 0 {
		r.unlock(mp)
		goto top
	}
	if !r.numaNothingQueued(mp) {
		gp, q := r.numaGlobrunqgetbatch(mp, 128)
		r.unlock(mp)
		if gp == nil {
			r.throw("global runq empty with non-zero runqsize")
		}
		r.runqputbatch(mp, pp, q)
		return gp
	}
	if !mp.spinning && r.needspinning.load(mp) == 1 {
		r.becomeSpinning(mp)
		r.unlock(mp)
		goto top
	}
	r.releasep(mp)
	r.numaPidleput(mp, pp)
	r.unlock(mp)

	wasSpinning := mp.spinning
	if mp.spinning {
		mp.spinning = false
		if r.nmspinning.add(mp, -1) < 0 {
			r.throw("findRunnable: negative nmspinning")
		}
		// Stock looks at the global queue here, in which the overlay finds nothing.
		r.lock(mp)
		r.unlock(mp)
		if pp := r.numaCheckRunqsNoP(mp, allpSnapshot); pp != nil {
			r.acquirep(mp, pp)
			r.becomeSpinning(mp)
			goto top
		}
		pollUntil = r.checkTimersNoP(mp, allpSnapshot, pollUntil)
	}
	if (len(r.net) > 0 || pollUntil != 0) && r.lastpoll.swap(mp, 0) != 0 {
		delay := int64(-1)
		if pollUntil != 0 {
			r.pollUntil.store(mp, int32(pollUntil))
			delay = max(0, pollUntil-mp.Nanotime())
		}
		list := r.numaNetpoll(mp, delay)
		if pollUntil != 0 {
			r.pollUntil.store(mp, 0)
		}
		r.lastpoll.store(mp, 1)
		r.lock(mp)
		r.numaPidleFirst(mp)
		pp := r.pidleget(mp)
		r.unlock(mp)
		if pp == nil {
			r.injectglist(mp, list)
		} else {
			r.acquirep(mp, pp)
			if len(list) > 0 {
				r.injectglist(mp, list[1:])
				return list[0]
			}
			if wasSpinning {
				r.becomeSpinning(mp)
			}
			goto top
		}
	} else if pollUntil != 0 {
		if until := int64(r.pollUntil.load(mp)); until == 0 || until > pollUntil {
			r.netpollBreak(mp)
		}
	}
	r.stopm(mp)
	goto top
}

func (r *goRuntime) injectglist(mp *goM, list []*goG) {
	if len(list) == 0 {
		return
	}
	startIdle := func(n int) {
		for ; n > 0; n-- {
			r.lock(mp)
			pp := r.pidlegetSpinning(mp)
			if pp == nil {
				r.unlock(mp)
				break
			}
			r.startm(mp, pp, false, true)
			r.unlock(mp)
		}
	}
	put := func(gs []*goG) {
		r.lock(mp)
		for _, gp := range gs {
			r.globrunqput(mp, gp)
		}
		r.unlock(mp)
	}
	if mp.p == nil {
		put(list)
		startIdle(len(list))
		return
	}
	if n := min(int(r.npidle.load(mp)), len(list)); n > 0 {
		put(list[:n])
		startIdle(n)
		list = list[n:]
	}
	r.runqputbatch(mp, mp.p, list)
	r.wakep(mp)
}

// sysmon looks when there is something to see. Of what it does the model has its deep
// sleep and the overlay's numaRetake.
func (r *goRuntime) sysmon(mp *goM) {
	something := func() bool {
		return r.numa.declined.v != 0 || r.gcwaiting.v != 0 || int(r.npidle.v) == r.gomaxprocs
	}
	for {
		r.await(something)
		if r.gcwaiting.load(mp) != 0 || int(r.npidle.load(mp)) == r.gomaxprocs {
			r.lock(mp)
			if r.gcwaiting.load(mp) != 0 || int(r.npidle.load(mp)) == r.gomaxprocs {
				r.sysmonwait.store(mp, 1)
				r.unlock(mp)
				r.notesleep(mp, &r.sysmonnote)
				r.lock(mp)
				r.sysmonwait.store(mp, 0)
				r.noteclear(mp, &r.sysmonnote)
			}
			r.unlock(mp)
		}
		r.numaRetake(mp)
	}
}

// Idle Ms and Ps.

func (r *goRuntime) mput(mp *goM) {
	mp.idle = mp.node + 1
	*r.midleFor(mp.node) = append(*r.midleFor(mp.node), mp)
}

// pidleputFlat makes pp idle.
func (r *goRuntime) pidleputFlat(mp *goM, pp *goP) {
	if pp.runq.v != 0 {
		r.throw("pidleput: P has non-empty run queue")
	}
	r.idlepMask.access(mp, machine.RMW)
	r.idlepMask.v |= 1 << pp.id
	r.pidle = append(r.pidle, pp)
	r.npidle.add(mp, 1)
}

// pidleget takes the P at the head of the list.
func (r *goRuntime) pidleget(mp *goM) *goP {
	n := len(r.pidle)
	if n == 0 {
		return nil
	}
	pp := r.pidle[n-1]
	r.pidle = r.pidle[:n-1]
	r.idlepMask.access(mp, machine.RMW)
	r.idlepMask.v &^= 1 << pp.id
	r.npidle.add(mp, -1)
	return pp
}
