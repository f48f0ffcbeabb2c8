// Package topology says what the machine looks like: CPUs, caches, NUMA nodes
// and the distances between them.
package topology

// A Topology is one machine. Node and CPU numbers are the kernel's: they may
// be sparse, and nothing may be derived from them. A Topology does not change
// after it has been made, so that any number of goroutines may read it.
type Topology struct {
	Origin string // where it came from: "host", a file's name, "synthetic:2x4", ...

	Online  CPUSet // PUs (hardware threads) that are online
	Offline CPUSet // PUs that are present and offline
	Allowed CPUSet // online PUs that cpusets and the affinity mask leave us

	Cores    []CPUSet // in ascending order of first CPU, like every list below
	Clusters []CPUSet
	Dies     []CPUSet
	Packages []CPUSet
	L1d      []Cache
	L2       []Cache
	L3       []Cache

	Nodes        []Node // in ascending order of ID
	AllowedNodes []int  // IDs of the nodes whose memory cpusets leave us

	// Distances[i][j] is the SLIT distance from Nodes[i] to Nodes[j], 10 on
	// the diagonal, or nil where the kernel gives none. It may be asymmetric.
	Distances [][]int

	// OneNodeAssumed is set where the kernel has no NUMA nodes: Nodes then
	// holds one node 0 with all CPUs.
	OneNodeAssumed bool

	Missing []string // what could not be read, and what was assumed instead

	index // what the O(1) queries look up
}

// A Cache is one data or unified cache.
type Cache struct {
	CPUs  CPUSet
	Bytes int64 // 0 if unknown
}

// A Node is one NUMA node.
type Node struct {
	ID      int
	CPUs    CPUSet // online CPUs; empty for a memory-only node
	CPUless bool   // whether it has no CPUs, not even some that are offline
	Memory  int64  // bytes; 0 for a node without memory
}
