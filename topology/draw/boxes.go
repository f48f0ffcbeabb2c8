// Package draw shows a machine to people: as a tree in text, and as a picture like
// lstopo's, with the distances between nodes as a heat map beside it.
//
// Both are made of boxes. A box is a set of CPUs, together with every object that has
// exactly these CPUs: a package that is one node with one L3 is one box. A box lies
// inside the smallest box that holds all of its CPUs, whatever kind that is, because
// machines differ. A node may be a part of a package or hold several packages, and an
// L3 may be smaller or larger than a node. Nodes without CPUs stand beside the tree.
package draw

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"numasched/topology"
)

// A part is one object of the machine.
type part struct {
	kind  kind
	id    int   // of a node; otherwise the place in its list
	bytes int64 // of a cache, 0 if unknown; of a node, or the constant unknown
}

const unknown = -1

func nodePart(n topology.Node) part {
	if n.MemoryUnknown {
		return part{kind: node, id: n.ID, bytes: unknown}
	}
	return part{kind: node, id: n.ID, bytes: n.Memory}
}

// nodeName names a node and its memory, with a word between them.
func nodeName(p part, between string) string {
	switch p.bytes {
	case unknown:
		return fmt.Sprintf("node %d", p.id)
	case 0:
		return fmt.Sprintf("node %d without memory", p.id)
	}
	return fmt.Sprintf("node %d%s%s", p.id, between, size(p.bytes))
}

type kind int

// In the order in which parts of one box are named and nested.
const (
	machine kind = iota
	pkg
	node
	die
	l3
	cluster
	l2
	l1d
	core
)

var kindNames = [...]string{"machine", "package", "node", "die", "L3", "cluster", "L2", "L1d", "core"}

type box struct {
	cpus     topology.CPUSet
	parts    []part
	children []*box
}

func (b *box) has(k kind) (part, bool) {
	for _, p := range b.parts {
		if p.kind == k {
			return p, true
		}
	}
	return part{}, false
}

// threads returns the CPUs of b that are in no child.
func (b *box) threads() topology.CPUSet {
	left := b.cpus
	for _, c := range b.children {
		left = left.AndNot(c.cpus)
	}
	return left
}

// boxes arranges a machine.
func boxes(t *topology.Topology) *box {
	root := &box{cpus: t.Online, parts: []part{{kind: machine}}}
	type object struct {
		part
		cpus topology.CPUSet
		size int
	}
	var all []object
	add := func(p part, cpus topology.CPUSet) {
		if n := cpus.Len(); n > 0 {
			all = append(all, object{p, cpus, n})
		}
	}
	sets := func(k kind, list []topology.CPUSet) {
		for i, s := range list {
			add(part{kind: k, id: i}, s)
		}
	}
	caches := func(k kind, list []topology.Cache) {
		for i, c := range list {
			add(part{kind: k, id: i, bytes: c.Bytes}, c.CPUs)
		}
	}
	sets(pkg, t.Packages)
	for _, n := range t.Nodes {
		add(nodePart(n), n.CPUs)
	}
	sets(die, t.Dies)
	caches(l3, t.L3)
	sets(cluster, t.Clusters)
	caches(l2, t.L2)
	caches(l1d, t.L1d)
	sets(core, t.Cores)
	slices.SortStableFunc(all, func(a, b object) int {
		return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.kind, b.kind), cmp.Compare(a.cpus.First(), b.cpus.First()))
	})
	// From large to small. Unless boxes overlap, an object lies in the last box that
	// its first CPU was put into.
	within := map[int]*box{}
	for _, o := range all {
		b := within[o.cpus.First()]
		if b == nil || !inside(o.cpus, b.cpus) {
			b = root.smallest(o.cpus)
		}
		if b != root && b.cpus.Equal(o.cpus) {
			b.parts = append(b.parts, o.part)
			continue
		}
		child := &box{cpus: o.cpus, parts: []part{o.part}}
		b.children = append(b.children, child)
		for c := range o.cpus.All() {
			within[c] = child
		}
	}
	root.sort()
	return root
}

func inside(a, b topology.CPUSet) bool { return a.AndNot(b).Empty() }

