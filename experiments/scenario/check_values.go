package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"numasched/experiments/spell"
	"numasched/sched/sim"
	"numasched/topology"
)

// What is checked of single values: names, numbers, times, nodes and homes.

// fewer checks that a list of nodes is no longer than the threads that share it.
func (c *checker) fewer(at path, nodes, threads int, group string) error {
	if nodes > threads {
		return c.bad(at, "%d nodes for %d of threads %q: want at most one for each", nodes, threads, group)
	}
	return nil
}

// fresh checks that there is a name, and that nothing else has it.
func (c *checker) fresh(at path, kind, name string, taken map[string]bool) error {
	switch {
	case name == "":
		return c.bad(at, "%s without a name: want one", kind)
	case taken[name]:
		return c.bad(at, "%s %q: there is already one of that name", kind, name)
	}
	taken[name] = true
	return nil
}

// known checks that something has a name.
func (c *checker) known(at path, kind, name string, there map[string]bool) error {
	if there[name] {
		return nil
	}
	if len(there) == 0 {
		return c.bad(at, "unknown %s %q: there are none", kind, name)
	}
	return c.unknown(at, kind, name, slices.Sorted(maps.Keys(there)))
}

// unknown is the error for a name that is not one of the valid ones.
func (c *checker) unknown(at path, kind, name string, valid []string) error {
	hint := ""
	if near := spell.Closest(name, valid); near != "" {
		hint = fmt.Sprintf(" (did you mean %q?)", near)
	}
	return c.bad(at, "unknown %s %q%s: want one of %s", kind, name, hint, strings.Join(valid, ", "))
}

// oneOf checks that a word is one of several. No word means the first.
func (c *checker) oneOf(at path, word string, want ...string) error {
	if word == "" || slices.Contains(want, word) {
		return nil
	}
	last := len(want) - 1
	return c.bad(at, "%v %q: want %s or %s", at[len(at)-1], word, strings.Join(want[:last], ", "), want[last])
}

// atMost checks that a number is from 0 to most.
func (c *checker) atMost(at path, n, most int64) error {
	if n < 0 || n > most {
		return c.bad(at, "%v %d: want 0 to %d", at[len(at)-1], n, most)
	}
	return nil
}

// time checks a time. second is how many of its unit make a second.
func (c *checker) time(at path, t sim.Milli, second int64) error {
	if t < 0 {
		return c.bad(at, "%v %v: want 0 or more", at[len(at)-1], t)
	}
	if t/sim.Milli(second) > longest {
		return c.bad(at, "%v %v: want at most a day", at[len(at)-1], t)
	}
	return nil
}

// nodes checks that a list has positions of nodes that have CPUs.
func (c *checker) nodes(at path, list []int) error {
	for i, n := range list {
		if n < 0 || n >= len(c.topo.Nodes) {
			return c.bad(at.to(i), "node %d: want 0 to %d", n, len(c.topo.Nodes)-1)
		}
		if c.topo.Nodes[n].CPUs.Empty() {
			return c.bad(at.to(i), "node %d has no CPUs: want one that has", n)
		}
	}
	return nil
}

// home checks the home of a buffer that has a scope.
func (c *checker) home(at path, s, scope string) error {
	p, err := parseHome(s, len(c.topo.Nodes))
	if err == nil && p.spread && scope != "thread" {
		err = fmt.Errorf("home %q: want a buffer of scope thread to spread, or interleave", s)
	}
	for _, n := range p.nodes {
		if err == nil && !c.topo.Has(c.topo.Nodes[n].ID, topology.HasMemory) {
			err = fmt.Errorf("node %d has no memory: want one that has", n)
		}
	}
	if err != nil {
		return c.bad(at, "%v", err)
	}
	return nil
}
