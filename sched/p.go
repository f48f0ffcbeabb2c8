package sched

// A P is the right to run Gs, and what goes with it: a run queue, free Gs,
// statistics. There are Procs of them. All fields that are not shared words belong to
// the M that holds the P.
type P struct {
	id     int
	cpu    int // the CPU it is mapped to: its place in the machine; -1 if unknown
	domain *domain
	node   *Node
	l3     int // index of cpu's L3 cache, or -1

	m *M // that holds it; nil while it is idle

	status  Word32 // see syscall.go
	slice   Word32 // see sysmon.go
	tick    uint32 // turns of the scheduling loop
	ring    ring
	runnext wordG // the G that was last made ready here: next to run

	gfree, gspare magazine
	gpool         *gPool
	cache         Cache // of Alloc; nil until first needed

	tiers []tier // whom to rob, nearest first
	rand  uint64

	smallThefts uint32 // thefts in a row on the own node that yielded little, see policy.SmallTheft

	// On the Node's idle list; under its lock.
	idle   bool
	listed elem[P]

	// oldm is the M that held the P last, while that M is idle; under the Node's lock.
	// A P that is needed again comes back to it, to its thread and its caches.
	oldm *M

	timers timers
	late   *Node // whose timers the P's next M runs first: see helpTimers

	stats pstats
	seq   uint32 // events that named it, see event.go

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
	m.ringPut(gp)
	p.ring.publish(m, p.ring.private)
}

// ringPut puts gp at the end of the ring of m's P, private. If the ring is full, half of
// it goes to the node's queue.
func (m *M) ringPut(gp *G) {
	p := m.p
	for !p.ring.push(m, gp) {
		n := p.node
		if p.ring.private != 0 {
			p.ring.publish(m, p.ring.private)
		}
		n.lock.lock(m)
		if p.ring.shed(m, &n.runq) {
			p.stats.Overflows++
			n.nrunq.store(m, uint32(n.runq.n))
		}
		n.lock.unlock(m)
	}
}

// runqfork makes gp runnable, a child or a member that the running G may take back.
func (m *M) runqfork(gp *G) {
	if !m.s.arm.Local {
		m.queuePut(m.p.node, gp)
		m.wakep(m.p.node)
		return
	}
	m.ringPut(gp)
	m.offer()
}

// offer publishes what is private in the ring of m's P: all of it if a P is idle, and
// the older half if there is more of it than there are public Gs.
func (m *M) offer() {
	r := &m.p.ring
	if m.s.npidle.load(m) != 0 {
		m.share()
	} else if r.private > ringLen(r.state.load(m)) {
		r.publish(m, (r.private+1)/2)
		m.wakep(m.p.node)
	}
}

// share publishes all that is private in the ring of m's P. As after every publication,
// m then looks whether a P is idle, see sleep.
func (m *M) share() {
	if n := m.p.ring.private; n != 0 {
		m.p.ring.publish(m, n)
		m.wakep(m.p.node)
	}
}

// runqget takes the G that runs next on m's P, in its turn tick. Two Gs that keep
// waking each other through runnext would starve the ring for ever. Go lets them
// share one time slice and then preempts them. Here the ring has a turn instead.
func (m *M) runqget(tick uint32) *G {
	p := m.p
	if tick%fairTicks == ringTick {
		if gp := p.ring.get(m); gp != nil {
			return gp
		}
	}
	if p.runnext.load(m) != nil {
		if gp := p.runnext.swap(m, nil); gp != nil {
			return gp
		}
	}
	return p.ring.get(m)
}

// permutation returns 0 to n-1 in random order.
func (p *P) permutation(n int) []int {
	order := make([]int, n)
	for i := range order {
		k := int(p.random() % uint32(i+1))
		order[i], order[k] = order[k], i
	}
	return order
}

// random is xorshift64*, Marsaglia (2003) and Vigna (2016).
func (p *P) random() uint32 {
	x := p.rand
	x ^= x >> 12
	x ^= x << 25
	x ^= x >> 27
	p.rand = x
	return uint32(x * 0x2545F4914F6CDD1D >> 32)
}
