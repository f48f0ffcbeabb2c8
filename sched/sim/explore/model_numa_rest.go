package explore

import (
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// numa_rest.go of the overlay: how an M looks a last time, dozes, and declines work.

func (r *goRuntime) numaCheckRunqsNoP(mp *goM, allpSnapshot []*goP) *goP {
	here := mp.left
	fed, vain := mp.fed, mp.vain
	mp.fed, mp.vain = false, true
	nd := &r.numa.nodes[here]
	linger := vain && nd.npidle.load(mp) == int32(nd.hi-nd.lo) && r.npidle.load(mp) < int32(r.gomaxprocs)
	self := policy.P{Rules: policy.Rules{Homes: true}}
	near, far := false, false
	for step := self.Rest(0); ; {
		yes := false
		switch step {
		case policy.LastLookHomes, policy.LookAgain:
			near, far = r.numaLook(mp, here, allpSnapshot)
			yes = near || far || linger
			linger = false
			if mp.dozing && (!yes || !near && fed && step == policy.LookAgain) {
				r.numaAwake(mp, here)
				near, far = r.numaLook(mp, here, allpSnapshot)
				yes = near || far
			}
			if !yes {
				mp.dozed = 0
			}
			if yes && !near && fed && step == policy.LookAgain {
				r.numaDecline(mp)
				return nil
			}
		case policy.FarOnly:
			yes = !near
		case policy.Doze:
			if !mp.dozing {
				r.numaDozing(mp, here)
			}
			if pp := r.numaDoze(mp, nd, allpSnapshot); pp != nil {
				r.numaAwake(mp, here)
				return pp
			}
		case policy.Resume, policy.ResumeHungry:
			r.lock(mp)
			pp := r.numaPidleget(mp, here)
			if pp == nil {
				pp = r.pidlegetSpinning(mp)
			}
			if pp != nil && step == policy.ResumeHungry {
				mp.lean++
				pp.hunger = r.numa.nodes[pp.node].appetite.After(mp.Nanotime())
			}
			r.numaAwake(mp, here)
			r.unlock(mp)
			return pp
		default:
			return nil
		}
		step = step.Next(yes)
	}
}

func (r *goRuntime) numaLook(mp *goM, here int, ps []*goP) (near, far bool) {
	wait := r.numaWait(mp)
	for k := range r.numa.n {
		gp := r.head(mp, k)
		switch {
		case gp == nil:
		case k == here:
			near = true
		case r.numaWakeNode(mp, k):
		case gp.home == 0 && !wait, r.numaOut(mp, k, ps):
			near = true
		default:
			far = true
		}
	}
	for id, p2 := range ps {
		if r.idlepMask.load(mp)>>id&1 != 0 || r.runqempty(mp, p2) {
			continue
		}
		node := p2.node
		switch {
		case node == here:
			near = true
		case r.numaWakeNode(mp, node):
		case !wait && r.numaHomeless(mp, p2), r.numaOut(mp, node, ps):
			near = true
		default:
			far = true
		}
	}
	return near, far
}

func (r *goRuntime) numaOut(mp *goM, node int, ps []*goP) bool {
	lo, hi := r.numa.nodes[node].lo, r.numa.nodes[node].hi
	if lo >= hi || hi > len(ps) {
		return false
	}
	for _, pp := range ps[lo:hi] {
		if !r.numaInSyscall(mp, pp) {
			return false
		}
	}
	return true
}

func (r *goRuntime) numaInSyscall(mp *goM, pp *goP) bool { return pp.syscall.load(mp) != 0 }

// head is the first of a node's queue, looked at without the lock.
func (r *goRuntime) head(mp *goM, node int) *goG {
	nd := &r.numa.nodes[node]
	if nd.queue.load(mp) == 0 {
		return nil
	}
	return nd.gs[0]
}

func (r *goRuntime) numaHomeless(mp *goM, p2 *goP) bool {
	p2.runq.access(mp, machine.Load)
	if len(p2.ring) > 0 {
		return p2.ring[0].home == 0
	}
	return p2.next != nil && p2.next.home == 0
}

func (r *goRuntime) numaDozing(mp *goM, node int) {
	bit := numaBit(node)
	mp.dozing = uint32(r.numa.dozing.load(mp))&bit == 0 && r.numa.dozing.or(mp, bit)&bit == 0
}

func (r *goRuntime) numaAwake(mp *goM, node int) {
	if mp.dozing {
		mp.dozing = false
		r.numa.dozing.and(mp, ^numaBit(node))
	}
}

func (r *goRuntime) numaQuiet(mp *goM) bool {
	idle := uint32(r.numa.idle.load(mp))
	return idle != 0 && idle&^uint32(r.numa.dozing.load(mp)) == 0 && idle&numaBit(r.numaHere(mp)) == 0
}

func (r *goRuntime) numaDoze(mp *goM, nd *goNode, ps []*goP) *goP {
	began := mp.Nanotime()
	r.lock(mp)
	r.mput(mp)
	r.unlock(mp)
	length := r.numaDozeFor(mp, nd, ps, began)
	woken := r.notetsleep(mp, &mp.park, max(0, length-mp.dozed))
	mp.dozed += mp.Nanotime() - began
	if length > policy.Grace {
		nd.until.store(mp, 0)
	}
	if !woken {
		r.lock(mp)
		if r.numaMgetSpecific(mp) != nil {
			nd.appetite.Dozed(mp.dozed)
			r.unlock(mp)
			mp.dozed = 0
			return nil
		}
		r.unlock(mp)
		r.notesleep(mp, &mp.park)
	}
	r.noteclear(mp, &mp.park)
	pp := mp.nextp
	mp.nextp = nil
	if mp.spinning {
		mp.spinning = false
		r.nmspinning.add(mp, -1)
	}
	return pp
}

func (r *goRuntime) numaDozeFor(mp *goM, nd *goNode, ps []*goP, now int64) int64 {
	if mp.ran != 0 {
		mp.lean, mp.ran = 0, 0
	}
	length := policy.DozeFor(mp.lean)
	if length == policy.Grace || len(r.net) > 0 && r.lastpoll.load(mp) != 0 || !mp.dozing {
		return policy.Grace
	}
	nd.until.store(mp, int32(now+length))
	for _, pp := range ps {
		if w := int64(pp.timers.load(mp)); w != 0 {
			length = min(length, w-now)
		}
	}
	if length <= policy.Grace {
		nd.until.store(mp, 0)
		return policy.Grace
	}
	return length
}

func (r *goRuntime) numaTimer(mp *goM, when int64) {
	if r.numa.dozing.load(mp) == 0 {
		return
	}
	for k := range r.numa.n {
		if when < int64(r.numa.nodes[k].until.load(mp)) && r.numaWakeNode(mp, k) {
			return
		}
	}
}

func (r *goRuntime) numaDecline(mp *goM) {
	r.numa.declined.store(mp, 1)
	if r.sysmonwait.load(mp) != 0 {
		r.lock(mp)
		if r.sysmonwait.load(mp) != 0 {
			r.sysmonwait.store(mp, 0)
			r.notewakeup(mp, &r.sysmonnote)
		}
		r.unlock(mp)
	}
}

// numaRetake has no numaAge: see model.go.
func (r *goRuntime) numaRetake(mp *goM) {
	if r.numa.declined.load(mp) != 0 {
		r.numa.declined.store(mp, 0)
		r.numaSend(mp)
	}
}

func (r *goRuntime) numaSend(mp *goM) bool {
	if r.npidle.load(mp) == 0 || r.gcwaiting.load(mp) != 0 {
		return false
	}
	r.lock(mp)
	r.numaPidleFirst(mp)
	pp := r.pidleget(mp)
	if pp != nil {
		pp.hunger = 1
		r.nmspinning.add(mp, 1)
		r.startm(mp, pp, true, true)
	}
	r.unlock(mp)
	return pp != nil
}
