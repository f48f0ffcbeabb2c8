package explore

import (
	"slices"

	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// The overlay's protocol, function by function: see model.go. A function that begins with
// getg().m there has it as its argument here.

// numa.go

func (r *goRuntime) numaHere(mp *goM) int {
	if mp.p != nil {
		return mp.p.node
	}
	if mp.node > 0 {
		return mp.node - 1
	}
	return r.numa.first
}

// numa_home.go

func (r *goRuntime) numaTrail(gp *goG, here uint8) policy.Where {
	if gp.from != here {
		gp.from, gp.times = here, 0
	}
	gp.times++
	w := policy.Ready(int32(gp.home)-1, int32(here)-1, int32(gp.times))
	if w == policy.Move {
		gp.home, gp.from, gp.times = here, 0, 0
	}
	return w
}

func (r *goRuntime) numaReady(mp *goM, gp *goG) bool {
	if gp.home == 0 {
		return false
	}
	here := uint8(mp.p.node + 1)
	if gp.home == here {
		gp.from = 0
		return false
	}
	if r.numaTrail(gp, here) != policy.AtHome {
		return false
	}
	r.numaSendHome(mp, gp)
	return true
}

func (r *goRuntime) numaSendHome(mp *goM, gp *goG) {
	h := int(gp.home) - 1
	r.lock(mp)
	if p2 := r.numaPidleget(mp, h); p2 != nil {
		r.runqput(mp, p2, gp, false)
		r.startm(mp, p2, false, true)
		r.unlock(mp)
		return
	}
	r.globrunqput(mp, gp)
	r.unlock(mp)
	r.wakep(mp)
}

func (r *goRuntime) numaNetpoll(mp *goM) []*goG {
	list := r.netpoll(mp)
	here := uint8(r.numaHere(mp) + 1)
	var keep []*goG
	for _, gp := range list {
		if gp.home == 0 || gp.home == here {
			keep = append(keep, gp)
			continue
		}
		r.numaSendHome(mp, gp)
	}
	return keep
}

func (r *goRuntime) numaExecute(mp *goM, gp *goG) {
	pp := mp.p
	node := pp.node + 1
	mp.fed, mp.vain = false, false
	mp.node = node // numaBind
	pp.runs.add(mp, 1)
	switch here := uint8(node); {
	case gp.home == here:
	case gp.home == 0:
		gp.home = here
	default:
		r.numaTrail(gp, here)
	}
}

// numa_idle.go

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
		if nmp := r.mgetSpecific(pp.oldm); nmp != nil {
			return nmp
		}
	}
	if nmp := r.popFrom(pp.node + 1); nmp != nil {
		return nmp
	}
	return r.mget()
}

func (r *goRuntime) mgetSpecific(mp *goM) *goM {
	r.assertLockHeld()
	if mp.idle == 0 {
		return nil
	}
	l := r.midleFor(mp.idle - 1)
	*l = slices.DeleteFunc(*l, func(o *goM) bool { return o == mp })
	mp.idle = 0
	return mp
}

func (r *goRuntime) pidleput(mp *goM, pp *goP) {
	r.numa.nodes[pp.node].npidle.add(mp, 1)
	mp.left = pp.node
	r.pidleputFlat(mp, pp)
}

// pidleputQuiet is pidleput before there are threads.
func (r *goRuntime) pidleputQuiet(pp *goP) {
	r.numa.nodes[pp.node].npidle.v++
	r.idlepMask.v |= 1 << pp.id
	r.pidle = append(r.pidle, pp)
	r.npidle.v++
}

func (r *goRuntime) pidleget(mp *goM) *goP {
	r.assertLockHeld()
	if len(r.pidle) == 0 {
		return nil
	}
	here := r.numaHere(mp)
	if r.runqsize.v > 0 {
		for i := -1; i < r.numa.n-1; i++ {
			k := r.numaNth(here, i)
			if len(r.numa.nodes[k].gs) > 0 && r.numa.nodes[k].npidle.v > 0 {
				return r.numaPidleget(mp, k)
			}
		}
	}
	for i := -1; i < r.numa.n-1; i++ {
		if pp := r.numaPidleget(mp, r.numaNth(here, i)); pp != nil {
			return pp
		}
	}
	r.throw("numa: an idle P is on no node")
	return nil
}

