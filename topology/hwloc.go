package topology

// Import of what `lstopo machine.xml` exports, in the formats of hwloc 2 and hwloc 1
// (hwloc documentation, "Importing and exporting topologies from/to XML files"). They
// differ in:
//
//   - names: format 1 has Socket for Package, and Cache with a depth for L2Cache;
//   - NUMA nodes: in format 1 they contain their CPUs, in format 2 they stand beside
//     them;
//   - distances: in format 1 they are inside an object, divided by a base and in the
//     order of the tree; in format 2 they are at the end, by os_index;
//   - what kind of Group or memory an object is: format 2 has an attribute subtype,
//     format 1 an element info inside the object.
//
// hwloc shows less than the kernel. It leaves out PUs that cpusets forbid, unless
// lstopo was called with --disallowed, so they look like offline ones. It shows a
// node without CPUs with those of its neighbours. The kernel gives a CPU one node, so
// the smallest node with a CPU gets it; of equal nodes, the one with the lowest
// number. A node that gets none is taken as a node without CPUs.

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Package xml keeps all open elements in memory, and the whole of a tag with its
// attributes. So both are bounded here.
const (
	maxXML      = 64 << 20 // 2048 CPUs: 4 MB
	maxXMLDepth = 256      // of elements; hwloc nests some 20
	maxXMLTag   = 1 << 20  // bytes from one > to the next
)

// A tagLimiter fails if the next > is too far away.
type tagLimiter struct {
	r   io.Reader
	gap int // bytes since the last >
}

func (t *tagLimiter) Read(b []byte) (int, error) {
	n, err := t.r.Read(b)
	last := bytes.LastIndexByte(b[:n], '>')
	if last < 0 {
		t.gap += n
	} else {
		t.gap = n - 1 - last
	}
	if t.gap > maxXMLTag {
		return n, fmt.Errorf("more than %d KB without a tag's end", maxXMLTag>>10)
	}
	return n, err
}

// ReadHwlocXML reads a machine from the XML that hwloc 1 or 2 exports. Errors
// give the line, the text and what was expected.
func ReadHwlocXML(r io.Reader) (*Topology, error) {
	limited := &io.LimitedReader{R: r, N: maxXML}
	h := &hwlocReader{d: xml.NewDecoder(&tagLimiter{r: limited})}
	if err := h.read(); err != nil {
		if limited.N <= 0 {
			return nil, fmt.Errorf("longer than %d MB: not a machine", maxXML>>20)
		}
		line, _ := h.d.InputPos()
		return nil, fmt.Errorf("line %d: %s: want the XML that lstopo exports", line, oneLine(err.Error()))
	}
	t, err := h.topology()
	if err != nil {
		return nil, fmt.Errorf("%w: want the XML that lstopo exports", err)
	}
	return t, nil
}

// An hwlocNode is a NUMANode object.
type hwlocNode struct {
	id       int
	gp       string // gp_index, which distances may name it by
	cpus     CPUSet
	complete CPUSet // cpus and those that are offline or forbidden
	memory   int64
	subtype  string // such as "MCDRAM"; "" is ordinary memory, or unknown
}

// An hwlocObject is an open element of the tree.
type hwlocObject struct {
	node        int    // ID of the node that it is, or -1
	group       bool   // it is a Group
	cpus        CPUSet // of a Group
	firstClosed int    // how many nodes were closed before it; its own come after them

	// The content of an element distances inside it.
	matrix []float64
	base   float64
	expect int
}

type hwlocReader struct {
	d     *xml.Decoder
	stack []hwlocObject

	root                   bool // Machine has been seen
	pus, complete, allowed CPUSet
	haveAllowed            bool
	allNodes, allowedNodes CPUSet
	haveNodes              bool
	machineBytes           int64

	knightsLanding                  bool // clusters are quarters of the mesh, unlike Linux's
	cores, clusters, dies, packages []CPUSet
	l1d, l2, l3                     []Cache
	nodes                           []hwlocNode
	closed                          []int   // their IDs, inner ones first: hwloc's order
	distances                       [][]int // of order
	order                           []int   // node IDs of the rows, or nil
	notes                           []Note
}

