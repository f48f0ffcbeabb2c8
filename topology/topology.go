// Package topology describes a machine: its CPUs, caches and NUMA nodes, and the
// distances between the nodes. It reads the Linux machine it runs on, reads machines
// that somebody has captured, and makes up machines that do not exist.
//
// # Vocabulary
//
// This is `synthetic:2x2x1x2x2`: two packages of two nodes. Each node has one L3
// and two cores of two threads:
//
//		 package 0                          package 1
//		┌────────────────────────────────┐ ┌────────────────────────────────┐
//		│ node 0          node 1         │ │ node 2          node 3         │
//		│ 16 GiB          16 GiB         │ │ 16 GiB          16 GiB         │
//		│┌─ L3 ─────────┐┌─ L3 ─────────┐│ │┌─ L3 ─────────┐┌─ L3 ─────────┐│
//		││┌ L2 ─┐┌ L2 ─┐││┌ L2 ─┐┌ L2 ─┐││ ││┌ L2 ─┐┌ L2 ─┐││┌ L2 ─┐┌ L2 ─┐││
//		│││core ││core ││││core ││core │││ │││core ││core ││││core ││core │││
//		│││ 0 1 ││ 2 3 ││││ 4 5 ││ 6 7 │││ │││ 8 9 ││10 11││││12 13││14 15│││
//		││└─────┘└─────┘││└─────┘└─────┘││ ││└─────┘└─────┘││└─────┘└─────┘││
//		│└──────────────┘└──────────────┘│ │└──────────────┘└──────────────┘│
//		└────────────────────────────────┘ └────────────────────────────────┘
//
//		distances      to 0   1   2   3
//		       from 0    10  12  32  32
//		            1    12  10  32  32
//		            2    32  32  10  12
//		            3    32  32  12  10
//
//	  - A PU, or CPU for short, is what the kernel schedules on: a hardware thread.
//	  - A core is the PUs that share an execution unit (SMT siblings); a cluster, a
//	    die and a package are larger parts of the silicon.
//	  - An L3 group is the CPUs that share a last-level cache. It may be smaller than
//	    a node (AMD's core complexes) or wider (Intel's sub-NUMA clusters).
//	  - A node is memory and the CPUs next to it. Some have no CPUs (CXL, HBM, a GPU's
//	    memory), some no memory, and some overlap.
//	  - The distance from node to node is the firmware's SLIT: 10 is local, and larger
//	    is farther. It orders nodes. It is not a latency.
//	  - Allowed is the part of the machine that cpusets and the affinity mask let this
//	    process use.
//
// # Invariant
//
// A number is either the kernel's or an index into a list of this package. Neither
// can be computed from the other. CPU and node numbers may be sparse and in any
// order: CPU 1 may be on the other package, and the nodes may be 0, 8 and 252. So
// ask [Topology.NodeOf]; do not divide. A Topology never changes once it is made.
//
// # Use
//
//	t, err := topology.Host()                     // this machine
//	t, err := topology.Load("rome-2x7742-nps4")   // whatever a user's flag names
//	t, err := topology.Load("/captured")          // an unpacked tree of /sys and /proc
//	t, err := topology.Read(fsys)                 // any fs.FS
//
// Links in a captured tree often lead out of it. Load does not follow those, and
// neither does an [os.Root]. An [os.DirFS] follows them to the reader's own files.
//
// A fact that cannot be found out is not an error. Missing lists it, along with what
// was assumed instead. [Capture] writes a machine into a file that says nothing
// else, and [Open] reads that file. Tests build a machine from a dozen files in an
// fstest.MapFS. Package draw shows machines to people.
//
// The queries by CPU (NodeOf, L3Of and the like), Node, Has, Distance and Nearest
// take constant time and allocate nothing. A scheduler may use them on its hot path.
package topology

// A Topology is one machine. The package comment explains the terms. Any number of
// goroutines may read it.
type Topology struct {
	Origin string // where it came from, for people to read: "host", a file's name, "synthetic:2x4", ...

	Online  CPUSet // PUs (hardware threads) that are online
	Offline CPUSet // PUs that are present and offline
	Allowed CPUSet // online PUs that cpusets and the affinity mask let this process use

	Cores    []CPUSet // in ascending order of first CPU, like every list below
	Clusters []CPUSet
	Dies     []CPUSet
	Packages []CPUSet
	L1d      []Cache
	L2       []Cache
	L3       []Cache

	Nodes        []Node  // in ascending order of ID
	AllowedNodes NodeSet // nodes whose memory, if they have any, cpusets let this process use

	// Distances[i][j] is the SLIT distance from Nodes[i] to Nodes[j], 10 on
	// the diagonal, or nil where the kernel gives none. It may be asymmetric.
	Distances [][]int

	// OneNodeAssumed is true if the kernel has no NUMA nodes. Nodes then holds one
	// node 0 with all CPUs.
	OneNodeAssumed bool

	Missing []Note // what could not be found out, and what was assumed instead

	index // what the O(1) queries look up

	host bool // see IsHost
}

// IsHost reports whether t is the machine that the program runs on. If so, threads
// may be bound to its CPUs and pages placed on its nodes. Only [Host] makes such a
// Topology. Origin does not decide this, because a capture may have any name. A copy
// of the host's Topology is the host, too: callers copy it to narrow Allowed.
func (t *Topology) IsHost() bool { return t.host }

// A Cache is one data or unified cache.
type Cache struct {
	CPUs  CPUSet
	Bytes int64 // 0 if unknown
}

// A Node is one NUMA node.
type Node struct {
	ID            int
	CPUs          CPUSet // online CPUs; empty for a memory-only node
	CPUless       bool   // whether it has no CPUs, not even some that are offline
	Memory        int64  // bytes; 0 for a node without memory, or of unknown memory
	MemoryUnknown bool   // whether no file says how much memory the node has
}