func (r *goRuntime) numaNth(here, nth int) int {
	if nth < 0 {
		return here
	}
	return r.numa.nodes[here].order[nth]
}

func (r *goRuntime) numaPidleget(mp *goM, node int) *goP {
	nd := &r.numa.nodes[node]
	if nd.npidle.v == 0 { // under sched.lock, as all that write it
		return nil
	}
	for id := nd.lo; id < nd.hi; id++ {
		if r.idlepMask.v>>id&1 == 0 {
			continue
		}
		pp := r.allp[id]
		r.pidle = append(slices.DeleteFunc(r.pidle, func(o *goP) bool { return o == pp }), pp)
		nd.npidle.add(mp, -1)
		return r.pidlegetFlat(mp)
	}
	r.throw("numa: a node's count of idle Ps is wrong")
	return nil
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

// numa_queue.go

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

func (r *goRuntime) globrunqget(mp *goM) *goG {
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

func (r *goRuntime) globrunqgetbatch(mp *goM, n int) (gp *goG, q []*goG) {
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

// numa_rest.go

func (r *goRuntime) checkRunqsNoP(mp *goM, allpSnapshot []*goP) *goP {
	here := mp.left
	fed, vain := mp.fed, mp.vain
	mp.fed, mp.vain = false, true
	nd := &r.numa.nodes[here]
	linger := vain && nd.npidle.load(mp) == int32(nd.hi-nd.lo) && r.npidle.load(mp) < int32(r.gomaxprocs)
	self := policy.P{Rules: policy.Rules{Homes: true}}
	rest, step := self.Rest(0)
	near, far := false, false
	for {
		yes := false
		switch step {
		case policy.LastLook, policy.LookAgain:
			near, far = r.numaLook(mp, here, allpSnapshot)
			yes = near || far || linger
			linger = false
			if yes && !near && fed && step == policy.LookAgain {
				r.numaDecline(mp)
				return nil
			}
		case policy.FarOnly:
			yes = !near
		case policy.Doze:
			if pp := r.numaDoze(mp, nd); pp != nil {
				return pp
			}
		case policy.Resume, policy.ResumeHungry:
			r.lock(mp)
			pp := r.numaPidleget(mp, here)
			if pp == nil {
				pp = r.pidlegetSpinning(mp)
			}
			if pp != nil && step == policy.ResumeHungry {
				pp.hunger = r.numa.nodes[pp.node].appetite.After(mp.Nanotime())
			}
			r.unlock(mp)
			return pp
		default:
			return nil
		}
		step = rest.Next(yes)
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
		case gp.home == 0 && !wait:
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
		case !wait && r.numaHomeless(mp, p2):
			near = true
		default:
			far = true
		}
	}
	return near, far
}

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

func (r *goRuntime) numaQuiet(mp *goM) bool { return r.numa.dozers.load(mp) != 0 && r.numaAllDoze(mp) }

func (r *goRuntime) numaAllDoze(mp *goM) (quiet bool) {
	here := r.numaHere(mp)
	for k := range r.numa.n {
		nd := &r.numa.nodes[k]
		if nd.npidle.load(mp) == 0 {
			continue
		}
		if k == here || nd.dozers.load(mp) == 0 {
			return false
		}
		quiet = true
	}
	return quiet
}

func (r *goRuntime) numaDoze(mp *goM, nd *goNode) *goP {
	nd.dozers.add(mp, 1)
	r.numa.dozers.add(mp, 1)
	r.lock(mp)
	r.mput(mp)
	r.unlock(mp)
	woken := r.notetsleep(mp, &mp.park, policy.Grace)
	r.numa.dozers.add(mp, -1)
	nd.dozers.add(mp, -1)
	if !woken {
		r.lock(mp)
		if r.mgetSpecific(mp) != nil {
			r.unlock(mp)
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
	pp := r.pidleget(mp)
	if pp != nil {
		pp.hunger = 1
		r.nmspinning.add(mp, 1)
		r.startm(mp, pp, true, true)
	}
	r.unlock(mp)
	return pp != nil
}

// numa_start.go

func (r *goRuntime) numaProcresize(nprocs int) {
	if nprocs == r.numa.procs {
		return
	}
	r.numa.procs = nprocs
	total := 0
	for i := range r.numa.nodes {
		total += r.numa.nodes[i].ncpu
	}
	lo, seen := 0, 0
	for k := range r.numa.n {
		nd := &r.numa.nodes[(r.numa.first+k)%r.numa.n]
		seen += nd.ncpu
		hi := min(nprocs, seen)
		if nprocs > total {
			hi = nprocs * seen / total
		}
		nd.lo, nd.hi = lo, hi
		lo = hi
	}
	for i := range r.numa.nodes {
		r.numaProcresizeNode(i, nprocs)
	}
	r.numaEvacuate()
}

func (r *goRuntime) numaProcresizeNode(i, nprocs int) {
	nd := &r.numa.nodes[i]
	nd.npidle.v = 0
	if nd.lo == nd.hi {
		return
	}
	tiers := []policy.Tier{policy.NewTier(uint32(nd.hi-nd.lo), false)}
	nd.victims = []int{i}
	for _, k := range nd.order {
		if o := &r.numa.nodes[k]; o.lo < o.hi {
			nd.victims = append(nd.victims, k)
			tiers = append(tiers, policy.NewTier(uint32(o.hi-o.lo), true))
		}
	}
	nd.tiers = tiers
	for id := nd.lo; id < nd.hi; id++ {
		pp := r.allp[id]
		pp.node = i
		pp.policy.Rules = policy.Rules{Local: true, Near: true, Homes: true}
		pp.policy.Procs, pp.policy.Queues, pp.policy.Tiers = uint32(nprocs), uint32(r.numa.n), tiers
		if pp.policy.Rand == 0 {
			pp.policy.Rand = policy.Rand(r.t.cfg.Seed*64+uint64(id)) | 1
		}
	}
}

// numa_steal.go

func (r *goRuntime) stealWork(mp *goM) (gp *goG, newWork bool) {
	pp := mp.p
	nd := &r.numa.nodes[pp.node]
	search := pp.policy.Search(pp.hunger)
	mp.fed = pp.hunger != 0
	wait := pp.hunger == 0 && r.numaWait(mp)
	pp.hunger = 0
	for {
		step := search.Next(&pp.policy)
		var p2 *goP
		switch step.Kind {
		case policy.GiveUp:
			return nil, newWork
		case policy.OwnQueue:
			if nd.queue.load(mp) != 0 {
				r.lock(mp)
				gp, q := r.globrunqgetbatch(mp, 128)
				r.unlock(mp)
				if gp != nil {
					r.runqputbatch(mp, pp, q)
					return gp, newWork
				}
			}
			continue
		case policy.FarQueue:
			if wait {
				continue
			}
			if gp := r.numaStealQueue(mp, pp, nd.order[step.Index-1], step.Theft); gp != nil {
				return gp, newWork
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
			return nil, true
		}
		if p2 == pp {
			continue
		}
		if r.idlepMask.load(mp)>>p2.id&1 != 0 {
			continue
		}
		switch {
		case !step.Remote:
			gp = r.runqsteal(mp, pp, p2, step.Last)
		case !wait:
			gp = r.numaStealFar(mp, pp, p2, step.Theft)
		}
		if gp != nil {
			pp.policy.Stole(uint32(1+len(pp.ring)), step.Remote)
			if step.Remote {
				mp.ate = mp.Nanotime() + 1 // the clock here begins with 0
			}
			return gp, newWork
		}
	}
}

func (r *goRuntime) numaWait(mp *goM) bool {
	if mp.ate != 0 && !policy.SmallMeal(mp.Nanotime()-mp.ate) {
		mp.ate = 0
	}
	return mp.ate != 0
}

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
	r.runqsize.add(mp, -int32(n))
	gp := r.pop(mp, node)
	var q []*goG
	for i := uint32(1); i < n; i++ {
		q = append(q, r.pop(mp, node))
	}
	r.unlock(mp)
	r.runqputbatch(mp, pp, q)
	return gp
}
