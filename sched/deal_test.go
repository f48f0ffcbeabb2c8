package sched

import (
	"fmt"
	"testing"

	"numasched/sched/policy"
	"numasched/topology"
)

// dealt returns the domains of nodes of the given sizes, whose CPUs are numbered
// node by node, after a deal, and the node of each CPU.
func dealt(seed uint64, sizes ...int) (domains []*domain, nodeOf map[int]int) {
	s, next := new(Sched), 0
	nodeOf = make(map[int]int)
	for node, size := range sizes {
		for cpu := next; cpu < next+size; cpu++ {
			nodeOf[cpu] = node
		}
		s.domains = append(s.domains, &domain{index: node, id: node, cpus: topology.CPURange(next, next+size)})
		next += size
	}
	r := policy.Rand((seed+1)*0x9E3779B97F4A7C15 | 1)
	s.dealDomains(&r, nil)
	return s.domains, nodeOf
}

// numa-randommap is a control only if a domain has no node of its own, whatever the seed.
func TestADealtPlaceHasCPUsOfAllNodesAlike(t *testing.T) {
	for _, c := range []struct {
		sizes []int
		least int // CPUs of each domain on each node
	}{
		{[]int{2, 2, 2, 2}, 0},
		{[]int{4, 4, 4, 4}, 1},
		{[]int{7, 7}, 3},
		{[]int{64, 64, 64, 64, 64, 64, 64, 64}, 8},
		{[]int{1, 1, 1}, 0},
		{[]int{5}, 5},
	} {
		for seed := range uint64(50) {
			domains, nodeOf := dealt(seed, c.sizes...)
			seen := make(map[int]bool)
			for i, d := range domains {
				count := make([]int, len(c.sizes))
				for cpu := range d.cpus.All() {
					count[nodeOf[cpu]]++
					seen[cpu] = true
				}
				if d.cpus.Len() != c.sizes[i] {
					t.Fatalf("%v, seed %d: domain %d has CPUs %v, want %d of them", c.sizes, seed, i, d.cpus, c.sizes[i])
				}
				for node, n := range count {
					if n < c.least || n > c.least+1 {
						t.Fatalf("%v, seed %d: domain %d has %d CPUs of node %d, want %d or one more", c.sizes, seed, i, n, node, c.least)
					}
				}
			}
			if len(seen) != len(nodeOf) {
				t.Fatalf("%v, seed %d: %d of %d CPUs were dealt", c.sizes, seed, len(seen), len(nodeOf))
			}
		}
	}
}

// Over many seeds a CPU is in each domain equally often, so that memory which is
// bound to a domain's node is on the node of its users as often as chance has it.
func TestOverSeedsADealPutsEachCPUInEachPlaceAlike(t *testing.T) {
	const seeds = 4000
	for _, sizes := range [][]int{{2, 2, 2, 2}, {4, 4}, {1, 1, 1, 1, 1, 1, 1, 1}, {3, 3, 3}} {
		at := make(map[[2]int]int) // of CPU and domain
		for seed := range uint64(seeds) {
			domains, _ := dealt(seed, sizes...)
			for i, d := range domains {
				for cpu := range d.cpus.All() {
					at[[2]int{cpu, i}]++
				}
			}
		}
		// Six standard deviations of a fair coin, and these are less wide.
		want, room := seeds/len(sizes), 190
		for cpu := range len(sizes) * sizes[0] {
			for i := range sizes {
				if n := at[[2]int{cpu, i}]; n < want-room || n > want+room {
					t.Fatalf("%v: CPU %d is in domain %d %d times of %d, want about %d", sizes, cpu, i, n, seeds, want)
				}
			}
		}
	}
}

// Domains of different sizes: all CPUs are dealt, and each domain has as many as before.
func TestADealOfUnequalNodesKeepsTheirSizes(t *testing.T) {
	sizes := []int{8, 1, 3}
	domains, nodeOf := dealt(1, sizes...)
	var all topology.CPUSet
	for i, d := range domains {
		if d.cpus.Len() != sizes[i] {
			t.Errorf("domain %d has CPUs %v, want %d of them", i, d.cpus, sizes[i])
		}
		all = all.Or(d.cpus)
	}
	if all.Len() != len(nodeOf) {
		t.Errorf("%v were dealt, want all %d", all, len(nodeOf))
	}
	if again, _ := dealt(1, sizes...); fmt.Sprint(again[0].cpus, again[1].cpus, again[2].cpus) != fmt.Sprint(domains[0].cpus, domains[1].cpus, domains[2].cpus) {
		t.Errorf("the same seed deals %v and %v", domains, again)
	}
}

// numa-wrongmap: no domain keeps a CPU of its own node, whatever the seed, and each has
// all CPUs of another.
func TestADerangedMapLeavesNothingAtHome(t *testing.T) {
	for _, n := range []int{2, 3, 4, 8} {
		seen := make(map[string]bool)
		for seed := range uint64(200) {
			s := new(Sched)
			for i := range n {
				s.domains = append(s.domains, &domain{index: i, id: i, cpus: topology.CPURange(4*i, 4*i+4)})
			}
			r := policy.Rand((seed+1)*0x9E3779B97F4A7C15 | 1)
			s.derange(&r)
			var all topology.CPUSet
			order := ""
			for i, d := range s.domains {
				first := d.cpus.List()[0] / 4
				order += fmt.Sprint(first)
				if want := topology.CPURange(4*first, 4*first+4); first == i || d.cpus.String() != want.String() {
					t.Fatalf("%d nodes, seed %d: domain %d has CPUs %v, want all of another node", n, seed, i, d.cpus)
				}
				all = all.Or(d.cpus)
			}
			if all.Len() != 4*n {
				t.Fatalf("%d nodes, seed %d: %v are in the map, want all", n, seed, all)
			}
			seen[order] = true
		}
		if want := map[int]int{2: 1, 3: 2, 4: 6, 8: 100}[n]; len(seen) < want {
			t.Errorf("%d nodes: %d different maps in 200 seeds, want %d or more", n, len(seen), want)
		}
	}
}
