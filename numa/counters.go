package numa

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// NodeCounters are the kernel's counters of one node.
type NodeCounters struct {
	Node int

	// numastat, in pages. Hit: allocated here as intended. Miss: allocated here
	// although another node was intended. Foreign: intended for here, but allocated
	// elsewhere. Local and Other: allocated here by a CPU of this node, or of
	// another.
	Hit, Miss, Foreign, InterleaveHit, Local, Other uint64

	Memory map[string]uint64 // meminfo, in bytes (huge page counts in pages): MemTotal, MemFree, ...
	VM     map[string]uint64 // vmstat, mostly in pages: nr_free_pages, pgpromote_success, ...
}

// Counters are the kernel's NUMA counters of the whole system since it started. They
// include other processes, so compare two readings on a quiet system.
type Counters struct {
	Nodes []NodeCounters    // in ascending order of ID
	VM    map[string]uint64 // the lines of /proc/vmstat that begin with numa_ or pgmigrate_
}

// ReadCounters reads the counters from a tree such as os.DirFS("/"):
// sys/devices/system/node and proc/vmstat. It takes 100 µs for each node.
//
// It returns an error that is [ErrUnsupported] if there are no nodes in the tree.
// What stands in missing files is left empty: old kernels have no vmstat for each
// node.
func ReadCounters(fsys fs.FS) (Counters, error) {
	var c Counters
	const dir = "sys/devices/system/node"
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return c, fmt.Errorf("numa: no counters in /%s: %w", dir, ErrUnsupported)
	}
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), "node")
		id, err := strconv.Atoi(digits)
		if !ok || err != nil {
			continue
		}
		n, err := readNode(fsys, path.Join(dir, e.Name()), id)
		if err != nil {
			return c, err
		}
		c.Nodes = append(c.Nodes, n)
	}
	if len(c.Nodes) == 0 {
		return c, fmt.Errorf("numa: no node in /%s: %w", dir, ErrUnsupported)
	}
	slices.SortFunc(c.Nodes, func(a, b NodeCounters) int { return a.Node - b.Node })
	vm, err := readPairs(fsys, "proc/vmstat")
	c.VM = map[string]uint64{}
	for k, v := range vm {
		if strings.HasPrefix(k, "numa_") || strings.HasPrefix(k, "pgmigrate_") {
			c.VM[k] = v
		}
	}
	return c, err
}

func readNode(fsys fs.FS, dir string, id int) (NodeCounters, error) {
	n := NodeCounters{Node: id}
	stat, err := readPairs(fsys, path.Join(dir, "numastat"))
	if err != nil {
		return n, err
	}
	n.Hit, n.Miss, n.Foreign = stat["numa_hit"], stat["numa_miss"], stat["numa_foreign"]
	n.InterleaveHit, n.Local, n.Other = stat["interleave_hit"], stat["local_node"], stat["other_node"]
	if n.VM, err = readPairs(fsys, path.Join(dir, "vmstat")); err != nil {
		return n, err
	}
	n.Memory, err = readMemInfo(fsys, dir)
	return n, err
}

// readPairs reads lines of a name and a number. A missing file counts as empty.
func readPairs(fsys fs.FS, name string) (map[string]uint64, error) {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, nil
	}
	pairs := map[string]uint64{}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if len(f) != 2 {
			return pairs, fmt.Errorf("numa: /%s: %.60q: want a name and a number", name, line)
		}
		// Some counters are sums of differences over CPUs and may be below zero.
		v, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil {
			u, err := strconv.ParseUint(f[1], 10, 64)
			if err != nil {
				return pairs, fmt.Errorf("numa: /%s: %.60q: want a name and a number", name, line)
			}
			pairs[f[0]] = u
			continue
		}
		pairs[f[0]] = uint64(max(v, 0))
	}
	return pairs, nil
}

// readMemInfo reads lines such as "Node 0 MemTotal:  32 kB".
func readMemInfo(fsys fs.FS, dir string) (map[string]uint64, error) {
	name := path.Join(dir, "meminfo")
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, nil
	}
	m := map[string]uint64{}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if len(f) < 4 || f[0] != "Node" {
			return m, fmt.Errorf("numa: /%s: %.60q: want \"Node ID NAME: NUMBER\"", name, line)
		}
		v, err := strconv.ParseUint(f[3], 10, 54)
		if err != nil {
			return m, fmt.Errorf("numa: /%s: %.60q: want \"Node ID NAME: NUMBER\"", name, line)
		}
		if len(f) > 4 && f[4] == "kB" {
			v <<= 10
		}
		m[strings.TrimSuffix(f[2], ":")] = v
	}
	return m, nil
}

// Sub returns what was counted between two readings of the same system, before and c,
// in numastat, vmstat and /proc/vmstat. Memory and the nr_ lines of vmstat are levels
// and not counts: they stay as they are in c.
func (c Counters) Sub(before Counters) Counters {
	d := Counters{VM: subtract(c.VM, before.VM)}
	for _, n := range c.Nodes {
		for _, b := range before.Nodes {
			if b.Node != n.Node {
				continue
			}
			n.Hit -= b.Hit
			n.Miss -= b.Miss
			n.Foreign -= b.Foreign
			n.InterleaveHit -= b.InterleaveHit
			n.Local -= b.Local
			n.Other -= b.Other
			n.VM = subtract(n.VM, b.VM)
		}
		d.Nodes = append(d.Nodes, n)
	}
	return d
}

func subtract(after, before map[string]uint64) map[string]uint64 {
	d := map[string]uint64{}
	for k, v := range after {
		if !strings.HasPrefix(k, "nr_") {
			v -= before[k]
		}
		d[k] = v
	}
	return d
}
