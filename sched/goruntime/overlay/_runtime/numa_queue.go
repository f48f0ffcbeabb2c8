//go:build linux && (amd64 || arm64)

package runtime

// The global queue is one queue for each node, all under sched.lock. numaRunq has the
// methods of gQueue, so that stock code that knows the global queue compiles unchanged.
// With GONUMA=off everything is in the first queue.

type numaRunq struct {
	size int32 // of all
	q    [numaMaxNodes]gQueue
}

func (r *numaRunq) empty() bool { return r.size == 0 }

// queueOf is the queue that gp belongs into: its home's, or that of the calling thread's
// node if it has none with Ps.
func (r *numaRunq) queueOf(gp *g) *gQueue {
	if !numa.on {
		return &r.q[0]
	}
	if h := int32(gp.numaHome) - 1; h >= 0 && numa.nodes[h].lo < numa.nodes[h].hi {
		return &r.q[h]
	}
	return &r.q[numaHere()]
}

func (r *numaRunq) push(gp *g)     { r.queueOf(gp).push(gp); r.size++ }
func (r *numaRunq) pushBack(gp *g) { r.queueOf(gp).pushBack(gp); r.size++ }

func (r *numaRunq) pushBackAll(b gQueue) {
	if !numa.on {
		r.size += b.size
		r.q[0].pushBackAll(b)
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

// pop is what stock's functions call, which run with GONUMA=off only.
func (r *numaRunq) pop() *g {
	gp := r.q[0].pop()
	if gp != nil {
		r.size--
	}
	return gp
}

// evacuate moves what waits for nodes that have lost their Ps. The world is stopped.
func (r *numaRunq) evacuate() {
	for i := int32(0); i < numa.n; i++ {
		if numa.nodes[i].lo < numa.nodes[i].hi {
			continue
		}
		for gp := r.q[i].pop(); gp != nil; gp = r.q[i].pop() {
			r.q[numa.first].pushBack(gp) // has the first Ps
		}
	}
}

// numaQueueEmpty is findRunnable's usual look at the global queue: at its node's part.
func numaQueueEmpty(pp *p) bool {
	return sched.runq.q[pp.numa.node].empty()
}

// numaNotFair is findRunnable's look for fairness, every 61 turns. Now and then it goes to
// all nodes.
func numaNotFair(pp *p) bool {
	if numa.on && pp.schedtick%FarTicks == 0 {
		return sched.runq.empty()
	}
	return numaQueueEmpty(pp)
}

// globrunqget takes one goroutine in the look for fairness.
func globrunqget() *g {
	if !numa.on {
		return globrunqgetFlat()
	}
	assertLockHeld(&sched.lock)
	pp := getg().m.p.ptr()
	node := pp.numa.node
	if pp.schedtick%FarTicks == 0 {
		for i := int32(0); i < numa.n-1; i++ {
			if k := int32(numa.nodes[node].order[i]); !sched.runq.q[k].empty() {
				node = k
				break
			}
		}
	}
	gp := sched.runq.q[node].pop()
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
	if !sched.runq.q[here].empty() {
		return here
	}
	for i := int32(0); i < numa.n-1; i++ {
		k := int32(numa.nodes[here].order[i])
		if gp := sched.runq.q[k].head.ptr(); gp != nil && gp.numaHome == 0 {
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

// globrunqgetbatch takes a batch from the own node's queue, or one goroutine from another's.
func globrunqgetbatch(n int32) (gp *g, q gQueue) {
	if !numa.on {
		return globrunqgetbatchFlat(n)
	}
	assertLockHeld(&sched.lock)
	here := numaHere()
	k := numaTakable(here)
	if k < 0 {
		return nil, q
	}
	from, nd := &sched.runq.q[k], &numa.nodes[here]
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
