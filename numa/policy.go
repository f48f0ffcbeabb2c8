package numa

import (
	"fmt"
	"strings"

	"numasched/topology"
)

// A Mode says how a [Policy] chooses among its nodes. The numbers are Linux's
// (include/uapi/linux/mempolicy.h).
type Mode int

const (
	Default            Mode = iota // the policy of the process, or of the system: the node of the CPU that touches first
	Preferred                      // one node, or any other when it is full; as Local if no node is given
	Bind                           // these nodes only; when they are full, the kernel reclaims pages and then kills processes
	Interleave                     // these nodes in turn, page by page
	Local                          // the node of the CPU that touches first, or any other when it is full
	PreferredMany                  // these nodes, or any other when they are full (Linux 5.15)
	WeightedInterleave             // these nodes in turn, weighted by /sys/kernel/mm/mempolicy (Linux 6.9)
)

var modeNames = [...]string{"default", "prefer", "bind", "interleave", "local", "prefer (many)", "weighted interleave"}

// String returns the name that /proc/PID/numa_maps gives the mode.
func (m Mode) String() string {
	if m < 0 || int(m) >= len(modeNames) {
		return fmt.Sprintf("Mode(%d)", int(m))
	}
	return modeNames[m]
}

// ModeFlags say what the kernel does with a policy's nodes when the cpuset of
// the process changes, and whether NUMA balancing may move the pages.
type ModeFlags int

const (
	StaticNodes   ModeFlags = 1 << 15 // the nodes are meant literally; those that are not allowed are not used
	RelativeNodes ModeFlags = 1 << 14 // the nodes are positions among the allowed ones
	Balancing     ModeFlags = 1 << 13 // with Bind (Linux 5.12): NUMA balancing may move pages among the nodes

	modeFlagsMask = StaticNodes | RelativeNodes | Balancing
)

// A Policy says which node a page comes from when it is first touched. The zero value
// is the system's default. Nodes are the kernel's IDs.
//
// NUMA balancing leaves memory with a policy alone, unless the policy is Default or
// has the Balancing flag.
type Policy struct {
	Mode  Mode
	Flags ModeFlags
	Nodes []int
}

// BindTo returns the policy of memory that may lie on one node only.
func BindTo(node int) Policy { return Policy{Mode: Bind, Nodes: []int{node}} }

// String returns the policy in the form of /proc/PID/numa_maps, such as
// "bind=static:0-1".
func (p Policy) String() string {
	var b strings.Builder
	b.WriteString(p.Mode.String())
	sep := byte('=')
	for _, f := range []struct {
		flag ModeFlags
		name string
	}{{StaticNodes, "static"}, {RelativeNodes, "relative"}, {Balancing, "balancing"}} {
		if p.Flags&f.flag != 0 {
			b.WriteByte(sep)
			b.WriteString(f.name)
			sep = '|'
		}
	}
	if len(p.Nodes) > 0 {
		b.WriteByte(':')
		b.WriteString(NodeList(p.Nodes))
	}
	return b.String()
}

// NodeList returns node IDs in the kernel's list format, such as "0-3,8".
func NodeList(nodes []int) string { return topology.CPUs(nodes...).String() }

// MoveFlags say what [SetPolicyOf] does with pages that were touched before.
type MoveFlags int

const (
	Strict  MoveFlags = 1 << iota // fail with EIO if a page lies, or stays, where the policy forbids it
	Move                          // move the pages that only this process maps
	MoveAll                       // move shared ones too; needs CAP_SYS_NICE
)

// A Placement says where each page of a range lies.
type Placement struct {
	PageBytes int
	Nodes     []int32 // by page: a node ID, or minus the errno that move_pages gives
}

// NotPresent stands in a [Placement] for a page that no node holds: it was never
// touched, is swapped out, or is the shared page of zeros that a read of untouched
// memory finds.
const NotPresent = -2 // -ENOENT

// On returns how many pages lie on the node.
func (p Placement) On(node int) int {
	n := 0
	for _, at := range p.Nodes {
		if int(at) == node {
			n++
		}
	}
	return n
}

// Present returns how many pages lie on any node.
func (p Placement) Present() int {
	n := 0
	for _, at := range p.Nodes {
		if at >= 0 {
			n++
		}
	}
	return n
}

// Count returns the number of pages on each node that has any.
func (p Placement) Count() map[int]int {
	count := map[int]int{}
	for _, at := range p.Nodes {
		if at >= 0 {
			count[int(at)]++
		}
	}
	return count
}
