//go:build linux && (amd64 || arm64)

package runtime

import "internal/runtime/atomic"

// What a spinning M does that has found nothing and has given up its P. It no longer counts
// as spinning, so what is published from now on wakes another one. See policy's Rest.

// numaCheckRunqsNoP looks everywhere once more. It returns a P if there is something to do.
func numaCheckRunqsNoP(allpSnapshot []*p, idlepMaskSnapshot pMask) *p {
	mp := getg().m
	// The M is of the node of the P that it gave up. Its thread is bound to another one if it
	// has run nothing with that P. What is near for that node is not what this P may take.
	here := mp.numa.left
	// Neither is true any longer once it has run something.
	fed, vain := mp.numa.fed, mp.numa.vain
	mp.numa.fed, mp.numa.vain = false, true
	nd := &numa.nodes[here]
	// Somebody wakes it for what it may not take. If it slept, that would go on at once.
	linger := vain && nd.npidle.Load() == nd.hi-nd.lo && sched.npidle.Load() < gomaxprocs
	self := P{Rules: Rules{Homes: true}}
	near, far := false, false
	for step := self.Rest(0); ; {
		yes := false
		switch step {
		case LastLookHomes, LookAgain:
			near, far = numaLook(here, allpSnapshot, idlepMaskSnapshot)
			yes = near || far || linger
			linger = false
			if mp.numa.dozing && (!yes || !near && fed && step == LookAgain) {
				// Who relied on this M published work before this, and so the M finds it now.
				numaAwake(mp, here)
				near, far = numaLook(here, allpSnapshot, idlepMaskSnapshot)
				yes = near || far
			}
			if !yes {
				mp.numa.dozed = 0
			}
			if yes && !near && fed && step == LookAgain {
				// It searched hungrily just now, and others were faster. sysmon sends the
				// next one, so that an M does not go round and round beside busy Ps.
				numaDecline()
				return nil
			}
		case FarOnly:
			yes = !near
		case Doze:
			if !mp.numa.dozing {
				numaDozing(mp, here)
			}
			if pp := numaDoze(nd, allpSnapshot); pp != nil {
				numaAwake(mp, here)
				return pp
			}
		case Resume, ResumeHungry:
			lock(&sched.lock)
			pp, now := numaPidleget(here, 0)
			if pp == nil {
				pp, now = pidlegetSpinning(0)
			}
			if pp != nil && step == ResumeHungry {
				mp.numa.lean++
				pp.numa.hunger = numa.nodes[pp.numa.node].appetite.After(now)
				pp.numa.count[numaHungry]++
			}
			// Under the lock: an M that makes a P of the node idle after this would not count
			// because of this bit, and this M does not look again.
			numaAwake(mp, here)
			unlock(&sched.lock)
			return pp
		default:
			return nil
		}
		step = step.Next(yes)
	}
}

// numaLook looks for work for node here, without a P: near says that there is some that the
// M may take at once, far that there is some on nodes whose Ps are all busy. It wakes an
// idle P of a node that has work for it.
func numaLook(here int32, ps []*p, idle pMask) (near, far bool) {
	wait := numaWait(getg().m)
	for k := int32(0); k < numa.n; k++ {
		gp := numaQueues[k].head.ptr()
		switch {
		case gp == nil:
		case k == here:
			near = true
		case numaWakeNode(k):
		case gp.numaHome == 0 && !wait, numaOut(k, ps):
			near = true
		default:
			far = true
		}
	}
	for id, p2 := range ps {
		if idle.read(uint32(id)) || runqempty(p2) {
			continue
		}
		node := p2.numa.node
		switch {
		case node == here:
			near = true
		case numaWakeNode(node):
		case !wait && numaHomeless(p2), numaOut(node, ps):
			near = true
		default:
			far = true
		}
	}
	return near, far
}

// numaOut reports whether all Ps of a node are in system calls. Then nobody there runs what
// waits there, for as long as the calls take: 10 ms may pass before sysmon takes such a P away
// while others are idle. So that work is anyone's. ps is allp, or a snapshot of it for who has no P.
func numaOut(node int32, ps []*p) bool {
	lo, hi := numa.nodes[node].lo, numa.nodes[node].hi
	if lo >= hi || int(hi) > len(ps) { // GOMAXPROCS has changed since
		return false
	}
	for _, pp := range ps[lo:hi] {
		if !numaInSyscall(pp) {
			return false
		}
	}
	return true
}

// numaInSyscall reports whether a P's goroutine is in a system call. All that it reads may
// change meanwhile, as in stock's setBlockOnExitSyscall.
func numaInSyscall(pp *p) bool {
	if atomic.Load(&pp.status) != _Prunning {
		return false
	}
	mp := pp.m.ptr()
	if mp == nil {
		return false
	}
	gp := mp.curg
	return gp != nil && readgstatus(gp)&^_Gscan == _Gsyscall
}

// numaHomeless reports whether the oldest goroutine of p2 has no home.
func numaHomeless(p2 *p) bool {
	if head := p2.runqhead; head != p2.runqtail {
		gp := p2.runq[head%uint32(len(p2.runq))].ptr()
		return gp != nil && gp.numaHome == 0
	}
	next := p2.runnext.ptr()
	return next != nil && next.numaHome == 0
}

// numaDozing has a node count as one where an M dozes, or looks a last time, because of mp, unless
// it counts because of another M. It must not count because of mp already. Wakers of other nodes
// rely on such an M: see numaQuiet.
//
//go:nowritebarrierrec
func numaDozing(mp *m, node int32) {
	bit := numaBit(node)
	mp.numa.dozing = atomic.Load64(&numa.dozing)&bit == 0 && atomic.Or64(&numa.dozing, bit)&bit == 0
}

