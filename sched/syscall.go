package sched

import (
	"time"

	"numasched/sched/internal/machine"
)

// System calls. A G in a system call keeps its M and leaves its P where sysmon can
// take it away. Short calls come back to a P that nobody has taken, for the price of a
// store and a compare-and-swap. When a call is long, sysmon hands the P to another M.
//
// P.status says in whose hands the P is. An odd value means that the M which stored it
// is in a system call. That M and sysmon both try to make the value even, by a
// compare-and-swap, and whoever succeeds has the P. The value grows with every call, so
// that sysmon does not take one call for another.

// inSyscall is the bit of P.status that is set during a system call.
const inSyscall = 1

// Syscall calls f, which may block in the kernel or in C for any time. Other Gs run
// meanwhile. f must not use g, nor any other G: what it asks of the scheduler panics.
func (g *G) Syscall(f func()) { g.SyscallFor(0, f) }

// SyscallFor is [G.Syscall] of a call that takes d of virtual time on a simulated
// machine, where f is called and takes no time itself. A nil f does nothing.
func (g *G) SyscallFor(d time.Duration, f func()) {
	g.running()
	if f == nil {
		f = func() {}
	}
	g.syscall(int64(d), f)
	g.Preempt()
}

func (g *G) syscall(ns int64, f func()) {
	m := g.m
	m.entersyscall(g)
	defer g.exitsyscall()
	m.s.machine.Syscall(&m.M, ns, f)
}

// entersyscall leaves m's P to whoever comes first, g's return or sysmon.
func (m *M) entersyscall(g *G) {
	m.share()
	p := m.p
	p.stats.Syscalls++
	m.eventG(machine.EventSyscall, g, 0)
	m.eventP(machine.EventRelease, p)
	g.barred = busyInSyscall
	m.p, p.m, m.oldp = nil, nil, p
	m.syscall = p.status.load(m) + 1
	p.status.store(m, m.syscall)
}

// exitsyscall has g's M hold a P again: the one that it had, if sysmon has left it;
// else that, if it is idle; else another idle one of the node. If there is none, g waits
// in the queue of the node, and its M becomes idle. A G that is locked to its thread keeps
// the M, which sleeps until another M gives it a P.
func (g *G) exitsyscall() {
	m := g.m
	p := m.oldp
	m.eventG(machine.EventSysexit, g, 0)
	if p.status.cas(m, m.syscall, m.syscall+1) {
		m.acquirep(p)
		g.barred = m.s.mayAsk
		return
	}
	if p := m.idleP(p); p != nil {
		m.acquirep(p)
		m.s.nretaken.add(m, -1)
		p.stats.SyscallReturns++
		g.barred = m.s.mayAsk
		return
	}
	if m.s.stopping.load(m) == stopping {
		g.barred = cancelled
		panic(errCancelled)
	}
	g.c = m.c
	m.eventG(machine.EventPark, g, uint64(WaitSyscall))
	switch {
	case m.Locked():
		g.parkLocked(WaitSyscall, commitExitsyscall)
	case m.c.thread.Locked():
		g.stayLocked(WaitSyscall, commitExitsyscall)
	default:
		next := m.popCarrier()
		g.toLeave(next, WaitSyscall, commitExitsyscall)
		g.goOn(g.c.stack.Switch(next.stack))
	}
	g.barred = m.s.mayAsk
}

// idleP takes an idle P off the list of p's Node: p, if it can, else the first.
func (m *M) idleP(p *P) *P {
	n := p.node
	if m.s.goLock && n.nidle.load(m) == 0 {
		return nil
	}
	n.lock.lock(m)
	if p = n.pick(p); p != nil {
		m.pidletake(n, p)
	}
	n.lock.unlock(m)
	return p
}

// commitExitsyscall queues gp, whose M, m, has no P.
func commitExitsyscall(m *M, gp *G) bool {
	n := m.inUse(m.oldp.node)
	m.eventG(machine.EventRequeue, gp, 0)
	m.queuePut(n, gp)
	m.s.nretaken.add(m, -1) // after gp is seen, see checkdead
	if !m.s.goLock || n.nidle.load(m) != 0 {
		m.wakep(n)
	}
	return true
}

// retake takes p away from an M that is in a system call, if status is still p's, and
// hands it on.
func (m *M) retake(p *P, status uint32) bool {
	s := m.s
	s.nretaken.add(m, 1) // before p can become idle, see checkdead
	if !p.status.cas(m, status, status+1) {
		s.nretaken.add(m, -1)
		if m.count().allIdle() {
			m.allPsIdle() // who made the last P idle may have seen the count, and looked no further
		}
		return false
	}
	p.stats.Retakes++
	m.eventP(machine.EventRetake, p)
	p.newSlice(m)
	m.handoffp(p)
	return true
}
