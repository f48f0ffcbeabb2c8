package sched

import (
	"sync/atomic"

	"numasched/sched/internal/machine"
	"numasched/sched/policy"
	"numasched/topology"
)

// A domain is one NUMA node as Ps are mapped onto it. Under arms with node
// queues each domain has a Node of its own, under the others all share one.
type domain struct {
	index int // in Sched.domains
	id    int // the node's kernel ID, or -1 if the machine has no nodes
	cpus  topology.CPUSet
	dealt []int // its CPUs in the order in which Ps fill them, if that is not ascending
	node  *Node
	gpool *gPool // of its Ps; nil until it has some
}

// hasPs reports whether any P is mapped to the domain. With few Ps, some domains have
// none, and a G that is sent there runs elsewhere. SetProcs may change it at any time.
func (d *domain) hasPs(m *M) bool { return d.node.nprocs.load(m) > 0 }

// A Node is what Ps share: a run queue, idle Ps and a count of searchers. Under
// arms with node queues it is one NUMA node; under the others there is one Node
// for the whole machine, and its run queue is Go's global queue.
//
// Invariants:
//   - A P is on its Node's idle list if and only if P.idle, and then its own run
//     queue is empty and no M holds it.
//   - An M is on the idle list of the Node of its oldp if and only if M.idle, and then
//     it sleeps or is about to. Whoever takes it off the list owes it exactly one
//     wakeup.
//   - nidle, nrunq and Sched.npidle change under the lock, and are read without.
//
// How often the lock is taken, beside Go, is in schedlock.go.
type Node struct {
	_ toLine

	poll   word64 // until when an M waits for the node's timers; 0 if none does; see poll.go
	broken word32 // 1 if that M is to look again
	_      [lineSize - 24]byte

	waiters word32 // Gs that wait for descriptors at the poller
	polled  word64 // when somebody last looked at it
	helped  int64  // when sysmon last had another node run the timers; its own
	_       [lineSize - 32]byte

	nrunq word32 // length of runq; at least 1 while the inbox is emptied
	inbox wordG  // the last G that came from another node: see inbox.go
	_     [lineSize - 24]byte

	nidle word32 // how many Ps are idle
	_     [lineSize - 8]byte

	nsearch word32 // Ms of this node that look for work
	_       [lineSize - 8]byte

	lock     mutex
	runq     gQueue
	idle     list[P]         // idle Ps
	midle    list[M]         // idle Ms
	appetite policy.Appetite // under lock
	_        linePad

	index   int                             // in layout.nodes; -1: it never had Ps
	netpoll *atomic.Pointer[machine.Poller] // see netpoll.go
	timed   word32                          // 1 once some P of the node has had a timer: almost never written
	nprocs  word32                          // its Ps that have not gone: likewise
	light   word32                          // 1 while its Gs are fair game for all, see policy/light.go: seldom written
}

// pidleput makes p idle and returns how many Ps are idle now. n.lock is held.
func (m *M) pidleput(n *Node, p *P) census {
	m.eventP(machine.EventIdle, p)
	p.idle = true
	n.idle.put(&p.listed)
	n.nidle.add(m, 1)
	return census(m.s.npidle.add(m, 1))
}

// pidletake takes p off the idle list. n.lock is held.
func (m *M) pidletake(n *Node, p *P) {
	m.eventP(machine.EventUnidle, p)
	p.idle = false
	n.idle.take(&p.listed)
	p.newSlice(m)
	n.nidle.add(m, -1)
	if c := census(m.s.npidle.add(m, -1)); c.idle() == c.procs()-1 {
		m.wakeSysmon()
	}
}

// pick returns an idle P of n for one that had last, or nil if there is none. n.lock is held.
func (n *Node) pick(last *P) *P {
	first := n.idle.first()
	switch policy.PickP(last.idle, first != nil) {
	case policy.LastP:
		return last
	case policy.FirstP:
		return first
	}
	return nil
}

// mget takes an idle M to hold p off the list: the one that held it last, if that is
// idle. It returns nil if none is. n.lock is held.
func (m *M) mget(n *Node, p *P) *M {
	mp := p.oldm
	if mp == nil {
		mp = n.midle.first()
	}
	if mp != nil {
		m.mtake(n, mp)
	}
	return mp
}

// mput makes m idle. n is the Node of m.oldp. n.lock is held.
func (m *M) mput(n *Node) {
	m.eventM(machine.EventSleep, m)
	m.idle = true
	n.midle.put(&m.listed)
	m.oldp.oldm = m
}

// mtake takes mp off the idle list. n.lock is held.
func (m *M) mtake(n *Node, mp *M) {
	m.eventM(machine.EventWake, mp)
	mp.idle = false
	n.midle.take(&mp.listed)
	if mp.oldp.oldm == mp {
		mp.oldp.oldm = nil
	}
}

// queuePut adds gp to the end of n's queue.
func (m *M) queuePut(n *Node, gp *G) {
	n.lock.lock(m)
	m.queuePutLocked(n, gp)
	n.lock.unlock(m)
}

func (m *M) queuePutLocked(n *Node, gp *G) {
	if m.s.goLock {
		m.link(n)
	}
	pos := n.runq.push(gp)
	if !m.s.arm.Local {
		gp.queuePos = pos + 1
	}
	n.nrunq.store(m, uint32(n.runq.n))
}

// queueGet takes a G from the front of n's queue, and moves up to batch-1 more
// to the ring of m's P, which must have room for them.
func (m *M) queueGet(n *Node, batch int) *G {
	if !m.queued(n) {
		return nil
	}
	n.lock.lock(m)
	gp := m.queueGetLocked(n, batch)
	n.lock.unlock(m)
	return gp
}

func (m *M) queueGetLocked(n *Node, batch int) *G {
	m.emptyInbox(n)
	if m.s.goLock {
		m.unlink(n, batch)
	}
	gp := n.runq.pop()
	if gp == nil {
		return nil
	}
	if m.s.arm.Local {
		m.p.ring.fill(m, &n.runq, min(batch-1, n.runq.n))
	} else {
		gp.queuePos = 0
	}
	n.nrunq.store(m, uint32(n.runq.n))
	return gp
}

// queueBatch is how many Gs one of n's Ps takes from its queue. It does not count those in
// the inbox: who takes the first of them moves the others to the queue, and wakes the next.
func (m *M) queueBatch(n *Node) int {
	return int(policy.QueueBatch(n.nrunq.load(m), n.nprocs.load(m), ringSize))
}

// queueRemove takes gp out of the one queue of arms without rings, from any position.
// It reports whether gp was there and had not started.
func (m *M) queueRemove(gp *G) bool {
	n := m.p.node
	n.lock.lock(m)
	found := gp.queuePos != 0 && gp.c == nil
	if found {
		n.runq.remove(gp.queuePos - 1)
		gp.queuePos = 0
		n.nrunq.store(m, uint32(n.runq.n))
	}
	n.lock.unlock(m)
	return found
}

// queuePopMember takes the last G of the one queue of arms without rings, if it
// is a member of gr that has not started.
func (m *M) queuePopMember(gr *Group) (member *G) {
	n := m.p.node
	n.lock.lock(m)
	if pos, ok := n.runq.last(); ok {
		if gp := *n.runq.at(pos); gp.group == gr && gp.c == nil {
			n.runq.remove(pos)
			gp.queuePos = 0
			n.nrunq.store(m, uint32(n.runq.n))
			member = gp
		}
	}
	n.lock.unlock(m)
	return member
}
