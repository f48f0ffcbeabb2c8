package sim

import (
	"fmt"
	"math/bits"
	"strconv"

	"numasched/topology"
)

// hardware is the fixed part of a machine: where everything is, and how far things
// are from each other. CPUs keep their kernel IDs. Everything else is numbered from 0
// by position (of its first CPU, or of its node's ID).
type hardware struct {
	topo   *topology.Topology
	preset *Preset

	cpus   []cpuInfo // by CPU ID; absent CPUs have core -1
	online []int32   // the IDs of the CPUs that are there, ascending
	cores  []coreInfo
	l3s    []l3Info // CPUs that share both an L3 (or none) and a node
	nodes  []nodeInfo

	idle    [][]Time // [CPU's node][memory's node]
	line    [][]Time // [requester's node][holder's node], line at home with the holder
	lineFar [][]Time // the same, line at home with the requester

	resources []resource  // memory controllers first, one per node, then links
	routes    [][][]int32 // [CPU's node][memory's node]: the resources that a read passes
}

type cpuInfo struct {
	core, l3, node, pkg int32
}

type coreInfo struct {
	l3, node, pkg int32
	cpus          []int32
	caches        [3]int32 // indices into the machine's caches, or -1
}

// last reports whether what this level of the core's caches gives up goes to memory.
func (c *coreInfo) last(level int) bool { return level == 2 || level == 1 && c.caches[2] < 0 }

type l3Info struct {
	cpus, cores []int32
	node        int32
}

type nodeInfo struct {
	id     int
	memory bool
	pkg    int32
	cpus   []int32
	cores  []int32
	near   []int32 // all nodes, nearest first
	store  int32   // where this node's first touches go: to itself, or to the nearest node that has memory
}

// newHardware places preset's constants on topo.
func newHardware(topo *topology.Topology, preset *Preset) (*hardware, error) {
	h := &hardware{topo: topo, preset: preset}
	max := -1
	for c := range topo.Online.All() {
		max = c
	}
	if max < 0 {
		return nil, fmt.Errorf("%s: no CPU is online", topo.Origin)
	}
	h.cpus = make([]cpuInfo, max+1)
	for i := range h.cpus {
		h.cpus[i] = cpuInfo{-1, -1, -1, -1}
	}
	pos := make(map[int]int32)
	for i, n := range topo.Nodes {
		pos[n.ID] = int32(i)
		info := nodeInfo{id: n.ID, memory: topo.Has(n.ID, topology.HasMemory), pkg: -1}
		h.nodes = append(h.nodes, info)
	}
	if len(h.nodes) == 0 {
		h.nodes = append(h.nodes, nodeInfo{id: 0, memory: true, pkg: -1})
	}
	for i, set := range topo.Packages {
		for c := range set.All() {
			if c <= max {
				h.cpus[c].pkg = int32(i)
			}
		}
	}
	groups := make(map[[2]int32]int32) // an L3 and a node
	core := func(set topology.CPUSet) {
		info := coreInfo{l3: -1, caches: [3]int32{-1, -1, -1}}
		for c := range set.All() {
			if c > max || h.cpus[c].core >= 0 || !topo.Online.Contains(c) {
				continue
			}
			h.cpus[c].core = int32(len(h.cores))
			node := int32(0)
			if p, ok := pos[topo.NodeOf(c)]; ok {
				node = p
			}
			h.cpus[c].node = node
			if h.cpus[c].pkg < 0 {
				h.cpus[c].pkg = 0
			}
			key := [2]int32{int32(topo.L3Of(c)), node}
			g, ok := groups[key]
			if !ok {
				g = int32(len(h.l3s))
				groups[key] = g
				h.l3s = append(h.l3s, l3Info{node: node})
			}
			h.cpus[c].l3 = g
			info.cpus = append(info.cpus, int32(c))
		}
		if len(info.cpus) == 0 {
			return
		}
		first := h.cpus[info.cpus[0]]
		info.l3, info.node, info.pkg = first.l3, first.node, first.pkg
		id := int32(len(h.cores))
		h.cores = append(h.cores, info)
		g := &h.l3s[info.l3]
		g.cores = append(g.cores, id)
		g.cpus = append(g.cpus, info.cpus...)
		n := &h.nodes[info.node]
		n.cores = append(n.cores, id)
		if n.pkg < 0 {
			n.pkg = info.pkg
		}
	}
	for _, set := range topo.Cores {
		core(set)
	}
	for c := range topo.Online.All() {
		if h.cpus[c].core < 0 {
			core(topology.CPURange(c, c+1))
		}
		h.online = append(h.online, int32(c))
		n := h.cpus[c].node
		h.nodes[n].cpus = append(h.nodes[n].cpus, int32(c))
	}
	for i := range h.nodes {
		n := &h.nodes[i]
		for _, id := range topo.Nearest(n.id) {
			n.near = append(n.near, pos[id])
		}
		if len(n.near) == 0 {
			n.near = []int32{int32(i)}
		}
		n.store = int32(i)
		for _, j := range n.near {
			if h.nodes[j].memory {
				n.store = j
				break
			}
		}
	}
	for i := range h.nodes {
		if n := &h.nodes[i]; n.pkg < 0 { // no CPUs: it belongs where it is nearest
			n.pkg = 0
			best := -1
			for j := range h.nodes {
				m := &h.nodes[j]
				if len(m.cpus) == 0 {
					continue
				}
				if d := topo.Distance(m.id, n.id); best < 0 || d < best {
					best, n.pkg = d, m.pkg
				}
			}
		}
	}
	h.idle = times(h.matrix(preset.Idle.Value))
	h.line = times(h.matrix(preset.Line.Value))
	h.lineFar = h.line
	if len(preset.LineFar.Value) > 0 {
		h.lineFar = times(h.matrix(preset.LineFar.Value))
	}
	for i := range h.nodes {
		h.line[i][i] = preset.Package.ps()
		h.lineFar[i][i] = preset.Package.ps()
	}
	if len(topo.L1d)+len(topo.L2)+len(topo.L3) == 0 && len(preset.Caches.Value) == 0 {
		return nil, badConstant(path{"topology"}, "%s lists no caches: every access would go to memory; want cache_KiB, which \"experiments calibrate\" measures", topo.Origin)
	}
	h.controllers()
	return h, h.links()
}