func (h *hwlocReader) read() error {
	var dist *hwlocDistances
	var text *strings.Builder // content that is being collected
	seenTop := false
	for depth := 0; ; {
		tok, err := h.d.Token()
		if err == io.EOF && seenTop {
			return nil
		}
		if err == io.EOF {
			return errors.New("no element topology")
		}
		if err != nil {
			return err
		}
		switch el := tok.(type) {
		case xml.StartElement:
			if depth++; depth > maxXMLDepth {
				return fmt.Errorf("more than %d elements inside one another", maxXMLDepth)
			}
			a := attributes(el.Attr)
			if !seenTop {
				if el.Name.Local != "topology" {
					return fmt.Errorf("element %s: not an hwloc topology", excerpt([]byte(el.Name.Local)))
				}
				seenTop = true
				continue
			}
			switch el.Name.Local {
			case "object":
				if err := h.open(a); err != nil {
					return err
				}
			case "info":
				h.info(a["name"], a["value"])
			case "distances":
				if n := len(h.stack); n > 0 {
					o := &h.stack[n-1]
					o.base, _ = strconv.ParseFloat(a["latency_base"], 64)
					o.expect, _ = strconv.Atoi(a["nbobjs"])
					o.matrix = o.matrix[:0]
				}
			case "latency":
				if n := len(h.stack); n > 0 && len(h.stack[n-1].matrix) < maxNodes*maxNodes {
					v, err := strconv.ParseFloat(a["value"], 64)
					if err != nil {
						return fmt.Errorf("latency value %s: want a number", excerpt([]byte(a["value"])))
					}
					h.stack[n-1].matrix = append(h.stack[n-1].matrix, v)
				}
			case "distances2":
				dist = newDistances(a)
			case "indexes", "u64values":
				if dist != nil {
					text = &dist.indexes
					if el.Name.Local == "u64values" {
						text = &dist.values
					}
				}
			}
		case xml.CharData:
			if text != nil {
				if text.Len()+len(el) > maxXML/4 {
					return errors.New("distances without end")
				}
				text.Write(el)
				text.WriteByte(' ')
			}
		case xml.EndElement:
			depth--
			switch el.Name.Local {
			case "object":
				h.close()
			case "indexes", "u64values":
				text = nil
			case "distances2":
				if dist != nil && h.order == nil {
					if err := h.takeDistances(dist); err != nil {
						return err
					}
				}
				dist = nil
			}
		}
	}
}

func attributes(list []xml.Attr) map[string]string {
	m := make(map[string]string, len(list))
	for _, a := range list {
		m[a.Name.Local] = a.Value
	}
	return m
}

