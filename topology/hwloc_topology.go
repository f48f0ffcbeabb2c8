package topology

// From what an hwlocReader has collected to a Topology.

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// topology puts together what has been read.
func (h *hwlocReader) topology() (*Topology, error) {
	if h.pus.Empty() {
		return nil, errors.New("no object of type PU with an os_index")
	}
	t := &Topology{Online: h.pus, Allowed: h.pus}
	t.Offline = h.complete.AndNot(h.pus)
	if h.haveAllowed {
		if left := h.allowed.And(h.pus); !left.Empty() {
			t.Allowed = left
		}
	}
	if !t.Offline.Empty() && h.haveNodes && !h.allNodes.Equal(h.allowedNodes) {
		h.note(NotThere, "CPUs %v are not in the file: offline, or forbidden by a cpuset (lstopo --disallowed shows those)", t.Offline)
	}
	sets := func(list []CPUSet) []CPUSet {
		var kept []CPUSet
		for _, s := range list {
			if s = s.And(t.Online); !s.Empty() {
				kept = append(kept, s)
			}
		}
		slices.SortStableFunc(kept, func(a, b CPUSet) int { return cmp.Compare(a.First(), b.First()) })
		return slices.CompactFunc(kept, CPUSet.Equal)
	}
	caches := func(list []Cache) []Cache {
		var kept []Cache
		for _, c := range list {
			if c.CPUs = c.CPUs.And(t.Online); !c.CPUs.Empty() {
				kept = append(kept, c)
			}
		}
		slices.SortStableFunc(kept, func(a, b Cache) int { return cmp.Compare(a.CPUs.First(), b.CPUs.First()) })
		return slices.CompactFunc(kept, func(a, b Cache) bool { return a.CPUs.Equal(b.CPUs) })
	}
	t.Cores, t.Packages = sets(h.cores), sets(h.packages)
	inside := func(list []CPUSet) []CPUSet {
		return slices.DeleteFunc(sets(list), func(s CPUSet) bool {
			return s.Len() == 1 || slices.ContainsFunc(t.Packages, s.Equal)
		})
	}
	t.Dies = inside(h.dies)
	if !h.knightsLanding {
		t.Clusters = inside(h.clusters)
	}
	t.L1d, t.L2, t.L3 = caches(h.l1d), caches(h.l2), caches(h.l3)
	h.addNodes(t)
	if len(t.Cores) == 0 {
		h.note(NotThere, "no object of type Core: cores are unknown")
	}
	t.Missing = h.notes
	t.finish()
	return t, nil
}

func (h *hwlocReader) note(kind NoteKind, format string, args ...any) {
	h.notes = append(h.notes, Note{Kind: kind, Text: fmt.Sprintf(format, args...)})
}

// addNodes fills in nodes, distances and the nodes allowed.
func (h *hwlocReader) addNodes(t *Topology) {
	if len(h.nodes) == 0 {
		h.note(NotThere, "no object of type NUMANode: assumed one node 0 with all CPUs and all memory")
		t.Nodes = []Node{{ID: 0, CPUs: t.Online, Memory: h.machineBytes, MemoryUnknown: h.machineBytes == 0}}
		t.AllowedNodes = NodeIDs(0)
		t.OneNodeAssumed = true
		return
	}
	// From small to large, so that a node's own CPUs come before those that it
	// shares as a neighbour. Of equal nodes, one of special memory is the neighbour.
	special := func(n hwlocNode) int {
		if n.subtype == "" || n.subtype == "DRAM" {
			return 0
		}
		return 1
	}
	bySize := slices.Clone(h.nodes)
	slices.SortStableFunc(bySize, func(a, b hwlocNode) int {
		return cmp.Or(cmp.Compare(a.complete.Len(), b.complete.Len()), cmp.Compare(special(a), special(b)), cmp.Compare(a.id, b.id))
	})
	var homed CPUSet
	for i, n := range bySize {
		if i > 0 && n.complete.Equal(bySize[i-1].complete) && !n.complete.Empty() && special(n) == special(bySize[i-1]) {
			h.note(Assumed, "nodes %d and %d have the same CPUs in the file, which does not tell whose they are: taken as those of the node with the lowest number", bySize[i-1].id, n.id)
		}
		node := Node{ID: n.id, CPUless: n.complete.AndNot(homed).Empty(), Memory: n.memory}
		if !node.CPUless {
			node.CPUs = n.cpus.And(t.Online)
			homed = homed.Or(n.complete)
		}
		t.Nodes = append(t.Nodes, node)
	}
	slices.SortFunc(t.Nodes, func(a, b Node) int { return cmp.Compare(a.ID, b.ID) })
	for _, n := range t.Nodes {
		if !h.haveNodes || h.allowedNodes.Contains(n.ID) {
			t.AllowedNodes.add(n.ID)
		}
	}
	if t.AllowedNodes.Empty() {
		h.note(Contradicted, "allowed_nodeset %v names no node of the file: ignored", h.allowedNodes)
		for _, n := range t.Nodes {
			t.AllowedNodes.add(n.ID)
		}
	}
	if len(h.order) != len(t.Nodes) || len(t.Nodes) < 2 {
		return
	}
	for _, n := range t.Nodes {
		i := slices.Index(h.order, n.ID)
		if i < 0 {
			t.Distances = nil
			return
		}
		row := make([]int, len(t.Nodes))
		for k, to := range t.Nodes {
			j := slices.Index(h.order, to.ID)
			if j < 0 {
				t.Distances = nil
				return
			}
			row[k] = h.distances[i][j]
		}
		t.Distances = append(t.Distances, row)
	}
	if why := notSLIT(t.Distances); why != "" {
		h.note(Malformed, "%s: no distances", why)
		t.Distances = nil
	}
}
