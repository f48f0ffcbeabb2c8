package topology

import (
	"cmp"
	"slices"
)

// index holds what the O(1) queries look up. [Topology.finish] fills it.
type index struct {
	nodeOf    []int32 // by CPU: node ID, or -1
	l2Of      []int32 // by CPU: index into L2, or -1; likewise below
	l3Of      []int32
	coreOf    []int32
	clusterOf []int32
	dieOf     []int32
	packageOf []int32
	posOf     []int32 // by node ID: index into Nodes, or -1
	near      [][]int // by index into Nodes: node IDs in order of distance
}

// finish computes the index. Every constructor calls it last.
func (t *Topology) finish() {
	n := len(t.Online.words) * 64
	t.nodeOf = fill(n, -1)
	for _, node := range t.Nodes {
		for c := range node.CPUs.All() {
			if t.nodeOf[c] < 0 {
				t.nodeOf[c] = int32(node.ID)
			}
		}
	}
	t.coreOf, t.clusterOf, t.dieOf, t.packageOf = whichOf(n, t.Cores), whichOf(n, t.Clusters), whichOf(n, t.Dies), whichOf(n, t.Packages)
	t.l2Of, t.l3Of = whichOf(n, cacheSets(t.L2)), whichOf(n, cacheSets(t.L3))
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

func cacheSets(caches []Cache) []CPUSet {
	sets := make([]CPUSet, len(caches))
	for i, c := range caches {
		sets[i] = c.CPUs
	}
	return sets
}

func fill(n int, v int32) []int32 {
	s := make([]int32, n)
	for i := range s {
		s[i] = v
	}
	return s
}

// NodeOf returns the ID of cpu's NUMA node, or -1 if it has none. If nodes overlap it
// is the node with the lowest ID.
func (t *Topology) NodeOf(cpu int) int { return indexOf(t.nodeOf, cpu) }

// L2Of returns the index in t.L2 of cpu's L2 cache, or -1 if it has none.
func (t *Topology) L2Of(cpu int) int { return indexOf(t.l2Of, cpu) }

// L3Of returns the index in t.L3 of cpu's L3 cache, or -1 if it has none.
func (t *Topology) L3Of(cpu int) int { return indexOf(t.l3Of, cpu) }

// CoreOf returns the index in t.Cores of cpu's core, or -1 if it is unknown.
func (t *Topology) CoreOf(cpu int) int { return indexOf(t.coreOf, cpu) }

// ClusterOf returns the index in t.Clusters of cpu's cluster, or -1 if it is in
// none.
func (t *Topology) ClusterOf(cpu int) int { return indexOf(t.clusterOf, cpu) }

// DieOf returns the index in t.Dies of cpu's die, or -1 if it is in none: most
// packages are one die, and then t.Dies is empty.
func (t *Topology) DieOf(cpu int) int { return indexOf(t.dieOf, cpu) }

// PackageOf returns the index in t.Packages of cpu's package, or -1 if it is
// unknown.
func (t *Topology) PackageOf(cpu int) int { return indexOf(t.packageOf, cpu) }

func indexOf(table []int32, cpu int) int {
	if cpu < 0 || cpu >= len(table) {
		return -1
	}
	return int(table[cpu])
}

// Node returns the node with the given ID, or nil if there is none.
func (t *Topology) Node(id int) *Node {
	if i := t.pos(id); i >= 0 {
		return &t.Nodes[i]
	}
	return nil
}

// Distance returns the SLIT distance between two nodes given by ID, or -1 if one of
// them does not exist. If the kernel gives no distances, it is 10 from a node to
// itself and 20 to any other.
func (t *Topology) Distance(from, to int) int {
	i, j := t.pos(from), t.pos(to)
	switch {
	case i < 0 || j < 0:
		return -1
	case t.Distances != nil:
		return t.Distances[i][j]
	case i == j:
		return 10
	}
	return 20
}

// Nearest returns the IDs of all nodes in order of their distance from the node with
// the given ID, which comes first. Nodes at the same distance are in ascending order
// of ID, beginning after the given node and continuing with the lowest after the
// highest. So if all nodes are equally far, each is the first neighbour of one other,
// and they do not all turn to node 0. It returns nil for an unknown node. The slice
// is shared: do not change it. [Topology.NearestWith] leaves out nodes that a caller
// cannot use.
func (t *Topology) Nearest(id int) []int {
	if i := t.pos(id); i >= 0 {
		return t.near[i]
	}
	return nil
}

func (t *Topology) pos(id int) int { return indexOf(t.posOf, id) }