// ps is a constant given in nanoseconds.
func (s Scalar) ps() Time { return Time(s.Value) * Picosecond }

// matrix places a matrix on the machine's pairs of nodes. A matrix of another size is
// placed by how near the nodes are: the first value of its first row is for a node
// itself, the second for nodes of the same package, the last for all others.
func (h *hardware) matrix(m [][]Milli) [][]Milli {
	n := len(h.nodes)
	out := make([][]Milli, n)
	for i := range out {
		out[i] = make([]Milli, n)
		for j := range out[i] {
			switch {
			case len(m) == n:
				out[i][j] = m[i][j]
			case i == j:
				out[i][j] = m[0][0]
			case h.nodes[i].pkg == h.nodes[j].pkg:
				out[i][j] = m[0][min(1, len(m)-1)]
			default:
				out[i][j] = m[0][len(m)-1]
			}
		}
	}
	return out
}

// times is a matrix given in nanoseconds.
func times(m [][]Milli) [][]Time {
	out := make([][]Time, len(m))
	for i, row := range m {
		for _, v := range row {
			out[i] = append(out[i], Time(v)*Picosecond)
		}
	}
	return out
}

// controllers makes the resource of each node's memory.
func (h *hardware) controllers() {
	s := &h.preset.Cores.Value
	top := Milli(1)
	for _, p := range s.Load {
		top = max(top, p[1])
	}
	peaks := h.preset.Peak.Value
	for i := range h.nodes {
		peak := peaks[len(peaks)-1]
		if i < len(peaks) {
			peak = peaks[i]
		}
		r := resource{name: "n" + strconv.Itoa(h.nodes[i].id)}
		// The controller carries more than the program sees: a store that misses
		// reads the line first.
		for k, c := range []struct {
			points   [][2]Milli
			num, den Milli
		}{{s.Load, 1, 1}, {s.Triad, 5, 4}, {s.Copy, 3, 2}, {s.Update, 1, 1}} {
			for _, p := range c.points {
				r.curve[k] = append(r.curve[k], [2]int64{int64(p[0]), mulDiv(int64(p[1])*1000, int64(peak*c.num), int64(top*c.den))})
			}
		}
		h.resources = append(h.resources, r)
	}
}

