package explore

import "numasched/sched/policy"

// The overlay's protocol, function by function: see model.go. A function that begins with
// getg().m there has it as its argument here. What is in numa_idle.go of the overlay is in
// model_numa_idle.go, and so on; this file has numa.go, numa_home.go and numa_start.go.

// numa.go

func numaBit(node int) uint32 { return 1 << node }

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

func (r *goRuntime) numaTrail(pp *goP, gp *goG, here uint8) policy.Where {
	again := gp.from == here
	gp.from = here
	w := policy.Ready(&pp.policy.Rand, int32(gp.home)-1, int32(here)-1, again)
	if w == policy.Move {
		gp.home, gp.from = here, 0
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
	// Only timers make goroutines ready here, and then mp.curg is nil: gp follows nobody.
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

func (r *goRuntime) numaNetpoll(mp *goM, delay int64) []*goG {
	list := r.netpoll(mp, delay)
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
	mp.ran++
	mp.node = node // numaBind
	pp.runs.add(mp, 1)
	switch here := uint8(node); {
	case gp.home == here:
	case gp.home == 0:
		gp.home = here
	default:
		r.numaTrail(mp.p, gp, here)
	}
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