// numaAwake has it no longer count because of mp.
func numaAwake(mp *m, node int32) {
	if mp.numa.dozing {
		mp.numa.dozing = false
		atomic.And64(&numa.dozing, ^numaBit(node))
	}
}

// numaQuiet reports whether a waker may leave it at that: all idle Ps are on other nodes,
// and an M dozes on each of these. Without it, two goroutines that talk to each other would
// wake another node's M for each message. Stock's M sleeps for a moment as a spinning one
// when it sees them, and so nobody wakes it, either.
func numaQuiet() bool {
	idle := atomic.Load64(&numa.idle)
	return idle != 0 && idle&^atomic.Load64(&numa.dozing) == 0 && idle&numaBit(numaHere()) == 0
}

// numaDoze waits as an idle M of a node, until it has dozed for a Grace in all, or for longer. It
// returns the P of whoever has woken it before.
func numaDoze(nd *numaNode, ps []*p) *p {
	mp := getg().m
	began := nanotime()
	lock(&sched.lock)
	mput(mp)
	unlock(&sched.lock)
	length := numaDozeFor(nd, ps, began)
	woken := notetsleep(&mp.park, max(0, length-mp.numa.dozed))
	mp.numa.dozed += nanotime() - began
	if length > Grace {
		nd.until.Store(0)
	}
	if !woken {
		lock(&sched.lock)
		if numaMgetSpecific(mp) != nil {
			nd.appetite.Dozed(mp.numa.dozed)
			unlock(&sched.lock)
			mp.numa.dozed = 0
			return nil
		}
		unlock(&sched.lock)
		// Somebody has taken it off the list, and is about to give it a P.
		notesleep(&mp.park)
	}
	noteclear(&mp.park)
	pp := mp.nextp.ptr()
	mp.nextp = 0
	if mp.spinning {
		// findRunnable counts it again.
		mp.spinning = false
		sched.nmspinning.Add(-1)
	}
	return pp
}

// numaDozeFor is for how long the calling M dozes. If that is more than a Grace, nobody may wait for
// it: it wakes for the first timer, and whoever starts an earlier one wakes it (numaTimer). One
// who publishes a timer then looks for who dozes, and one who dozes looks at timers afterwards.
func numaDozeFor(nd *numaNode, ps []*p, now int64) int64 {
	mp := getg().m
	if mp.numa.ran != 0 { // its node has had work
		mp.numa.lean, mp.numa.ran = 0, 0
	}
	length := DozeFor(mp.numa.lean)
	if length == Grace || gcBlackenEnabled != 0 || netpollAnyWaiters() && sched.lastpoll.Load() != 0 || !mp.numa.dozing {
		return Grace
	}
	nd.until.Store(now + length)
	for _, pp := range ps {
		if w := pp.timers.wakeTime(); w != 0 {
			length = min(length, w-now)
		}
	}
	if length <= Grace {
		nd.until.Store(0)
		return Grace
	}
	return length
}

// numaTimer is called when a timer was started that is the first of its P, and nobody waits for
// the network and timers.
func numaTimer(when int64) {
	if atomic.Load64(&numa.dozing) == 0 {
		return
	}
	for k := int32(0); k < numa.n; k++ {
		if when < numa.nodes[k].until.Load() && numaWakeNode(k) {
			return
		}
	}
}

// numaDeclined tells sysmon that an M went to sleep beside work of other nodes.
var numaDeclined atomic.Bool

// numaDecline sets it, and ends sysmon's deep sleep. sysmon falls into that when all Ps are
// idle. A goroutine that came from the network does not end it, unless it makes a system
// call.
func numaDecline() {
	numaDeclined.Store(true)
	if sched.sysmonwait.Load() {
		lock(&sched.lock)
		if sched.sysmonwait.Load() {
			sched.sysmonwait.Store(false)
			notewakeup(&sched.sysmonnote)
		}
		unlock(&sched.lock)
	}
}

// numaRetake is sysmon's look at Ps in system calls, and at work that was declined. It
// looks at the age of the node queues, too: if one has had the same goroutine first in it
// for long while a P is idle, somebody has erred. That is a second line of defence.
func numaRetake(now int64) uint32 {
	if numa.on {
		numaWatchMask(now)
		if numaDeclined.Load() {
			numaDeclined.Store(false)
			numaSend(now)
		}
		numaAge.check(now)
	}
	return retake(now)
}

// numaSend wakes an M that takes work from other nodes without a doze. It reports
// whether there was an idle P for one.
func numaSend(now int64) bool {
	if sched.npidle.Load() == 0 || sched.gcwaiting.Load() {
		return false
	}
	lock(&sched.lock)
	numaPidleFirst()
	pp, _ := pidleget(now)
	if pp != nil {
		pp.numa.hunger = 1
		sched.nmspinning.Add(1)
		startm(pp, true, true)
	}
	unlock(&sched.lock)
	return pp != nil
}

// numaAge belongs to sysmon.
var numaAge numaAgeT

type numaAgeT struct {
	head  [numaMaxNodes]guintptr // what was first in each queue, since
	since [numaMaxNodes]int64
}

const numaTooOld = 10 * 1000 * 1000 // ns, stock's time slice

func (a *numaAgeT) check(now int64) {
	for k := int32(0); k < numa.n; k++ {
		head := numaQueues[k].head
		if head == 0 || head != a.head[k] {
			a.head[k], a.since[k] = head, now
			continue
		}
		if now-a.since[k] >= numaTooOld && numaSend(now) {
			numaLate.Add(1)
			a.since[k] = now
		}
	}
}
