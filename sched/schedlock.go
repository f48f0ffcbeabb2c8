package sched

import (
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// Go's own lock. In Go one lock, sched.lock, protects the global queue, the idle Ps and the
// idle Ms. On machines with many CPUs it is what limits programs whose goroutines yield or
// wake each other a lot (golang/go#67585, #68399, #68578; grpc/grpc-go#8742). Where a
// simulation says how Go does there, the lock has to be taken as often as Go takes it, for
// as long, and on the same cache lines. That is what Sched.goLock is for. It is set in
// simulation, under the arms that stand for Go (policy.Arm.SchedLock).
//
// Otherwise this scheduler takes the lock less often than Go. It does so on the host under
// flat as well, where what it would take to copy Go is slower and shows nothing: Go's own
// scheduler can be measured there, as the arm goroutine.
//
// These are the places of Go 1.26.8 (runtime/proc.go) on the paths of programs, and what is
// done here. "Same" means that the lock is taken once here and once there, or not at all.
//
//	Go                                what Go does under sched.lock            here under goLock    else
//	goschedImpl, gopreempt_m          globrunqput                              same: commitYield    same
//	runqputslow                       globrunqputbatch of half a ring          same: ringPut        same
//	findRunnable, 1 turn in 61        globrunqget, if runq is not empty        same: queueGet       same
//	findRunnable, ring empty          globrunqgetbatch, if runq is not empty   same: queueGet       same
//	wakep, unless one searches        pidlegetSpinning, also if no P is idle   same: wakepLikeGo    not if no P is idle
//	startm, after wakep               mget: a second time                      same: startFor       with the P
//	findRunnable, before it gives up  looks at runq, pidleput                  same: sleep          same, and mput
//	findRunnable, if it searched      looks at runq: a second time             same: recheckQueue   without the lock
//	checkRunqsNoP, if it finds a G    pidlegetSpinning                         same: unidle         same
//	stopm                             mput: another time                       same: stopLikeGo     with pidleput
//	findRunnable, after netpoll       pidleget                                 same: endPoll        same
//	findRunnable, before netpoll      not at all                               same: stopLikeGo     startPoll
//	injectglist without a P           globrunqputbatch; for each idle P,       same: injectglist    same
//	                                  pidlegetSpinning and mget at once
//	handoffp                          mget, or looks at runq, pidleput         same: handoffp       same
//	exitsyscallTryGetP                pidleget, if a P is idle                 same: idleP          also if none is
//	exitsyscallNoP                    globrunqput; wakes nobody                same, if none idles  wakes an idle P
//	goready, newproc, steal           not at all, but for wakep                same                 same
//
// What differs still:
//
//   - Forks ([Fork], [Group]) are not Go's. They stay private until somebody is hungry
//     (runq.go), and take no lock unless a P is idle. What corresponds to a go statement is [G.Go].
//   - In retake sysmon takes the lock twice for each P that runs, at each look. That is at
//     most every 10 ms when no system call is long, and is left out.
//   - exitsyscallNoP and findRunnable's needspinning close the same gap: somebody makes a G
//     ready while the last P becomes idle. Here the last look of sleep closes it, and the
//     queue is looked at after the G was put there.
//   - Go's M in netpoll is one for the machine, and network news that it finds without a P
//     goes through the global queue. Simulated machines have no network. Timers run alike.
//   - The lock itself has the rules of Go's lock_futex.go. Since Go 1.24 it has those of
//     lock_spinbit.go. For sched.lock, and for no other lock, these let all that wait spin
//     as before (mutexPreferLowLatency), for 4 pauses and a yield of the thread, and wake
//     one sleeper at each unlock. What has changed is which: the last one instead of the
//     first, with 15 chances of 16.
//
// The lines are those of schedt, where the linker puts that at a multiple of 64, as it does
// in the go command: lock and the idle Ms; idle Ps, nmspinning and the queue's head; the
// queue's tail and length. Gs in Go's queue are linked. So a G is touched under the lock when
// the next one is put behind it, and when it is taken.

// likeSchedt puts n's words on the cache lines that they have in Go's schedt.
func (n *Node) likeSchedt(s *Sched) {
	n.nsearch.line = n.nidle.line
	if !s.arm.NodeQ {
		s.npidle.line = n.nidle.line
	}
}

// link charges what it takes to put a G behind the last one of n's queue.
func (m *M) link(n *Node) {
	if m.memory == nil { // callers from outside
		return
	}
	if pos, ok := n.runq.last(); ok {
		m.access((*n.runq.at(pos)).joined.line, machine.Store)
	} else {
		m.access(n.nidle.line, machine.Store)
	}
}

// unlink charges what it takes to take up to batch Gs from the front of n's queue.
func (m *M) unlink(n *Node, batch int) {
	if n.runq.n == 0 || m.memory == nil {
		return
	}
	for i := range min(batch, n.runq.n) {
		m.access((*n.runq.at(n.runq.head + uint64(i))).joined.line, machine.Load)
	}
	m.access(n.nidle.line, machine.Store)
}

// wakepLikeGo is wakep as Go has it. Whether a P is idle is seen under the lock alone, and an
// M for it is looked for under the lock once more.
func (m *M) wakepLikeGo(n *Node) {
	if policy.EnoughSearchers(n.nsearch.load(m)) || !n.nsearch.cas(m, 0, 1) {
		return
	}
	n.lock.lock(m)
	p := n.idle.first()
	if p == nil {
		n.nsearch.add(m, -1) // under the lock: see wakep
	} else {
		m.pidletake(n, p)
	}
	n.lock.unlock(m)
	if p != nil {
		m.startFor(p, true)
	}
}

// recheckQueue has m, which has just made its P idle and ended its search, hold an idle P
// and search again if n's queue is not empty. It returns a G from there, or nil.
func (m *M) recheckQueue(n *Node) (gp *G) {
	n.lock.lock(m)
	if n.runq.n != 0 {
		if p := n.pick(m.oldp); p != nil {
			m.pidletake(n, p)
			m.acquirep(p)
			m.searching = true
			n.nsearch.add(m, 1)
			gp = m.queueGetLocked(n, m.queueBatch(n))
		}
	}
	n.lock.unlock(m)
	return gp
}

// stopLikeGo is stopm as Go has it: m becomes the M that waits for n's timers, if they need
// one, without being idle before.
func (m *M) stopLikeGo() bool {
	for n := m.oldp.node; m.p == nil; {
		if n.poll.load(m) == 0 && n.pollUntil(m) != 0 && n.poll.cas(m, 0, pollForever) {
			if !m.poll(n) {
				m.waitForP(n)
			} else if m.p == nil {
				return false
			}
			continue
		}
		if !m.idleUnlessStopping(n) {
			return false
		}
		m.note.sleep(m)
		m.woken()
	}
	return true
}