// open takes in an object at its start.
func (h *hwlocReader) open(a map[string]string) error {
	kind := a["type"]
	o := hwlocObject{node: -1, firstClosed: len(h.closed)}
	set := func(key string) (CPUSet, bool, error) {
		text, ok := a[key]
		if !ok {
			return CPUSet{}, false, nil
		}
		s, err := parseHwlocSet(text)
		if err != nil {
			return s, false, fmt.Errorf("object %s: %s %w", kind, key, err)
		}
		return s, true, nil
	}
	cpus, _, err := set("cpuset")
	if err != nil {
		return err
	}
	number := func(key string, limit int64) (int64, error) {
		v, err := strconv.ParseInt(a[key], 10, 64)
		if err != nil || v < 0 || v >= limit {
			return 0, fmt.Errorf("object %s: %s %s: want a number below %d", kind, key, excerpt([]byte(a[key])), limit)
		}
		return v, nil
	}
	optional := func(key string) (int64, error) {
		if a[key] == "" {
			return 0, nil
		}
		return number(key, math.MaxInt64)
	}
	cache := func(list *[]Cache) error {
		size, err := optional("cache_size")
		*list = append(*list, Cache{cpus, size})
		return err
	}
	switch kind {
	case "Machine", "System":
		if !h.root {
			h.root = true
			if h.complete, _, err = set("complete_cpuset"); err != nil {
				return err
			}
			if h.allowed, h.haveAllowed, err = set("allowed_cpuset"); err != nil {
				return err
			}
			if h.allowedNodes, h.haveNodes, err = set("allowed_nodeset"); err != nil {
				return err
			}
			if h.allNodes, _, err = set("complete_nodeset"); err != nil {
				return err
			}
		}
		memory, err := optional("local_memory")
		if err != nil {
			return err
		}
		h.machineBytes += memory
	case "PU", "Proc":
		id, err := number("os_index", maxCPUs)
		if err != nil {
			return err
		}
		if h.pus.Contains(int(id)) {
			return fmt.Errorf("object %s: os_index %d for the second time: want one machine in a file", kind, id)
		}
		h.pus.add(int(id))
	case "Core":
		h.cores = append(h.cores, cpus)
	case "Package", "Socket":
		h.packages = append(h.packages, cpus)
	case "Die":
		h.dies = append(h.dies, cpus)
	case "Group":
		o.group, o.cpus = true, cpus
		h.subtype(o, a["subtype"])
		h.knightsLanding = h.knightsLanding || a["kind"] == "100"
	case "L1Cache":
		err = cache(&h.l1d)
	case "L2Cache":
		err = cache(&h.l2)
	case "L3Cache":
		err = cache(&h.l3)
	case "Cache":
		if a["cache_type"] != "2" { // instructions
			switch a["depth"] {
			case "1":
				err = cache(&h.l1d)
			case "2":
				err = cache(&h.l2)
			case "3":
				err = cache(&h.l3)
			}
		}
	case "NUMANode", "Node":
		id, err := number("os_index", maxNodes)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(h.nodes, func(n hwlocNode) bool { return n.id == int(id) }) {
			return fmt.Errorf("object %s: os_index %d for the second time: want one machine in a file", kind, id)
		}
		memory, err := optional("local_memory")
		if err != nil {
			return err
		}
		complete, _, err := set("complete_cpuset")
		if err != nil {
			return err
		}
		h.nodes = append(h.nodes, hwlocNode{int(id), a["gp_index"], cpus, complete.Or(cpus), memory, a["subtype"]})
		o.node = int(id)
	}
	if err != nil {
		return err
	}
	h.stack = append(h.stack, o)
	return nil
}

// info takes in an element info of the innermost open object.
func (h *hwlocReader) info(name, value string) {
	n := len(h.stack)
	if n == 0 {
		return
	}
	switch {
	case name == "Type": // what format 1 has for the attribute subtype
		h.subtype(h.stack[n-1], value)
	case name == "ClusterMode", name == "CPUModelNumber" && (value == "87" || value == "133"):
		h.knightsLanding = true // or Knights Mill
	}
}

// subtype takes in the kind of a Group or node.
func (h *hwlocReader) subtype(o hwlocObject, kind string) {
	switch {
	case o.group && kind == "Die":
		h.dies = append(h.dies, o.cpus)
	case o.group && kind == "Cluster":
		h.clusters = append(h.clusters, o.cpus)
	case o.node >= 0:
		h.nodes[len(h.nodes)-1].subtype = kind // the node opened last
		h.knightsLanding = h.knightsLanding || kind == "MCDRAM"
	}
}

