package scenario

import (
	"slices"
	"strings"

	"numasched/experiments/spell"
	"numasched/sched/sim"
	"numasched/topology"
)

// Where threads are bound, what they do for each other, and which kernel they run under:
// what checks and runs have to know of these.

// place returns the CPUs that thread i of n is bound to, or begins on if it is soft. The
// empty set means any.
func (g *Group) place(topo *topology.Topology, i, n int) topology.CPUSet {
	switch {
	case len(g.Nodes) > 0:
		return topo.Nodes[g.Nodes[i*len(g.Nodes)/n]].CPUs
	case len(g.L3s) > 0:
		return topo.L3[g.L3s[i*len(g.L3s)/n]].CPUs
	case len(g.CPUs) > 0:
		cpu := g.CPUs[i*len(g.CPUs)/n]
		return topology.CPURange(cpu, cpu+1)
	}
	return topology.CPUSet{}
}

// places checks where the n threads of a group are bound in a variant. at is the group.
func (c *checker) places(at path, g *Group, n int, v *Variant) error {
	lists := 0
	for _, l := range []struct {
		name string
		list []int
	}{{"nodes", g.Nodes}, {"l3s", g.L3s}, {"cpus", g.CPUs}} {
		if len(l.list) > 0 {
			lists++
		}
		if len(l.list) > n {
			return c.bad(at.to(l.name), "%d %s for %d of threads %q: want at most one for each", len(l.list), l.name, n, g.Name)
		}
	}
	switch {
	case lists > 1:
		return c.bad(at, "threads %q have %d of nodes, l3s and cpus: want one of them", g.Name, lists)
	case g.Soft && lists == 0:
		return c.bad(at.to("soft"), "threads %q are soft: want nodes, l3s or cpus, where they begin", g.Name)
	case g.Soft && v.Policy.Kernel != "linux-6.4":
		return c.bad(at.to("soft"), "threads %q are soft, and the kernel of variant %q is %q: want \"linux-6.4\"", g.Name, v.Name, v.Policy.Kernel)
	}
	return nil
}

// l3s checks a list of L3s, by position.
func (c *checker) l3s(at path, list []int) error {
	for i, n := range list {
		if len(c.topo.L3) == 0 {
			return c.bad(at.to(i), "L3 %d: the machine lists no L3s: want nodes or cpus", n)
		}
		if n < 0 || n >= len(c.topo.L3) {
			return c.bad(at.to(i), "L3 %d: want 0 to %d", n, len(c.topo.L3)-1)
		}
	}
	return nil
}

// cpus checks a list of CPUs, by the kernel's number.
func (c *checker) cpus(at path, list []int) error {
	for i, n := range list {
		if n < 0 || !c.topo.Online.Contains(n) {
			return c.bad(at.to(i), "CPU %d: want one of %v", n, c.topo.Online)
		}
	}
	return nil
}

func (c *checker) queue(at path, q *Queue) error {
	return first(c.fresh(at, "queue", q.Name, c.queues), c.oneOf(at.to("scope"), q.Scope, "machine", "node", "l3"),
		c.atMost(at.to("items"), int64(q.Items), mostItems))
}

// queuesWork checks that something is put into each queue, and taken.
func (c *checker) queuesWork() error {
	for i, q := range c.s.Queues {
		put, take := q.Items > 0, false
		for _, g := range c.s.Threads {
			for _, p := range g.Phases {
				put, take = put || p.Put == q.Name, take || p.Take == q.Name
			}
		}
		if !put || !take {
			return c.bad(path{"queues", i}, "queue %q: want a phase that puts something there, and one that takes it", q.Name)
		}
	}
	return nil
}

// kernel checks a policy's kernel, and that nothing contradicts it.
func (c *checker) kernel(at path, p *Policy) error {
	if p.Kernel == "" {
		if p.NUMABalancing {
			return c.bad(at.to("numa_balancing"), "numa_balancing without a kernel: want a kernel, or numa_balancing_ms")
		}
		return nil
	}
	if names := sim.KernelNames(); !slices.Contains(names, p.Kernel) {
		hint := ""
		if near := spell.Closest(p.Kernel, names); near != "" {
			hint = " (did you mean \"" + near + "\"?)"
		}
		return c.bad(at.to("kernel"), "unknown kernel %q%s: want one of %s", p.Kernel, hint, quoted(names))
	}
	own := *p
	own.Kernel, own.NUMABalancing = "", false
	if own != (Policy{}) {
		return c.bad(at, "a kernel and fields that it decides itself: want kernel and numa_balancing alone, or no kernel")
	}
	if p.NUMABalancing && !sim.KernelHasBalancing(p.Kernel) {
		return c.bad(at.to("numa_balancing"), "kernel %q has no NUMA balancing: want none", p.Kernel)
	}
	return nil
}

// quoted lists names that contain commas.
func quoted(names []string) string { return `"` + strings.Join(names, `", "`) + `"` }

// rate checks that a published row is a time or a rate, and that there is what it counts.
func (c *checker) rate(at path, m *Measured) error {
	switch {
	case m.GBps < 0:
		return c.bad(at.to("GBps"), "GBps %v: want 0 or more", m.GBps)
	case m.Seconds == 0 && m.GBps == 0:
		return c.bad(at.to("seconds"), "seconds 0: want a time above 0")
	case m.Seconds > 0 && m.GBps > 0:
		return c.bad(at, "seconds and GBps: want one of them")
	case m.GBps > 0 && m.What != "":
		return c.bad(at.to("what"), "GBps and what: want what with seconds only")
	}
	for _, g := range c.s.Threads {
		if m.GBps > 0 && g.Measured && g.Counted > 0 {
			return nil
		}
	}
	if m.GBps > 0 {
		return c.bad(at.to("GBps"), "GBps without counted_bytes: want measured threads that have them")
	}
	return nil
}
