//go:build linux && (amd64 || arm64)

package runtime

import (
	"internal/runtime/atomic"
	"unsafe"
)

// Idle Ms and idle Ps, by node. All of it is under sched.lock.

// A numaMList is a list of idle Ms for each node, and the embedded one for those that are
// bound to none. It has the methods and the size of listHeadManual, whose place it takes.
type numaMList struct{ listHeadManual }

var numaMLists [numaMaxNodes]listHeadManual

func (l *numaMList) init(off uintptr) {
	l.listHeadManual.init(off)
	for i := range numaMLists {
		numaMLists[i].init(off)
	}
}

// of is the list of a node, from 1, or the one for Ms that are bound to none.
func (l *numaMList) of(node int32) *listHeadManual {
	if node == 0 {
		return &l.listHeadManual
	}
	return &numaMLists[node-1]
}

//go:nowritebarrierrec
func (l *numaMList) push(v unsafe.Pointer) {
	mp := (*m)(v)
	mp.numa.idle = mp.numa.node + 1
	l.of(mp.numa.node).push(v)
}

//go:nowritebarrierrec
func (l *numaMList) popFrom(node int32) unsafe.Pointer {
	v := l.of(node).pop()
	if v != nil {
		(*m)(v).numa.idle = 0
	}
	return v
}

//go:nowritebarrierrec
func (l *numaMList) pop() unsafe.Pointer {
	for i := int32(0); i <= numa.n; i++ {
		if v := l.popFrom(i); v != nil {
			return v
		}
	}
	return nil
}

//go:nowritebarrierrec
func (l *numaMList) remove(v unsafe.Pointer) {
	mp := (*m)(v)
	l.of(mp.numa.idle - 1).remove(v)
	mp.numa.idle = 0
}

// numaMget finds an idle M to run pp: the one that ran it last, else one of the same node,
// else any.
//
//go:nowritebarrierrec
func numaMget(pp *p) *m {
	if !numa.on {
		return mget()
	}
	assertLockHeld(&sched.lock)
	if oldm := pp.oldm.get(); oldm != nil {
		if mp := numaMgetSpecific(oldm); mp != nil {
			return mp
		}
	}
	if mp := (*m)(sched.midle.popFrom(pp.numa.node + 1)); mp != nil {
		sched.nmidle--
		return mp
	}
	return mget()
}

// numaMgetSpecific takes mp if it is idle. Stock's asks the links of the list, and so it misses
// an M that is alone there.
//
//go:nowritebarrierrec
func numaMgetSpecific(mp *m) *m {
	assertLockHeld(&sched.lock)
	if mp.numa.idle == 0 {
		return nil
	}
	sched.midle.remove(unsafe.Pointer(mp))
	sched.nmidle--
	return mp
}

// numaPidleput notes that stock's pidleput is about to make pp idle. The one list of idle Ps
// stays, so that those who walk it need no edit; it is doubly linked, so that a P can be
// taken from its middle.
//
//go:nowritebarrierrec
func numaPidleput(pp *p) {
	if head := sched.pidle.ptr(); head != nil {
		head.numa.prev.set(pp)
	}
	pp.numa.prev = 0
	nd, mp := &numa.nodes[pp.numa.node], getg().m
	if mp.spinning { // numaCheckRunqsNoP comes next, as no look at the queue comes before: see edits
		numaDozing(mp, pp.numa.node)
	}
	if nd.npidle.Add(1) == 1 {
		atomic.Store64(&numa.idle, numa.idle|numaBit(pp.numa.node))
	}
	mp.numa.left = pp.numa.node
}

// numaPidleFirst makes the P that stock's pidleget is about to take the first of the list. Most
// callers have just published work, or have found some: so a node that has both work in its
// queue and an idle P comes first, then the caller's node, then the others by distance.
//
//go:nowritebarrierrec
func numaPidleFirst() {
	assertLockHeld(&sched.lock)
	if sched.pidle == 0 {
		return
	}
	here := numaHere()
	if sched.runq.size > 0 {
		for i := int32(-1); i < numa.n-1; i++ {
			if k := numaNth(here, i); !numaQueues[k].empty() && numaPidleMove(k) {
				return
			}
		}
	}
	for i := int32(-1); i < numa.n-1; i++ {
		if numaPidleMove(numaNth(here, i)) {
			return
		}
	}
	throw("numa: an idle P is on no node")
}

// numaNth is the node that is nth from here by distance, from 0; here itself is -1.
//
//go:nosplit
func numaNth(here, nth int32) int32 {
	if nth < 0 {
		return here
	}
	return int32(numa.nodes[here].order[nth])
}

// numaPidleget takes an idle P of a node.
//
//go:nowritebarrierrec
func numaPidleget(node int32, now int64) (*p, int64) {
	if !numaPidleMove(node) {
		return nil, now
	}
	return pidleget(now)
}

// numaPidleMove moves an idle P of a node to the head of the list, from where it is taken at
// once.
//
//go:nowritebarrierrec
func numaPidleMove(node int32) bool {
	nd := &numa.nodes[node]
	if nd.npidle.Load() == 0 {
		return false
	}
	for id := nd.lo; id < nd.hi; id++ {
		if id&31 == 0 && id+32 <= nd.hi && atomic.Load(&idlepMask[id>>5]) == 0 {
			id += 31
			continue
		}
		if !idlepMask.read(uint32(id)) {
			continue
		}
		pp := allp[id]
		if prev := pp.numa.prev.ptr(); prev != nil {
			prev.link = pp.link
			if next := pp.link.ptr(); next != nil {
				next.numa.prev = pp.numa.prev
			}
			pp.link = sched.pidle
			sched.pidle.set(pp)
		} else if sched.pidle.ptr() != pp {
			throw("numa: the list of idle Ps is wrong")
		}
		pp.numa.prev = 0
		if next := pp.link.ptr(); next != nil {
			next.numa.prev = 0
		}
		if nd.npidle.Add(-1) == 0 {
			atomic.Store64(&numa.idle, numa.idle&^numaBit(node))
		}
		return true
	}
	throw("numa: a node's count of idle Ps is wrong")
	return false
}

// numaPidlegetExit finds a P for a goroutine that comes back from a system call: one of
// its home first.
//
//go:nowritebarrierrec
func numaPidlegetExit(gp *g) (*p, int64) {
	if numa.on {
		if gp.numaHome != 0 {
			if pp, now := numaPidleget(int32(gp.numaHome)-1, 0); pp != nil {
				return pp, now
			}
		}
		numaPidleFirst()
	}
	return pidleget(0)
}

// numaWakeNode wakes an idle P of a node, to search for work there.
func numaWakeNode(node int32) bool {
	if numa.nodes[node].npidle.Load() == 0 {
		return false
	}
	mp := acquirem()
	lock(&sched.lock)
	pp, _ := numaPidleget(node, 0)
	if pp != nil {
		sched.nmspinning.Add(1)
		startm(pp, true, true)
	}
	unlock(&sched.lock)
	if pp != nil && mp.p != 0 {
		mp.p.ptr().numa.count[numaWakes]++
	}
	releasem(mp)
	return pp != nil
}
