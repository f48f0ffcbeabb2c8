package doctor

import (
	"fmt"
	"strings"

	"numasched/topology"
)

// nodes says whether locality can matter here at all. It takes two nodes with CPUs that
// are allowed.
func (s System) nodes() Check {
	t := s.Topology
	c := Check{Name: "NUMA", Status: OK}
	withCPUs, usable := t.NodesWith(topology.HasCPUs), t.NodesWith(topology.MayRun)
	one := func(why string) Check {
		c.Status = Note
		c.Seen = "one node: locality cannot matter here, only overhead can be measured" + why
		c.Mend = "pretend nodes with experiments run --topology synthetic:2x4, simulate with experiments sim, or boot a virtual machine with scripts/numalab.sh"
		return c
	}
	switch {
	case len(t.Nodes) == 1:
		return one("")
	case withCPUs.Len() <= 1:
		return one(fmt.Sprintf(" (of %d nodes, node %v alone has CPUs)", len(t.Nodes), withCPUs))
	case usable.Len() <= 1:
		return one(fmt.Sprintf(" (of %d nodes with CPUs, node %v alone has CPUs that are allowed)", withCPUs.Len(), usable))
	}
	about := []string{fmt.Sprintf("%d nodes", len(t.Nodes))}
	memory := t.NodesWith(topology.HasMemory)
	if without := withCPUs.AndNot(memory); !without.Empty() {
		c.Status = Note
		about = append(about, fmt.Sprintf("%s without memory: pages that its CPUs touch first lie on other nodes", numbers("node", without)))
	}
	if without := memory.AndNot(withCPUs); !without.Empty() {
		about = append(about, fmt.Sprintf("%s without CPUs", numbers("node", without)))
	}
	if without := t.NodesWith(0).AndNot(withCPUs.Or(memory)); !without.Empty() {
		about = append(about, fmt.Sprintf("%s with neither CPUs nor memory", numbers("node", without)))
	}
	c.Seen = strings.Join(about, ", ")
	return c
}

// numbers is "node 1" and "nodes 1,3".
func numbers(what string, set topology.CPUSet) string {
	if set.Len() != 1 {
		what += "s"
	}
	return what + " " + set.String()
}

// balancing: the kernel moves pages and threads by its own rules, and makes them
// fault to find out where they belong. Memory with an explicit policy is exempt.
func (s System) balancing() Check {
	c := Check{Name: "NUMA balancing", Status: OK, Seen: "off"}
	switch v := s.text("proc/sys/kernel/numa_balancing"); {
	case v == "":
		c.Seen = "not in this kernel"
	case v != "0" && len(s.Topology.Nodes) == 1:
		c.Status, c.Seen = Note, "on, without effect on one node"
	case v != "0":
		c.Status, c.Seen, c.Mend = Warn, "on: the kernel moves pages and threads while we measure", "sysctl kernel.numa_balancing=0"
	}
	return c
}