// links makes the resources of the links, and a route for every pair of nodes: one with
// the fewest links. Where there are several of these, as on a ring of four, each step
// takes the link that the fewest routes have taken so far, for its bandwidth: firmware
// deals its tables evenly, too.
func (h *hardware) links() error {
	npkg := int32(max(1, len(h.topo.Packages)))
	perPkg := make([]int, npkg)
	for i := range h.nodes {
		perPkg[h.nodes[i].pkg]++
	}
	// Vertices: nodes, then packages. edges[v] lists neighbours and the resources, or -1,
	// that data passes to them and from them.
	nn := int32(len(h.nodes))
	type edge struct{ to, out, in int32 }
	edges := make([][]edge, nn+npkg)
	link := func(a, b int32, name string, mbps Milli) {
		out, in := int32(-1), int32(-1)
		if mbps > 0 {
			out = int32(len(h.resources))
			in = out + 1
			for _, n := range []string{name, reversed(name)} {
				h.resources = append(h.resources, resource{name: n, fixed: int64(mbps) * 1000})
			}
		}
		edges[a] = append(edges[a], edge{b, out, in})
		edges[b] = append(edges[b], edge{a, in, out})
	}
	for i := range h.nodes {
		p := h.nodes[i].pkg
		mesh := Milli(0)
		if perPkg[p] > 1 && len(h.nodes[i].cpus) > 0 {
			mesh = h.preset.Mesh.Value
		}
		link(int32(i), nn+p, fmt.Sprintf("n%d>p%d", h.nodes[i].id, p), mesh)
	}
	vertex := func(s string) (int32, error) {
		if len(s) > 1 {
			k, err := strconv.Atoi(s[1:])
			if err == nil && s[0] == 'n' && k >= 0 && k < int(nn) {
				return int32(k), nil
			}
			if err == nil && s[0] == 'p' && k >= 0 && k < int(npkg) {
				return nn + int32(k), nil
			}
		}
		return 0, fmt.Errorf("%q: want n0 to n%d or p0 to p%d, or * twice", s, nn-1, npkg-1)
	}
	bus := int32(-1)
	joined := make(map[[2]int32]bool)
	for i, l := range h.preset.Links.Value {
		at := path{"links", "value", i, "between"}
		if l.Between == everywhere {
			if bus >= 0 {
				return badConstant(at, "a second one between * and *: want one at most")
			}
			bus = int32(len(h.resources))
			h.resources = append(h.resources, resource{name: "bus", fixed: int64(l.GBps) * 1000})
			continue
		}
		var ends [2]int32
		for j, s := range l.Between {
			v, err := vertex(s)
			if err != nil {
				return badConstant(append(at, j), "%w", err)
			}
			ends[j] = v
		}
		a, b := ends[0], ends[1]
		if a == b {
			return badConstant(at, "%s is joined with itself: want two parts of the machine", l.Between[0])
		}
		if joined[[2]int32{a, b}] || joined[[2]int32{b, a}] {
			return badConstant(at, "%s and %s are joined already: want one link of their whole bandwidth", l.Between[0], l.Between[1])
		}
		joined[ends] = true
		link(a, b, l.Between[0]+">"+l.Between[1], l.GBps)
	}
	// The preset of a machine that nobody has built names no links. Its packages are
	// joined without a limit.
	if len(h.preset.Links.Value) == 0 || len(h.preset.Links.Value) == 1 && bus >= 0 {
		for a := nn + 1; a < nn+npkg; a++ {
			link(nn, a, "", 0)
		}
	}
	// Data flows from j to i. steps[v] is how many links v is away from j.
	h.routes = make([][][]int32, nn)
	for i := range h.routes {
		h.routes[i] = make([][]int32, nn)
	}
	used := make([]int64, len(h.resources)) // routes through each link
	for j := int32(0); j < nn; j++ {
		steps := make([]int32, nn+npkg)
		for v := range steps {
			steps[v] = -1
		}
		steps[j] = 0
		for front := []int32{j}; len(front) > 0; front = front[1:] {
			for _, e := range edges[front[0]] {
				if steps[e.to] < 0 {
					steps[e.to] = steps[front[0]] + 1
					front = append(front, e.to)
				}
			}
		}
		for i := int32(0); i < nn; i++ {
			if steps[i] < 0 {
				return badConstant(path{"links", "value"}, "nothing joins node %d and node %d: want a way between any two", h.nodes[i].id, h.nodes[j].id)
			}
			route := []int32{j}
			for v := i; v != j; {
				best, to, least := int32(-1), int32(-1), int64(never)
				for _, e := range edges[v] {
					if steps[e.to] != steps[v]-1 {
						continue
					}
					load := int64(0)
					if e.in >= 0 {
						load = mulDiv(used[e.in]+1, 1_000_000_000_000, h.resources[e.in].fixed)
					}
					if load < least {
						best, to, least = e.in, e.to, load
					}
				}
				if v = to; best >= 0 {
					route = append(route, best)
					used[best]++
				}
			}
			if bus >= 0 && i != j {
				route = append(route, bus)
			}
			h.routes[i][j] = route
		}
	}
	return nil
}

func reversed(name string) string {
	for i := range name {
		if name[i] == '>' {
			return name[i+1:] + ">" + name[:i]
		}
	}
	return name
}

// mulDiv returns a*b/c, rounded down, for values that are not negative; the
// product may have 128 bits.
func mulDiv(a, b, c int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if hi >= uint64(c) {
		return int64(never) // saturate: nothing takes that long
	}
	q, _ := bits.Div64(hi, lo, uint64(c))
	if q > uint64(never) {
		return int64(never)
	}
	return int64(q)
}
