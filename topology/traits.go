package topology

// A NodeTrait is something that a caller needs a node to have. Traits combine
// by |, and then a node must have all of them.
type NodeTrait uint8

const (
	HasCPUs     NodeTrait = 1 << iota // CPUs that are online
	HasMemory                         // memory, if only of unknown size
	MayRun                            // CPUs that are online and allowed
	MayAllocate                       // memory, and it is allowed
)

// Has reports whether the node with the given ID has all of the traits. It is false
// for an unknown node, so Has(id, 0) reports whether there is such a node.
func (t *Topology) Has(id int, want NodeTrait) bool {
	n := t.Node(id)
	return n != nil && t.has(n, want)
}

func (t *Topology) has(n *Node, want NodeTrait) bool {
	memory := n.Memory > 0 || n.MemoryUnknown
	return !(want&HasCPUs != 0 && n.CPUs.Empty() ||
		want&HasMemory != 0 && !memory ||
		want&MayRun != 0 && n.CPUs.And(t.Allowed).Empty() ||
		want&MayAllocate != 0 && !(memory && t.AllowedNodes.Contains(n.ID)))
}

// NodesWith returns the nodes that have all of the traits.
func (t *Topology) NodesWith(want NodeTrait) NodeSet {
	var set NodeSet
	for i := range t.Nodes {
		if n := &t.Nodes[i]; t.has(n, want) {
			set.add(n.ID)
		}
	}
	return set
}

// NearestWith is [Topology.Nearest] without the nodes that lack one of the
// traits, which may be the given node itself. The slice is the caller's.
func (t *Topology) NearestWith(id int, want NodeTrait) []int {
	var ids []int
	for _, n := range t.Nearest(id) {
		if t.Has(n, want) {
			ids = append(ids, n)
		}
	}
	return ids
}

// Restricted reports whether a cpuset or an affinity mask keeps the process from
// CPUs that are online, or from memory. The kernel's list of allowed nodes never
// holds a node without memory, and that is not a restriction.
func (t *Topology) Restricted() bool {
	return !t.Allowed.Equal(t.Online) || !t.NodesWith(HasMemory).AndNot(t.AllowedNodes).Empty()
}