// smallest returns the innermost box that holds all of cpus; of several, the last.
func (b *box) smallest(cpus topology.CPUSet) *box {
	for _, c := range slices.Backward(b.children) {
		if inside(cpus, c.cpus) {
			return c.smallest(cpus)
		}
	}
	return b
}

// sort puts children in order: nodes by ID, others by first CPU.
func (b *box) sort() {
	slices.SortStableFunc(b.children, func(x, y *box) int {
		nx, okx := x.has(node)
		ny, oky := y.has(node)
		if okx && oky {
			return cmp.Compare(nx.id, ny.id)
		}
		return cmp.Compare(x.cpus.First(), y.cpus.First())
	})
	for _, c := range b.children {
		c.sort()
	}
}

// shape describes a box without its numbers. Neighbours of the same shape share a
// line.
func (b *box) shape() string {
	var s strings.Builder
	for _, p := range b.parts {
		fmt.Fprintf(&s, "%d/%d ", p.kind, p.bytes)
	}
	fmt.Fprintf(&s, "%d", b.threads().Len())
	for _, c := range b.children {
		s.WriteString("(" + c.shape() + ")")
	}
	return s.String()
}

// nodesWithoutCPUs returns the nodes that have no CPU online.
func nodesWithoutCPUs(t *topology.Topology) []topology.Node {
	var list []topology.Node
	for _, n := range t.Nodes {
		if n.CPUs.Empty() {
			list = append(list, n)
		}
	}
	return list
}

// nearestWithCPUs returns the node with CPUs that is nearest to the given node, and
// its distance; -1 if there is none, or distances are unknown.
func nearestWithCPUs(t *topology.Topology, id int) (from, distance int) {
	from = -1
	if t.Distances == nil {
		return from, 0
	}
	for _, n := range t.Nodes {
		if !n.CPUs.Empty() {
			if d := t.Distance(n.ID, id); from < 0 || d < distance {
				from, distance = n.ID, d
			}
		}
	}
	return from, distance
}

// size writes bytes with a unit, in three digits.
func size(bytes int64) string {
	unit, v := "KiB", float64(bytes)/(1<<10)
	for _, larger := range []string{"MiB", "GiB", "TiB"} {
		if v >= 1024 {
			unit, v = larger, v/1024
		}
	}
	digits := 2
	if v >= 100 {
		digits = 0
	} else if v >= 10 {
		digits = 1
	}
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if digits > 0 {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s + " " + unit
}

// allowed says what this process may use: "CPUs 0-1, memory of node 0".
func allowed(t *topology.Topology) string {
	nodes := t.NodesWith(topology.MayAllocate)
	s := "s"
	if nodes.Len() == 1 {
		s = ""
	}
	return fmt.Sprintf("CPUs %v, memory of node%s %v", t.Allowed, s, nodes)
}

// plural is "1 core" and "2 cores".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// summary is the machine in one line.
func summary(t *topology.Topology) string {
	s := []string{plural(t.Online.Len(), "CPU")}
	if n := len(t.Cores); n > 0 {
		s = append(s, plural(n, "core"))
	}
	if n := len(t.Packages); n > 0 {
		s = append(s, plural(n, "package"))
	}
	if n := len(t.Nodes); t.OneNodeAssumed {
		s = append(s, "no NUMA")
	} else {
		s = append(s, plural(n, "NUMA node"))
	}
	var memory int64
	for _, n := range t.Nodes {
		memory += n.Memory
	}
	if memory > 0 {
		s = append(s, size(memory)+" of memory")
	}
	return strings.Join(s, ", ")
}

// name returns a preset's description, and the origin of any other machine.
func name(t *topology.Topology) string {
	if p, ok := strings.CutPrefix(t.Origin, "preset:"); ok {
		if info, ok := topology.AboutPreset(p); ok {
			return p + ": " + info.Machine
		}
	}
	return t.Origin
}

// title is the name without the folders of a file.
func title(t *topology.Topology) string {
	if n := name(t); n != t.Origin {
		return n
	}
	return filepath.Base(t.Origin)
}
