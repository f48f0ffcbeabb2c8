package topology

import (
	"cmp"
	"slices"
)

// index holds what the O(1) queries look up. [Topology.finish] fills it.
type index struct {
	nodeOf    []int32 // by CPU: node ID, or -1
	l3Of      []int32 // by CPU: index into L3, or -1
	coreOf    []int32 // by CPU: index into Cores, or -1
	packageOf []int32 // by CPU: index into Packages, or -1
	posOf     []int32 // by node ID: index into Nodes, or -1
	near      [][]int // by index into Nodes: node IDs in order of distance
}

// finish computes the index. Every constructor calls it last.
func (t *Topology) finish() {
	n := len(t.Online.words) * 64
	t.nodeOf = fill(n, -1)
	t.l3Of = fill(n, -1)
	for _, node := range t.Nodes {
		for c := range node.CPUs.All() {
			if t.nodeOf[c] < 0 {
				t.nodeOf[c] = int32(node.ID)
			}
		}
	}
	for i, l3 := range t.L3 {
		for c := range l3.CPUs.All() {
			t.l3Of[c] = int32(i)
		}
	}
	t.coreOf, t.packageOf = whichOf(n, t.Cores), whichOf(n, t.Packages)
	if k := len(t.Nodes); k > 0 {
		t.posOf = fill(t.Nodes[k-1].ID+1, -1)
	}
	for i, node := range t.Nodes {
		t.posOf[node.ID] = int32(i)
	}
	t.near = make([][]int, len(t.Nodes))
	ids := make([]int, len(t.Nodes)*len(t.Nodes))
	for i, from := range t.Nodes {
		row := ids[:len(t.Nodes):len(t.Nodes)]
		ids = ids[len(t.Nodes):]
		for k := range row {
			row[k] = t.Nodes[(i+k)%len(t.Nodes)].ID
		}
		slices.SortStableFunc(row[1:], func(a, b int) int {
			return cmp.Compare(t.Distance(from.ID, a), t.Distance(from.ID, b))
		})
		t.near[i] = row
	}
}

func whichOf(n int, sets []CPUSet) []int32 {
	of := fill(n, -1)
	for i, s := range sets {
		for c := range s.All() {
			of[c] = int32(i)
		}
	}
	return of
}

func fill(n int, v int32) []int32 {
	s := make([]int32, n)
	for i := range s {
		s[i] = v
	}
	return s
}

// NodeOf returns the ID of cpu's NUMA node, or -1 if it has none. Where nodes
// overlap it is the one with the lowest ID.
func (t *Topology) NodeOf(cpu int) int {
	if cpu < 0 || cpu >= len(t.nodeOf) {
		return -1
	}
	return int(t.nodeOf[cpu])
}

// L3Of returns the index in t.L3 of cpu's L3 cache, or -1 if it has none.
func (t *Topology) L3Of(cpu int) int {
	if cpu < 0 || cpu >= len(t.l3Of) {
		return -1
	}
	return int(t.l3Of[cpu])
}

// CoreOf returns the index in t.Cores of cpu's core, or -1 if it is unknown.
func (t *Topology) CoreOf(cpu int) int {
	if cpu < 0 || cpu >= len(t.coreOf) {
		return -1
	}
	return int(t.coreOf[cpu])
}

// PackageOf returns the index in t.Packages of cpu's package, or -1 if it is
// unknown.
func (t *Topology) PackageOf(cpu int) int {
	if cpu < 0 || cpu >= len(t.packageOf) {
		return -1
	}
	return int(t.packageOf[cpu])
}

// Node returns the node with the given ID, or nil if there is none.
func (t *Topology) Node(id int) *Node {
	if i := t.pos(id); i >= 0 {
		return &t.Nodes[i]
	}
	return nil
}

// Distance returns the SLIT distance between two nodes given by ID. Where the
// kernel gives none it is 10 from a node to itself and 20 to any other.
func (t *Topology) Distance(from, to int) int {
	if t.Distances != nil {
		if i, j := t.pos(from), t.pos(to); i >= 0 && j >= 0 {
			return t.Distances[i][j]
		}
	}
	if from == to {
		return 10
	}
	return 20
}

// Nearest returns the IDs of all nodes in order of their distance from the
// node with the given ID, which comes first. Nodes at the same distance follow
// in ascending order of ID from the given node on, and from the lowest after
// the highest. So where all are equally far, each is one other's first
// neighbour, and not all turn to node 0. It returns nil for an unknown node.
// The slice is shared: do not change it.
func (t *Topology) Nearest(id int) []int {
	if i := t.pos(id); i >= 0 {
		return t.near[i]
	}
	return nil
}

func (t *Topology) pos(id int) int {
	if id < 0 || id >= len(t.posOf) {
		return -1
	}
	return int(t.posOf[id])
}
