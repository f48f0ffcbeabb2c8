//go:build linux && (amd64 || arm64)

package runtime

// Whether nodes are told apart is decided once, before the first P exists.

// numaInit runs in schedinit, when the environment is known and the number of Ps is not.
func numaInit() {
	asked, number, heap := numaAsk()
	numa.trace = gogetenv("GONUMATRACE") == "1"
	numa.why = numaStart(asked, number)
	if numa.why == "" {
		if heap {
			if why := numaHeapInit(asked == numaPretend); why != "" {
				print("gonuma: one heap for all nodes: ", why, "\n")
			}
		}
		return
	}
	numa.on, numa.bind = false, false
	// Who has one node has what confine is for.
	if numa.trace || (asked == numaConfine || heap) && numa.why != numaOneNode {
		print("gonuma: off: ", numa.why, "\n")
	}
}

const numaOneNode = "one node"

// numaStart does what was asked for, or says why not.
func numaStart(asked numaAsked, number int32) (why string) {
	switch {
	case asked == numaOff:
		return "GONUMA=off"
	case islibrary || isarchive:
		return "the program is a library in another one"
	case !numaCPUs():
		return "the kernel does not say which CPUs the program may use"
	}
	numa.bind = !iscgo // a thread that C makes has the mask of its maker
	if asked == numaPretend {
		numaPretendNodes(number)
	} else {
		numaRealNodes()
	}
	switch {
	case asked == numaConfine:
		return numaStartConfine(number)
	case numa.n < 2:
		return numaOneNode
	case asked == numaUnset && iscgo:
		return "the program uses cgo; GONUMA=on tells nodes apart without binding threads"
	case asked == numaUnset && numaNarrowed():
		return "somebody narrowed the CPU mask"
	case asked == numaUnset && numaPolicySet():
		return "somebody set a memory policy"
	}
	numaOrder()
	numa.first = numaStartNode()
	numa.on = true
	return ""
}

// numaProcresize decides which Ps live on which node. The world is stopped, no P is idle,
// and sched.lock is held. With fewer Ps than CPUs it fills the nodes one by one, beginning
// where we started: several processes share a machine. With more it deals in proportion.
// It is called whenever the world starts again, and then mostly nothing has changed.
func numaProcresize(nprocs int32) {
	if !numa.on || nprocs == numa.procs {
		return
	}
	numa.procs = nprocs
	total := int32(0)
	for i := int32(0); i < numa.n; i++ {
		total += numa.nodes[i].ncpu
	}
	lo, seen := int32(0), int32(0)
	for k := int32(0); k < numa.n; k++ {
		nd := &numa.nodes[(numa.first+k)%numa.n]
		seen += nd.ncpu
		hi := min(nprocs, seen)
		if nprocs > total {
			hi = int32(int64(nprocs) * int64(seen) / int64(total))
		}
		nd.lo, nd.hi = lo, hi
		lo = hi
	}
	for i := int32(0); i < numa.n; i++ {
		numaProcresizeNode(i, nprocs)
	}
	numaEvacuate()
}

func numaProcresizeNode(i, nprocs int32) {
	nd := &numa.nodes[i]
	if nd.lo == nd.hi {
		return
	}
	tiers := append(make([]Tier, 0, numa.n), NewTier(uint32(nd.hi-nd.lo), false))
	for _, k := range nd.order[:numa.n-1] {
		if o := &numa.nodes[k]; o.lo < o.hi {
			nd.victims[len(tiers)] = k
			tiers = append(tiers, NewTier(uint32(o.hi-o.lo), true))
		}
	}
	nd.victims[0] = uint8(i)
	nd.tiers = tiers
	for id := nd.lo; id < nd.hi; id++ {
		pp := &allp[id].numa
		pp.node, pp.prev = i, 0
		pp.policy.Rules = Rules{Local: true, Near: true, Homes: true}
		pp.policy.Procs, pp.policy.Queues, pp.policy.Tiers = uint32(nprocs), uint32(numa.n), tiers
		if pp.policy.Rand == 0 {
			pp.policy.Rand = Rand(rand()) | 1
		}
	}
}
