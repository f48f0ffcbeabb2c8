package topology

// A Report is a Topology in plain lists, as `experiments topo --json` prints it. CPU
// and node numbers are the kernel's. Sets are sorted lists, in order of their first
// CPU. A list of sizes has the order of its list of caches. There are no other
// fields, so that reports of one machine by several programs can be compared.
type Report struct {
	PUs            []int        `json:"pus"`
	OfflinePUs     []int        `json:"offline_pus"`
	Cores          [][]int      `json:"cores"`
	Packages       [][]int      `json:"packages"`
	Dies           [][]int      `json:"dies"`
	Clusters       [][]int      `json:"clusters"`
	L1d            [][]int      `json:"l1d"`
	L2             [][]int      `json:"l2"`
	L2Bytes        []int64      `json:"l2_bytes"`
	L3             [][]int      `json:"l3"`
	L3Bytes        []int64      `json:"l3_bytes"`
	NUMA           []ReportNode `json:"numa"`
	DistanceNodes  []int        `json:"distance_nodes"` // null without distances
	Distances      [][]int      `json:"distances"`      // row by row, null likewise
	AllowedPUs     []int        `json:"allowed_pus"`
	AllowedNodes   []int        `json:"allowed_nodes"`
	Restricted     bool         `json:"restricted"` // whether a PU or node is missing in the two lists above, even a node without memory
	OneNodeAssumed bool         `json:"synthetic_single_node"`
}

// A ReportNode is a NUMA node of a [Report].
type ReportNode struct {
	ID      int   `json:"os_index"`
	CPUs    []int `json:"cpus"`
	Memory  int64 `json:"memory_bytes"`
	CPUless bool  `json:"cpuless"`
}

// Report returns t in plain lists.
func (t *Topology) Report() Report {
	r := Report{
		PUs:            t.Online.List(),
		OfflinePUs:     t.Offline.List(),
		Cores:          lists(t.Cores),
		Packages:       lists(t.Packages),
		Dies:           lists(t.Dies),
		Clusters:       lists(t.Clusters),
		NUMA:           []ReportNode{},
		Distances:      t.Distances,
		AllowedPUs:     t.Allowed.List(),
		AllowedNodes:   t.AllowedNodes.List(),
		Restricted:     !t.Allowed.Equal(t.Online) || t.AllowedNodes.Len() != len(t.Nodes),
		OneNodeAssumed: t.OneNodeAssumed,
	}
	r.L1d, _ = cacheLists(t.L1d)
	r.L2, r.L2Bytes = cacheLists(t.L2)
	r.L3, r.L3Bytes = cacheLists(t.L3)
	for _, n := range t.Nodes {
		r.NUMA = append(r.NUMA, ReportNode{n.ID, n.CPUs.List(), n.Memory, n.CPUless})
		if t.Distances != nil {
			r.DistanceNodes = append(r.DistanceNodes, n.ID)
		}
	}
	return r
}

func lists(sets []CPUSet) [][]int {
	list := make([][]int, len(sets))
	for i, s := range sets {
		list[i] = s.List()
	}
	return list
}

func cacheLists(caches []Cache) ([][]int, []int64) {
	cpus, bytes := make([][]int, len(caches)), make([]int64, len(caches))
	for i, c := range caches {
		cpus[i], bytes[i] = c.CPUs.List(), c.Bytes
	}
	return cpus, bytes
}
