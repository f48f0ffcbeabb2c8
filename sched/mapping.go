package sched

import (
	"sync/atomic"

	"numasched/sched/internal/machine"
	"numasched/sched/policy"
	"numasched/topology"
)

// mapPs makes domains, Nodes and the first procs Ps. Ps fill the CPUs node by node, and in ascending
// order within a node. They begin at the node that the caller runs on, because several
// schedulers may share a machine. No core gets a second P before all cores of the
// machine have one: a sibling thread adds only a fraction of a core.
func (s *Sched) mapPs(topo *topology.Topology, procs int, seed uint64) {
	s.makeDomains(topo, seed)
	s.severalDomains = len(s.domains) > 1
	s.rules = s.arm.Rules(s.severalDomains)
	byID := make(map[int]*domain)
	for _, d := range s.domains {
		byID[d.id] = d
	}

	order := []*domain{}
	start := s.domains[0].id
	if cpu := s.machine.Getcpu(&s.m0.M); cpu >= 0 && byID[topo.NodeOf(cpu)] != nil {
		start = topo.NodeOf(cpu)
	}
	for _, id := range nearest(topo, start) {
		if d := byID[id]; d != nil {
			order = append(order, d)
		}
	}
	if s.arm.Confine {
		order = order[:1]
	}
	s.seats = seatsOf(topo, order)
	s.seed = seed
	procs = min(procs, len(s.seats))

	s.makeNodes()
	l := &layout{}
	l.grow(s, procs)
	l.procs, l.ps = procs, l.made
	l.sort(topo, s)
	s.layout.line = s.newLines(1)
	s.layout.store(s.m0, l)
	s.npidle.v = uint32(procs) * oneP
	for i := len(l.ps) - 1; i >= 0; i-- { // so that P 0 is woken first
		p := l.ps[i]
		p.follow(s, l)
		p.node.nprocs.v++
		s.m0.pidleput(p.node, p)
	}
}

// A seat is where a P is mapped to.
type seat struct {
	domain *domain
	cpu    int
}

// seatsOf returns the seats of all Ps that there may be, in the order in which Ps get
// them: see mapPs.
func seatsOf(topo *topology.Topology, order []*domain) (seats []seat) {
	most := 0
	for _, d := range order {
		most += d.cpus.Len()
	}
	rank := threadRanks(topo)
	for r := 0; len(seats) < most; r++ {
		for _, d := range order {
			for _, cpu := range d.list() {
				if rank[cpu] == r {
					seats = append(seats, seat{d, cpu})
				}
			}
		}
	}
	return seats
}

// threadRanks numbers the CPUs that may be used within their cores, from 0.
func threadRanks(topo *topology.Topology) map[int]int {
	rank, used := make(map[int]int), make(map[int]int)
	for cpu := range topo.Allowed.All() {
		if core := topo.CoreOf(cpu); core >= 0 {
			rank[cpu] = used[core]
			used[core]++
		}
	}
	return rank
}

// makeDomains makes a domain of every node that has CPUs which this process may use.
// A CPU of several nodes belongs to the first. CPUs that no node has make up a domain
// of their own.
func (s *Sched) makeDomains(topo *topology.Topology, seed uint64) {
	rest := topo.Allowed
	add := func(id int, cpus topology.CPUSet) {
		if !cpus.Empty() {
			s.domains = append(s.domains, &domain{index: len(s.domains), id: id, cpus: cpus})
			rest = rest.AndNot(cpus)
		}
	}
	for i := range topo.Nodes {
		add(topo.Nodes[i].ID, topo.Nodes[i].CPUs.And(rest))
	}
	add(-1, rest)
	s.misplace(topo, seed)
}

// newP makes the P with the index id. Nobody else can see it.
func (s *Sched) newP(id int) *P {
	at, topo := s.seats[id], s.machine.Topology()
	d := at.domain
	p := &P{id: id, cpu: at.cpu, domain: d, node: d.node, l3: topo.L3Of(at.cpu), mask: d.cpus}
	if s.arm.Static {
		p.mask = topology.CPURange(at.cpu, at.cpu+1)
	}
	p.listed.of = p
	p.pol.Rules = s.rules // for good: an M that has made its P idle still looks at them
	p.pol.Rand = policy.Rand((s.seed+1)*0x9E3779B97F4A7C15 + uint64(p.id+1)*0xD1B54A32D192ED03 | 1)
	p.ring.state.line = s.newLines(1)
	p.ring.lines = s.newLines(ringLines)
	p.runnext.line = s.newLines(1)
	p.status.line = s.newLines(1)
	p.slice.line = p.status.line
	p.timers.next.line = s.newLines(1)
	p.timers.lock.key.line = p.timers.next.line
	p.timers.p = p
	p.gpool = s.poolOf(d)
	if s.mayAsk == watched {
		p.gfree.n = magazineSize // nominally: see gfull
	}
	return p
}

// makeNodes makes a Node per domain, or one for all.
func (s *Sched) makeNodes() {
	var n *Node
	for _, d := range s.domains {
		if s.arm.NodeQ || n == nil {
			n = &Node{index: -1, netpoll: new(atomic.Pointer[machine.Poller])}
			n.lock.key.line = s.newLines(1)
			n.nrunq.line = s.newLines(1)
			n.inbox.line = n.nrunq.line
			n.nidle.line = s.newLines(1)
			n.nsearch.line = s.newLines(1)
			if s.goLock {
				n.likeSchedt(s)
			}
			n.timed.line = s.newLines(1)
			n.nprocs.line = n.timed.line
			n.light.line = n.timed.line
			n.poll.line = s.newLines(1)
			n.broken.line = n.poll.line
			n.waiters.line = s.newLines(1)
			n.polled.line = n.waiters.line
		}
		d.node = n
	}
}

// poolOf returns the pool of free Gs for Ps of d: there is one per domain, or one for all.
func (s *Sched) poolOf(d *domain) *gPool {
	if !s.arm.Cache {
		d = s.domains[0]
	}
	if d.gpool == nil {
		d.gpool = &gPool{lock: mutex{word32{line: s.newLines(1)}}}
	}
	return d.gpool
}

// nearest is topo.Nearest, with the domain of CPUs that no node has last.
func nearest(topo *topology.Topology, id int) []int {
	if ids := topo.Nearest(id); ids != nil {
		return append(ids[:len(ids):len(ids)], -1)
	}
	ids := []int{id}
	for _, n := range topo.Nodes {
		ids = append(ids, n.ID)
	}
	return ids
}
