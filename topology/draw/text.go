package draw

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"numasched/topology"
)

// Text writes the machine as a tree for people to read: what contains what, which
// CPUs each part has, and how far the nodes are from one another. Neighbours that are
// alike share a line.
func Text(w io.Writer, t *topology.Topology) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s\n%s\n\n", name(t), summary(t))
	root := boxes(t)
	branches(out, root, "")
	for _, n := range nodesWithoutCPUs(t) {
		fmt.Fprintf(out, "%s, %s\n", nodeName(nodePart(n), ", "), withoutCPUs(t, n))
	}
	distances(out, t)
	left := func(format string, args ...any) { fmt.Fprintf(out, "\n"+format+"\n", args...) }
	if !t.Offline.Empty() {
		left("offline: CPUs %v", t.Offline)
	}
	if t.Restricted() {
		left("allowed: %s", allowed(t))
	}
	for i, m := range t.Missing {
		if i == 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintf(out, "note: %s\n", m)
	}
	if info, ok := topology.AboutPreset(strings.TrimPrefix(t.Origin, "preset:")); ok {
		fmt.Fprintf(out, "source: %s\n", info.Source)
	}
	return out.Flush()
}

func withoutCPUs(t *topology.Topology, n topology.Node) string {
	s := "no CPUs"
	switch {
	case !n.CPUless:
		s = "its CPUs are offline"
	case n.Memory > 0:
		s = "memory only"
	}
	if from, d := nearestWithCPUs(t, n.ID); from >= 0 {
		s += fmt.Sprintf(", nearest to node %d (distance %d)", from, d)
	}
	return s
}

// branches writes the children of b. A run of equal ones is one line.
func branches(out *bufio.Writer, b *box, indent string) {
	runs := b.runs()
	for i, run := range runs {
		stem, below := "├─ ", "│  "
		if i == len(runs)-1 {
			stem, below = "└─ ", "   "
		}
		if b.children == nil || indent == "" {
			stem, below = "", ""
		}
		first := run[0]
		if len(run) == 1 && first.worthALine() {
			fmt.Fprintf(out, "%s%s%s\n", indent, stem, describe(first))
			branches(out, first, indent+below+" ")
			continue
		}
		fmt.Fprintf(out, "%s%s%s: %s\n", indent, stem, together(run), sample(run))
	}
	if rest := b.threads(); len(b.children) > 0 && !rest.Empty() {
		fmt.Fprintf(out, "%sCPUs %v, of which no core is known\n", indent, rest)
	}
}

// runs groups neighbours of the same shape. Each node and package is a run of its own.
func (b *box) runs() [][]*box {
	var runs [][]*box
	last := ""
	for _, c := range b.children {
		s := c.shape()
		if n := len(runs); n > 0 && s == last && !c.worthALine() {
			runs[n-1] = append(runs[n-1], c)
		} else {
			runs = append(runs, []*box{c})
		}
		last = s
	}
	return runs
}

// worthALine reports whether a box is, or holds, what people look for.
func (b *box) worthALine() bool {
	for _, p := range b.parts {
		if p.kind == pkg || p.kind == node || p.kind == die {
			return true
		}
	}
	for _, c := range b.children {
		if c.worthALine() {
			return true
		}
	}
	return false
}

// describe describes one box: "package 0, node 0 of 96 GiB, L3 38.5 MiB: CPUs 0-27".
func describe(b *box) string {
	var s []string
	for _, p := range b.parts {
		switch {
		case p.kind == node:
			s = append(s, nodeName(p, " of "))
		case p.kind == pkg || p.kind == die:
			s = append(s, fmt.Sprintf("%s %d", kindNames[p.kind], p.id))
		default:
			s = append(s, withSize(p))
		}
	}
	return strings.Join(s, ", ") + ": CPUs " + b.cpus.String()
}

func withSize(p part) string {
	if p.bytes == 0 {
		return kindNames[p.kind]
	}
	return kindNames[p.kind] + " " + size(p.bytes)
}

// together describes a run of equal boxes: "28 cores of 2 threads, L2 1 MiB, L1d 32
// KiB"; "4 x L3 16 MiB of 4 cores".
func together(run []*box) string {
	b := run[0]
	p, isCore := b.has(core)
	var s []string
	if isCore {
		head := plural(len(run), "core")
		if n := b.cpus.Len(); n > 1 {
			head += fmt.Sprintf(" of %d threads", n)
		}
		s = append(s, head)
	} else {
		p = b.parts[0]
		head := withSize(p)
		if len(run) > 1 {
			head = fmt.Sprintf("%d x %s", len(run), head)
		}
		s = append(s, head)
	}
	for _, q := range b.parts {
		if q != p {
			s = append(s, withSize(q))
		}
	}
	if len(b.children) > 0 {
		var inner []string
		for _, r := range b.runs() {
			inner = append(inner, together(r))
		}
		return strings.Join(s, ", ") + " of " + strings.Join(inner, " and ")
	}
	return strings.Join(s, ", ")
}

// sample lists the CPUs of the boxes of a run. Of many boxes it lists the first and
// the last.
func sample(run []*box) string {
	const most = 8
	var s []string
	for i, b := range run {
		if len(run) > most && i == most/2 {
			s = append(s, "...")
		}
		if len(run) <= most || i < most/2 || i >= len(run)-most/4 {
			s = append(s, b.cpus.String())
		}
	}
	return strings.Join(s, "  ")
}

// distances writes the matrix. For very many nodes it sums up each row.
func distances(out *bufio.Writer, t *topology.Topology) {
	if t.Distances == nil {
		return
	}
	width := 2
	for i, row := range t.Distances {
		width = max(width, len(fmt.Sprint(t.Nodes[i].ID)))
		for _, d := range row {
			width = max(width, len(fmt.Sprint(d)))
		}
	}
	fmt.Fprintf(out, "\ndistances between nodes\n")
	if len(t.Nodes) > 24 {
		for i, n := range t.Nodes {
			fmt.Fprintf(out, "%*d ", width, n.ID)
			byDistance := map[int]topology.CPUSet{}
			var order []int
			for j, d := range t.Distances[i] {
				set, ok := byDistance[d]
				if !ok {
					order = append(order, d)
				}
				set.Add(t.Nodes[j].ID)
				byDistance[d] = set
			}
			slices.Sort(order)
			for k, d := range order {
				if k > 0 {
					out.WriteString("; ")
				}
				fmt.Fprintf(out, "%d to %v", d, byDistance[d])
			}
			out.WriteByte('\n')
		}
		return
	}
	fmt.Fprintf(out, "%*s", width, "")
	for _, n := range t.Nodes {
		fmt.Fprintf(out, " %*d", width+1, n.ID)
	}
	out.WriteByte('\n')
	for i, n := range t.Nodes {
		fmt.Fprintf(out, "%*d", width, n.ID)
		for _, d := range t.Distances[i] {
			fmt.Fprintf(out, " %*d", width+1, d)
		}
		out.WriteByte('\n')
	}
}
