package sched

import (
	"maps"
	"slices"
	"sync/atomic"

	"numasched/sched/internal/machine"
	"numasched/sched/policy"
	"numasched/topology"
)

// mapPs makes domains, Nodes and Ps. Ps fill the CPUs node by node, and in ascending
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
		procs = min(procs, order[0].cpus.Len())
	}
	rank := threadRanks(topo)
	for r := 0; len(s.ps) < procs; r++ {
		for _, d := range order {
			for _, cpu := range d.list() {
				if rank[cpu] == r && len(s.ps) < procs {
					s.ps = append(s.ps, s.newP(topo, d, cpu, seed))
				}
			}
		}
	}

	s.makeNodes()
	for _, d := range s.domains {
		for _, id := range nearest(topo, d.id) {
			if near := byID[id]; near != nil && s.arm.NodeQ && (near == d || !s.arm.Closed) {
				d.node.near = append(d.node.near, near.node)
			}
		}
	}
	if !s.arm.NodeQ {
		s.nodes[0].near = s.nodes
	}
	s.nodes = withPs(s.nodes)
	for i, n := range s.nodes {
		n.index = i
		n.near = withPs(n.near)
	}
	s.makePools()
	for _, p := range s.ps {
		s.setPolicy(topo, p)
	}
	for i := len(s.ps) - 1; i >= 0; i-- { // so that P 0 is woken first
		p := s.ps[i]
		s.m0.pidleput(p.node, p)
	}
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

func (s *Sched) newP(topo *topology.Topology, d *domain, cpu int, seed uint64) *P {
	p := &P{id: len(s.ps), cpu: cpu, domain: d, l3: topo.L3Of(cpu), mask: d.cpus}
	if s.arm.Static {
		p.mask = topology.CPURange(cpu, cpu+1)
	}
	p.listed.of = p
	p.pol.Rand = policy.Rand((seed+1)*0x9E3779B97F4A7C15 + uint64(p.id+1)*0xD1B54A32D192ED03 | 1)
	p.ring.state.line = s.newLines(1)
	p.ring.lines = s.newLines(ringLines)
	p.runnext.line = s.newLines(1)
	p.status.line = s.newLines(1)
	p.slice.line = p.status.line
	p.timers.next.line = s.newLines(1)
	p.timers.lock.key.line = p.timers.next.line
	return p
}

// makeNodes makes a Node per domain, or one for all.
func (s *Sched) makeNodes() {
	for _, d := range s.domains {
		if s.arm.NodeQ || len(s.nodes) == 0 {
			n := &Node{netpoll: new(atomic.Pointer[machine.Poller])}
			n.lock.key.line = s.newLines(1)
			n.nrunq.line = s.newLines(1)
			n.nidle.line = s.newLines(1)
			n.nsearch.line = s.newLines(1)
			n.timed.line = s.newLines(1)
			n.poll.line = s.newLines(1)
			n.broken.line = n.poll.line
			n.waiters.line = s.newLines(1)
			n.polled.line = n.waiters.line
			s.nodes = append(s.nodes, n)
		}
		d.node = s.nodes[len(s.nodes)-1]
	}
	for _, p := range s.ps {
		p.node = p.domain.node
		p.timers.node = p.node
		p.node.ps = append(p.node.ps, p)
	}
}

// withPs leaves out Nodes that no P was mapped to.
func withPs(nodes []*Node) (used []*Node) {
	for _, n := range nodes {
		if len(n.ps) > 0 {
			used = append(used, n)
		}
	}
	return used
}

// makePools makes a pool of free Gs per domain, or one for all.
func (s *Sched) makePools() {
	pools := make(map[*domain]*gPool)
	for _, p := range s.ps {
		key := p.domain
		if !s.arm.Cache {
			key = nil
		}
		if pools[key] == nil {
			pools[key] = &gPool{lock: mutex{word32{line: s.newLines(1)}}}
		}
		p.gpool = pools[key]
		if s.mayAsk == watched {
			p.gfree.n = magazineSize // nominally: see gfull
		}
	}
}

// setPolicy gives p's policy what it must know: the rules and the victims, nearest first.
// Arms that do not steal near first have all Ps in one tier.
func (s *Sched) setPolicy(topo *topology.Topology, p *P) {
	p.pol.Rules = s.rules
	p.pol.Procs, p.pol.Queues = uint32(len(s.ps)), uint32(len(p.node.near))
	byDistance := make(map[int][]*P)
	for _, v := range s.ps {
		if s.arm.Closed && v.domain != p.domain {
			continue
		}
		d := 0
		if s.arm.Near && v != p {
			slit := topo.Distance(p.domain.id, v.domain.id)
			d = policy.Distance(p.domain == v.domain, p.l3 == v.l3 || s.arm.Map == policy.RandomMap, slit)
		}
		if v != p || !s.arm.Near {
			byDistance[d] = append(byDistance[d], v)
		}
	}
	for _, d := range slices.Sorted(maps.Keys(byDistance)) {
		tier := byDistance[d]
		p.tiers = append(p.tiers, tier)
		p.pol.Tiers = append(p.pol.Tiers, policy.NewTier(uint32(len(tier)), s.arm.Near && tier[0].domain != p.domain))
	}
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