// close ends an object. In format 1 its distances are those of the nodes inside it.
func (h *hwlocReader) close() {
	n := len(h.stack)
	if n == 0 {
		return // an object outside of the topology
	}
	o := h.stack[n-1]
	h.stack = h.stack[:n-1]
	if o.node >= 0 {
		h.closed = append(h.closed, o.node)
	}
	ids := h.closed[o.firstClosed:]
	if k := len(ids); k < 2 || k != o.expect || len(o.matrix) != k*k || k <= len(h.order) {
		return
	}
	base := o.base
	if base == 0 {
		base = 1
	}
	h.order = slices.Clone(ids)
	h.distances = nil
	for i := range ids {
		row := make([]int, len(ids))
		for j := range row {
			v := math.Round(o.matrix[i*len(ids)+j] * base)
			if !(v >= 0 && v < 1<<16) {
				h.order, h.distances = nil, nil
				return
			}
			row[j] = int(v)
		}
		h.distances = append(h.distances, row)
	}
}

// An hwlocDistances is an element distances2.
type hwlocDistances struct {
	byGP            bool // rows are named by gp_index, not by os_index
	count           int
	indexes, values strings.Builder
}

// newDistances returns nil for distances that are not the latencies of nodes.
// Kinds are bits: 4 means latency, 8 means bandwidth.
func newDistances(a map[string]string) *hwlocDistances {
	kind, err := strconv.Atoi(a["kind"])
	count, err2 := strconv.Atoi(a["nbobjs"])
	if a["type"] != "NUMANode" || err != nil || kind&4 == 0 || err2 != nil || count < 2 || count > maxNodes {
		return nil
	}
	return &hwlocDistances{byGP: a["indexing"] == "gp", count: count}
}

func (h *hwlocReader) takeDistances(d *hwlocDistances) error {
	names, values := strings.Fields(d.indexes.String()), strings.Fields(d.values.String())
	if len(names) != d.count || len(values) != d.count*d.count {
		return fmt.Errorf("distances2: %d indexes and %d values for nbobjs %d", len(names), len(values), d.count)
	}
	var order []int
	for _, name := range names {
		i := slices.IndexFunc(h.nodes, func(n hwlocNode) bool {
			if d.byGP {
				return n.gp == name
			}
			return strconv.Itoa(n.id) == name
		})
		if i < 0 {
			return nil // of nodes that lstopo has left out
		}
		order = append(order, h.nodes[i].id)
	}
	var matrix [][]int
	for i := range order {
		row := make([]int, len(order))
		for j := range row {
			v, rest := number([]byte(values[i*len(order)+j]), 1<<16)
			if v < 0 || len(rest) > 0 {
				return fmt.Errorf("distances2: %s: want a distance", excerpt([]byte(values[i*len(order)+j])))
			}
			row[j] = v
		}
		matrix = append(matrix, row)
	}
	h.order, h.distances = order, matrix
	return nil
}

// parseHwlocSet reads a set such as "0x00000003,,0xffffffff": words of 32 bits,
// the highest first, empty ones zero. An infinite set ("0xf...f") is cut off at
// the highest number that a set may hold.
func parseHwlocSet(s string) (CPUSet, error) {
	var set CPUSet
	bad := fmt.Errorf("%s: want a set such as 0x0000000f,0xffffffff of at most %d bits", excerpt([]byte(s)), maxCPUs)
	rest, infinite := strings.CutPrefix(s, "0xf...f")
	if infinite {
		rest = strings.TrimPrefix(rest, ",")
	}
	words := strings.Split(rest, ",")
	if infinite && rest == "" {
		words = nil
	}
	if len(words) > maxCPUs/32 {
		return CPUSet{}, bad
	}
	for i, w := range words {
		if w == "" {
			if len(words) == 1 {
				return CPUSet{}, bad
			}
			continue
		}
		digits, ok := strings.CutPrefix(w, "0x")
		v, err := strconv.ParseUint(digits, 16, 32)
		if !ok || err != nil {
			return CPUSet{}, bad
		}
		at := (len(words) - 1 - i) * 32
		for b := 0; v != 0; b, v = b+1, v>>1 {
			if v&1 != 0 {
				set.add(at + b)
			}
		}
	}
	if infinite {
		for c := len(words) * 32; c < maxCPUs; c++ {
			set.add(c)
		}
	}
	return set, nil
}
