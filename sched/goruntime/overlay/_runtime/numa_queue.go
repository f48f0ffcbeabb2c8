//go:build linux && (amd64 || arm64)

package runtime

// The global queue is one queue for each node, all under sched.lock. numaRunq has the
// methods and the size of gQueue, so that stock code that knows the global queue compiles
// unchanged, to the same text. With GONUMA=off it is one gQueue. Else its size is that of
// all, and it holds nothing itself.

type numaRunq struct{ gQueue }

var numaQueues [numaMaxNodes]gQueue

func (r *numaRunq) empty() bool { return r.size == 0 }

// numaQueueOf is the queue that gp belongs into: its home's, or that of the calling
// thread's node if it has none with Ps. That thread may have no P, and be bound to a node
// that has lost its own.
func numaQueueOf(gp *g) *gQueue {
	for _, k := range [...]int32{int32(gp.numaHome) - 1, numaHere()} {
		if k >= 0 && numa.nodes[k].lo < numa.nodes[k].hi {
			return &numaQueues[k]
		}
	}
	return &numaQueues[numa.first] // has the first Ps
}

// numaFlatPut is for Gosched with GONUMA=off. The compiler does not put a method that asks into
// the place of its call.
func numaFlatPut(gp *g) { sched.runq.gQueue.pushBack(gp) }

func (r *numaRunq) push(gp *g) {
	if !numa.on {
		r.gQueue.push(gp)
		return
	}
	numaQueueOf(gp).push(gp)
	r.size++
}

func (r *numaRunq) pushBack(gp *g) {
	if !numa.on {
		r.gQueue.pushBack(gp)
		return
	}
	numaQueueOf(gp).pushBack(gp)
	r.size++
}

func (r *numaRunq) pushBackAll(b gQueue) {
	if !numa.on {
		r.gQueue.pushBackAll(b)
		return
	}
	if b.empty() {
		return
	}
	b.tail.ptr().schedlink = 0 // runqputslow leaves something else there
	for !b.empty() {
		r.pushBack(b.pop())
	}
}

// numaEvacuate moves what waits for nodes that have lost their Ps. The world is stopped.
func numaEvacuate() {
	for i := int32(0); i < numa.n; i++ {
		if numa.nodes[i].lo < numa.nodes[i].hi {
			continue
		}
		for gp := numaQueues[i].pop(); gp != nil; gp = numaQueues[i].pop() {
			numaQueues[numa.first].pushBack(gp) // has the first Ps
		}
	}
}

// numaQueueEmpty is findRunnable's usual look at the global queue: at its node's part.
func numaQueueEmpty(pp *p) bool {
	if !numa.on {
		return sched.runq.empty()
	}
	return numaQueues[pp.numa.node].empty()
}

// numaNotFair is findRunnable's look for fairness, every 61 turns. Now and then it goes to
// all nodes.
func numaNotFair(pp *p) bool {
	if numa.on && pp.schedtick%FarTicks == 0 {
		return sched.runq.empty()
	}
	return numaQueueEmpty(pp)
}

// numaGlobrunqget takes one goroutine in the look for fairness.
func numaGlobrunqget() *g {
	assertLockHeld(&sched.lock)
	pp := getg().m.p.ptr()
	node := pp.numa.node
	if pp.schedtick%FarTicks == 0 {
		for i := int32(0); i < numa.n-1; i++ {
			if k := int32(numa.nodes[node].order[i]); !numaQueues[k].empty() {
				node = k
				break
			}
		}
	}
	gp := numaQueues[node].pop()
	if gp != nil {
		sched.runq.size--
	}
	return gp
}

// numaTakable is the node whose queue an M of node here may take from at once, without
// having dozed: its own, or one with a goroutine that has no home yet. A negative number
// is none. sched.lock is held.
func numaTakable(here int32) int32 {
	if sched.runq.size == 0 {
		return -1
	}
	if !numaQueues[here].empty() {
		return here
	}
	for i := int32(0); i < numa.n-1; i++ {
		k := int32(numa.nodes[here].order[i])
		if gp := numaQueues[k].head.ptr(); gp != nil && gp.numaHome == 0 {
			return k
		}
	}
	return -1
}

// numaNothingQueued is findRunnable's look before it gives up its P.
func numaNothingQueued() bool {
	if !numa.on {
		return sched.runq.empty()
	}
	return numaTakable(numaHere()) < 0
}

// numaGlobrunqgetbatch takes a batch from the own node's queue, or one goroutine from another's.
func numaGlobrunqgetbatch(n int32) (gp *g, q gQueue) {
	assertLockHeld(&sched.lock)
	here := numaHere()
	k := numaTakable(here)
	if k < 0 {
		return nil, q
	}
	from, nd := &numaQueues[k], &numa.nodes[here]
	if k == here {
		n = min(n, from.size, int32(QueueBatch(uint32(from.size), uint32(nd.hi-nd.lo), uint32(2*n))))
	} else {
		n = 1
	}
	sched.runq.size -= n
	gp = from.pop()
	for i := int32(1); i < n; i++ {
		q.pushBack(from.pop())
	}
	return gp, q
}
