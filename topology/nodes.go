package topology

// NUMA nodes, from sys/devices/system/node (Linux,
// Documentation/ABI/stable/sysfs-devices-node).
//
//   - `online` lists the nodes. If it is missing, the nodeN directories do.
//   - A node may have memory and no CPUs (CXL, HBM, a GPU's memory), or CPUs and no
//     memory. Nodes may overlap (Knights Landing). cpumap and cpulist hold the CPUs
//     that are online; the links cpuN hold all of them.
//   - The columns of a distance file are the online nodes, not 0, 1, 2...
//   - If there is no node directory, the kernel has no NUMA, and node 0 has all.

import (
	"fmt"
	"slices"
)

const nodeDir = "sys/devices/system/node"

func readNodes(s *source, t *Topology) {
	dirs, _ := s.numbered(nodeDir, "node", maxNodes)
	ids, known := s.list(nodeDir+"/online", maxNodes)
	if !known || ids.And(dirs).Empty() {
		ids = dirs
	}
	for id := range ids.All() {
		if cpus, ok := s.nodeCPUs(id, dirs); ok {
			cpuless := cpus.Empty() && !s.hasOfflineCPUs(id)
			cpus.cut(t.Online)
			memory, known := s.nodeMemory(id)
			t.Nodes = append(t.Nodes, Node{ID: id, CPUs: cpus, CPUless: cpuless, Memory: memory, MemoryUnknown: !known})
		}
	}
	if len(t.Nodes) == 0 {
		s.note(NotThere, nodeDir, "no node there: assumed one node 0 with all CPUs and all memory")
		memory, known := s.memory("proc/meminfo", "the memory")
		t.Nodes = []Node{{ID: 0, CPUs: t.Online, Memory: memory, MemoryUnknown: !known}}
		t.OneNodeAssumed = true
		return
	}
	var homed CPUSet
	for _, n := range t.Nodes {
		homed = homed.Or(n.CPUs)
	}
	if homeless := t.Online.AndNot(homed); !homeless.Empty() {
		s.note(Contradicted, nodeDir, "no node has CPUs %v", homeless)
	}
	if len(t.Nodes) > 1 {
		t.Distances = s.distances(t.Nodes, ids)
	}
}

// nodeCPUs returns the CPUs of a node, and whether the node is there.
func (s *source) nodeCPUs(id int, dirs CPUSet) (set CPUSet, ok bool) {
	dir := fmt.Sprintf("%s/node%d", nodeDir, id)
	if b, ok := s.read(dir+"/cpumap", smallFile); ok {
		if err := parseMask(&set, b); err == nil {
			return set, true
		} else {
			s.note(Malformed, dir+"/cpumap", "%v", err)
		}
	}
	if set, ok := s.list(dir+"/cpulist", maxCPUs); ok {
		return set, true
	}
	if !dirs.Contains(id) {
		s.note(Contradicted, dir, "not there, though %s/online lists it", nodeDir)
		return CPUSet{}, false
	}
	// Very old kernels, and captures that keep only the links, have cpuN entries.
	if set, _ = s.numbered(dir, "cpu", maxCPUs); !set.Empty() {
		return set, true
	}
	s.note(NotThere, dir+"/cpumap", "not there: node %d is left out", id)
	return CPUSet{}, false
}

// hasOfflineCPUs reports whether a node whose cpumap is empty has CPUs that are
// offline. The kernel takes them out of the map and keeps their links cpuN.
func (s *source) hasOfflineCPUs(id int) bool {
	links, _ := s.numbered(fmt.Sprintf("%s/node%d", nodeDir, id), "cpu", maxCPUs)
	return !links.Empty()
}

func (s *source) nodeMemory(id int) (bytes int64, known bool) {
	return s.memory(fmt.Sprintf("%s/node%d/meminfo", nodeDir, id), fmt.Sprintf("the memory of node %d", id))
}

// memory returns the size in a meminfo file, and whether it is known.
func (s *source) memory(name, what string) (bytes int64, known bool) {
	b, ok := s.read(name, smallFile)
	if !ok {
		s.note(NotThere, name, "not there: %s is unknown, taken as 0", what)
		return 0, false
	}
	bytes, err := parseMemTotal(b)
	if err != nil {
		s.note(Malformed, name, "%v", err)
	}
	return bytes, err == nil
}

// distances returns the SLIT matrix of the nodes, or nil if a row is missing or
// malformed. A row has one column for each online node.
func (s *source) distances(nodes []Node, online CPUSet) [][]int {
	column := make([]int, len(nodes)) // of node i among the online ones
	for i, n := range nodes {
		column[i], _ = slices.BinarySearch(online.List(), n.ID)
	}
	matrix := make([][]int, len(nodes))
	for i, n := range nodes {
		name := fmt.Sprintf("%s/node%d/distance", nodeDir, n.ID)
		b, ok := s.read(name, smallFile)
		if !ok {
			s.note(NotThere, name, "not there: no distances")
			return nil
		}
		all, err := parseDistances(b)
		if err != nil {
			s.note(Malformed, name, "%v: no distances", err)
			return nil
		}
		row := make([]int, len(nodes))
		switch {
		case len(all) == online.Len():
			for j, c := range column {
				row[j] = all[c]
			}
		case len(all) == len(nodes):
			copy(row, all)
		default:
			s.note(Contradicted, name, "%d distances for %d nodes: no distances", len(all), online.Len())
			return nil
		}
		matrix[i] = row
	}
	if why := notSLIT(matrix); why != "" {
		s.note(Malformed, nodeDir+"/node*/distance", "%s: no distances", why)
		return nil
	}
	return matrix
}

// notSLIT says what is wrong with a matrix of distances, or returns "". A node is at 10
// from itself, and the values below 10 have no meaning (ACPI specification, System
// Locality Information Table).
func notSLIT(matrix [][]int) string {
	for i, row := range matrix {
		for j, d := range row {
			switch {
			case d == 0:
				return "a distance is 0, which is none"
			case i == j && d != 10:
				return fmt.Sprintf("the distance of a node from itself is %d, want 10", d)
			case d < 10:
				return fmt.Sprintf("a distance is %d, want at least 10, that of a node from itself", d)
			}
		}
	}
	return ""
}
