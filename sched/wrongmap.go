package sched

import (
	"slices"

	"numasched/sched/policy"
	"numasched/topology"
)

// The controls run on a wrong map: a domain keeps its node's ID and memory, but has CPUs
// of other nodes. Ps, queues, thieves and homes are as many and as large as on the right
// map, so what differs is locality alone.

// misplace gives domains other CPUs than their nodes', if the arm says so.
func (s *Sched) misplace(topo *topology.Topology, seed uint64) {
	r := policy.Rand((seed+1)*0x9E3779B97F4A7C15 | 1)
	switch s.arm.Map {
	case policy.DerangedMap:
		s.derange(&r)
	case policy.RandomMap:
		s.dealDomains(&r, threadRanks(topo))
	}
}

// derange gives each domain the CPUs of another one. Sattolo's shuffle makes a permutation
// of one cycle, in which nothing stays where it is. A single domain keeps its own.
func (s *Sched) derange(r *policy.Rand) {
	for i := len(s.domains) - 1; i > 0; i-- {
		a, b := s.domains[i], s.domains[int(r.Next()%uint32(i))]
		a.cpus, b.cpus = b.cpus, a.cpus
	}
}

// dealDomains deals the CPUs out anew, first threads of cores before their siblings. Each
// domain gets one of every node in turn, and begins with another node than the others do.
// So whatever the number of Ps, each domain has as many CPUs of each node as of any other,
// as far as numbers divide, and as many of the first threads of cores.
func (s *Sched) dealDomains(r *policy.Rand, rank map[int]int) {
	var decks [][]int // by node, in a random order
	wants, left := make([]int, len(s.domains)), 0
	for _, d := range shuffled(r, s.domains) {
		deck := shuffled(r, d.cpus.List())
		slices.SortStableFunc(deck, func(a, b int) int { return rank[a] - rank[b] })
		decks = append(decks, deck)
		wants[d.index] = len(deck)
		left += len(deck)
	}
	for _, d := range s.domains {
		d.cpus = topology.CPUSet{}
	}
	domains := shuffled(r, s.domains)
	for turn := 0; left > 0; turn++ {
		for i, d := range domains {
			deck := &decks[(i+turn)%len(decks)]
			if wants[d.index] == 0 || len(*deck) == 0 {
				continue
			}
			cpu := (*deck)[0]
			*deck = (*deck)[1:]
			d.cpus.Add(cpu)
			d.dealt = append(d.dealt, cpu)
			wants[d.index]--
			left--
		}
	}
}

// shuffled returns list in a random order.
func shuffled[T any](r *policy.Rand, list []T) []T {
	list = slices.Clone(list)
	for i := len(list) - 1; i > 0; i-- {
		k := int(r.Next() % uint32(i+1))
		list[i], list[k] = list[k], list[i]
	}
	return list
}

// list returns d's CPUs in the order in which Ps fill them.
func (d *domain) list() []int {
	if d.dealt != nil {
		return d.dealt
	}
	return d.cpus.List()
}

// MapLocal is the share of work that runs on the node of its data, as far as the map of
// the nodes decides: the mean, over the nodes that Ps are mapped onto, of the share of
// their Ps that are really there. It is 1 on the right map and 0 on a derangement. What
// thieves take away comes on top. It means nothing under arms without homes.
func (s *Sched) MapLocal() float64 {
	topo := s.machine.Topology()
	var sum float64
	var nodes int
	for _, d := range s.domains {
		here, all := 0, 0
		for _, p := range s.layout.v.Load().made {
			if p.domain == d {
				all++
				if id := topo.NodeOf(p.cpu); id == d.id || id < 0 && d.id < 0 {
					here++
				}
			}
		}
		if all > 0 {
			sum += float64(here) / float64(all)
			nodes++
		}
	}
	return sum / float64(nodes)
}
