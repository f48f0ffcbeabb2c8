//go:build linux && (amd64 || arm64)

package runtime

// Homes. A goroutine is at home where it ran first: its stack and its first objects are
// there. It is woken there, wherever the waker runs. When one other node wakes or runs it
// again and again, it moves there: see FollowOdds. g.numaHome is its home and g.numaFrom the other
// node that woke or ran it last, from 1.

// numaTrail notes that gp was woken or run by pp, on node here, which is not its home, and says
// what becomes of it.
//
//go:nowritebarrierrec
func numaTrail(pp *p, gp *g, here uint8) Where {
	again := gp.numaFrom == here
	gp.numaFrom = here
	w := Ready(&pp.numa.policy.Rand, int32(gp.numaHome)-1, int32(here)-1, again)
	if w == Move {
		gp.numaHome, gp.numaFrom = here, 0
	}
	return w
}

// numaReused makes a descriptor that gfget has found one of a goroutine that never ran. If there
// was none, a new one is all zero.
func numaReused(pp *p, gp *g) {
	if gp == nil {
		return
	}
	gp.numaHome, gp.numaFrom = 0, 0
	if numaHeap.on {
		numaGfstack(pp, gp)
	}
}

// numaReady sends a goroutine that was made ready to its home, and reports whether it did.
// The caller may not be preempted.
func numaReady(gp *g) bool {
	if gp.numaHome == 0 || gp.lockedm != 0 {
		return false
	}
	mp := getg().m
	pp := mp.p.ptr()
	here := uint8(pp.numa.node + 1)
	if gp.numaHome == here {
		gp.numaFrom = 0
		return false
	}
	// If no goroutine wakes it, the scheduling loop does, for a timer mostly. It follows nobody then,
	// as with policy's Place.
	if mp.curg != nil && numaTrail(pp, gp, here) != AtHome {
		pp.numa.count[numaMoves]++
		return false
	}
	numaSendHome(gp)
	return true
}

// numaSendHome hands a runnable gp to an idle P of its home, or queues it there: then the
// Ps there are busy, and look at the queue before they go idle. Others come for it when
// they have nothing else, so one of them may have to be woken.
func numaSendHome(gp *g) {
	h := int32(gp.numaHome) - 1
	lock(&sched.lock)
	if p2, _ := numaPidleget(h, 0); p2 != nil {
		runqput(p2, gp, false) // it is ours now
		startm(p2, false, true)
		unlock(&sched.lock)
		numaCount(numaHandoffs)
		return
	}
	globrunqput(gp)
	unlock(&sched.lock)
	numaCount(numaQueued)
	wakep()
}

func numaCount(what int) {
	if pp := getg().m.p.ptr(); pp != nil {
		pp.numa.count[what]++
	}
}

// numaNetpoll polls, and sends home what is at home elsewhere. The rest it returns.
func numaNetpoll(delay int64) (gList, int32) {
	if !numa.on {
		return netpoll(delay)
	}
	list, delta := netpoll(delay)
	if list.empty() {
		return list, delta
	}
	// findRunnable accounts only for a list that is not empty.
	netpollAdjustWaiters(delta)
	mp := acquirem()
	here := uint8(numaHere() + 1)
	var keep gQueue
	for !list.empty() {
		gp := list.pop()
		if gp.numaHome == 0 || gp.numaHome == here || gp.lockedm != 0 {
			keep.pushBack(gp)
			continue
		}
		trace := traceAcquire()
		casgstatus(gp, _Gwaiting, _Grunnable)
		if trace.ok() {
			trace.GoUnpark(gp, 0)
			traceRelease(trace)
		}
		numaSendHome(gp)
	}
	releasem(mp)
	return keep.popList(), 0
}

// numaExecute runs on the scheduler's stack when the M is about to run gp.
func numaExecute(gp *g) {
	mp := getg().m
	pp := mp.p.ptr()
	node := pp.numa.node + 1
	mp.numa.fed, mp.numa.vain = false, false
	mp.numa.ran++
	if mp.numa.node != node {
		numaBind(mp, node)
	}
	switch here := uint8(node); {
	case gp.numaHome == here:
		pp.numa.count[numaRunsHome]++
	case gp.numaHome == 0:
		gp.numaHome = here
		pp.numa.count[numaRunsHome]++
	default:
		pp.numa.count[numaRunsAway]++
		// A GC worker belongs to the P that chose it.
		if pp.gcMarkWorkerMode == gcMarkWorkerNotWorker && numaTrail(pp, gp, here) == Move {
			pp.numa.count[numaMoves]++
		}
	}
}

// numaExitsyscall runs on the system stack when a goroutine has come back from a system
// call to another P than it left.
func numaExitsyscall() {
	mp := getg().m
	if node := mp.p.ptr().numa.node + 1; mp.numa.node != node {
		numaBind(mp, node)
	}
}
