package sched

import (
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
	"numasched/topology"
)

// A P is the right to run Gs, and what goes with it: a run queue, free Gs,
// statistics. There are Procs of them. All fields that are not shared words belong to
// the M that holds the P.
type P struct {
	_ toLine

	status word32 // see syscall.go
	slice  word32 // see preempt.go
	_      [lineSize - 16]byte

	runnext wordG // the G that was last made ready here: next to run
	_       [lineSize - 16]byte

	timers timers // a line
	ring   ring   // lines
	_      linePad

	id     int
	cpu    int // the CPU it is mapped to: its place in the machine; -1 if unknown
	domain *domain
	node   *Node
	l3     int             // index of cpu's L3 cache, or -1
	mask   topology.CPUSet // what its M's thread is bound to, in arms that bind

	m *M // that holds it; nil while it is idle

	gfree, gspare magazine
	gpool         *gPool
	cache         machine.Cache // of Alloc; nil until first needed

	pol    policy.P // what it decides by
	tiers  [][]*P   // whom to rob: those of pol.Tiers
	layout *layout  // that these are of

	late       *Node // whose timers the P's next M runs first: see helpTimers
	timersGone bool  // no timer may be added, because the P goes: under timers.lock
	stats      pstats
	seq        uint32 // events that named it, see event.go
	_          linePad

	// On the Node's idle list; under its lock.
	idle   bool
	gone   bool // see procs.go
	listed elem[P]

	// oldm is the M that held the P last, while that M is idle; under the Node's lock.
	// A P that is needed again comes back to it, to its thread and its caches.
	oldm *M

	// What Stats sees while the P runs; under Sched.lock.
	published   Stats
	publishedAt uint64 // Sched.statsAsked then
}

// runqput makes gp runnable on m's P. If next is set it runs next, and the G that was
// to run next goes to the end of the ring. Otherwise gp goes to the end of the ring.
// If the ring is full, half of it goes to the node's queue.
func (m *M) runqput(gp *G, next bool) {
	p := m.p
	if !m.s.arm.Local {
		m.queuePut(p.node, gp)
		return
	}
	if next {
		if gp = p.runnext.swap(m, gp); gp == nil {
			return
		}
	}
	if m.plain {
		m.publishForks(p.ring.private())
	}
	m.ringPut(gp)
	p.ring.publish(m, p.ring.private())
}

// ringPut puts gp at the end of the ring of m's P, private. If the ring is full, half of
// it goes to the node's queue.
func (m *M) ringPut(gp *G) {
	p := m.p
	for !p.ring.push(m, gp) {
		n := p.node
		m.publishForks(p.ring.private())
		n.lock.lock(m)
		if p.ring.shed(m, &n.runq) {
			p.stats.Overflows++
			n.nrunq.store(m, uint32(n.runq.n))
		}
		n.lock.unlock(m)
	}
}

// runqfork makes gp runnable, a child or a member that g may take back.
func (g *G) runqfork(gp *G) {
	m := g.m
	if !m.s.arm.Local {
		m.queuePut(m.p.node, gp)
		m.wakep(m.p.node)
		return
	}
	r := &m.p.ring
	public := ringLen(r.state.load(m))
	if r.full(public) {
		g.overflow(gp).offer()
		return
	}
	r.pushPrivate(m, gp)
	if r.private() > public || m.count().idle() != 0 {
		m.offer()
	}
}

// takeFresh makes the free G at the tail of p's ring the newest private one, and returns it.
func (p *P) takeFresh() *G {
	r := &p.ring
	gp := r.slots[r.tail%ringSize].load()
	r.tail++
	p.stats.Spawned++
	return gp
}

// keepsMuch reports whether m has to offer what is private: more than is public, or a P is
// idle. It looks at the words without an access: see short.
func (m *M) keepsMuch() bool {
	r := &m.p.ring
	return r.private() > ringLen(r.state.Peek()) || census(m.s.npidle.Peek()).idle() != 0
}

// overflow is runqfork when the ring of g's P is full. If the P's node has a backlog
// already, g first lets what is in the ring run. A G that starts a million others would
// otherwise be done long before the first of them have run, and all would need memory of
// their own, which no cache holds. In Go's runtime the end of g's time slice has the same
// effect.
func (g *G) overflow(gp *G) *M {
	m := g.m
	n := m.p.node
	if int(n.nrunq.load(m)) >= policy.SpawnAhead*int(n.nprocs.load(m)) && !m.c.thread.Locked() {
		g.park(WaitYield, commitBehind)
		m = g.m
	}
	m.ringPut(gp)
	return m
}

// commitBehind puts g at the end of the ring.
func commitBehind(m *M, g *G) bool {
	m.eventG(machine.EventRequeue, g, 0)
	m.runqput(g, false)
	m.wakep(m.p.node)
	return true
}

// offer publishes what is private in the ring of m's P: all of it if a P is idle, and
// the older half if there is more of it than there are public Gs.
func (m *M) offer() {
	r := &m.p.ring
	if m.count().idle() != 0 {
		m.share()
	} else if n := r.private(); n > ringLen(r.state.load(m)) {
		m.publishForks((n + 1) / 2)
		m.wakeForForks()
	}
}

// share publishes all that is private in the ring of m's P. As after every publication,
// m then looks whether a P is idle, see sleep.
func (m *M) share() {
	if n := m.p.ring.private(); n != 0 {
		m.publishForks(n)
		m.wakeForForks()
	}
}

// publishForks makes the n oldest of the private Gs of m's P public. All private ones are
// children and members.
func (m *M) publishForks(n uint32) {
	if n == 0 {
		return
	}
	r := &m.p.ring
	if m.plain && m.events != nil {
		m.tellSpawns(n)
	}
	r.publish(m, n)
}

// wakeForForks is wakep after forks were published. Go has no private forks. So where flat takes
// Go's lock, it does not take it here to find that no P is idle.
func (m *M) wakeForForks() {
	if m.s.goLock && m.count().idle() == 0 {
		return
	}
	m.wakep(m.p.node)
}

// runqget takes the G that runs next on m's P, or the oldest in its ring. Two Gs that keep
// waking each other through runnext would starve the ring for ever. Go lets them share one
// time slice and then preempts them. So it is here, and the ring has a turn now and then as
// well: preempt.go says what that gives.
func (m *M) runqget(ringFirst bool) *G {
	p := m.p
	if ringFirst {
		if gp := p.ring.get(m); gp != nil {
			return gp
		}
	}
	if p.runnext.load(m) != nil {
		if p.slice.load(m) == sliceOver {
			m.endSlice()
		} else if gp := p.runnext.swap(m, nil); gp != nil {
			m.inherits = true
			return gp
		}
	}
	return p.ring.get(m)
}

// permutation returns 0 to n-1 in random order.
func (p *P) permutation(n int) []int {
	order := make([]int, n)
	for i := range order {
		k := int(p.pol.Rand.Next() % uint32(i+1))
		order[i], order[k] = order[k], i
	}
	return order
}
