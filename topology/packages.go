package topology

// Linux before 3.18 did not expect a processor with several NUMA nodes, such as
// Intel's Haswell in cluster-on-die mode. It reported one package for each node
// (fixed by "x86, sched: Add new topology for multi-NUMA-node CPUs"). The ids that
// it reported were right.

import (
	"cmp"
	"maps"
	"slices"
)

// joinPackages makes one package of those that are a node each, share a
// physical_package_id, and have no core_id in common. Packages that are not one
// processor may repeat an id as well: it is -1 where it is unknown, and 0 on many
// virtual machines.
func joinPackages(s *source, t *Topology) {
	if len(t.Nodes) < 2 || len(t.Packages) < 2 {
		return
	}
	r := newCPUReader(s, t)
	byID := map[int][]int{} // indexes into Packages
	for i, p := range t.Packages {
		if !slices.ContainsFunc(t.Nodes, func(n Node) bool { return n.CPUs.Equal(p) }) {
			continue
		}
		if id, ok := r.int(r.name(p.First(), "topology/physical_package_id")); ok && id >= 0 {
			byID[id] = append(byID[id], i)
		}
	}
	var joined []CPUSet
	gone := map[int]bool{}
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		parts := byID[id]
		if len(parts) < 2 || !r.distinctCores(parts) {
			continue
		}
		var whole CPUSet
		for _, i := range parts {
			whole = whole.Or(t.Packages[i])
			gone[i] = true
		}
		joined = append(joined, whole)
		s.note(Contradicted, cpuDir+"/cpu*/topology", "CPUs %v are reported as %d packages, all with the id %d: taken as one package", whole, len(parts), id)
	}
	if len(joined) == 0 {
		return
	}
	for i, p := range t.Packages {
		if !gone[i] {
			joined = append(joined, p)
		}
	}
	slices.SortFunc(joined, func(a, b CPUSet) int { return cmp.Compare(a.First(), b.First()) })
	t.Packages = joined
}

// distinctCores reports whether all CPUs of some packages have a core_id, and
// no two of the packages have one in common.
func (r *cpuReader) distinctCores(packages []int) bool {
	of := map[int]int{} // core_id to package
	for _, i := range packages {
		for c := range r.t.Packages[i].All() {
			id, ok := r.int(r.name(c, "topology/core_id"))
			if other, taken := of[id]; !ok || id < 0 || taken && other != i {
				return false
			}
			of[id] = i
		}
	}
	return true
}
