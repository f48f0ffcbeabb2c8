package scenario

import (
	"strconv"
	"strings"

	"numasched/sched/sim"
)

// What is checked of variants, and of the threads that each of them has.

func (c *checker) variant(at path, v *Variant) error {
	p, pat := &v.Policy, at.to("policy")
	if err := first(
		c.oneOf(pat.to("start"), p.Start, "spread", "exec", "parent"),
		c.oneOf(pat.to("wake"), p.Wake, "idle", "last"),
		c.oneOf(pat.to("home"), p.Home, "none", "static", "dynamic"),
		c.atMost(pat.to("batch"), int64(p.Batch), mostItems)); err != nil {
		return err
	}
	for _, x := range []struct {
		field string
		time  sim.Milli
	}{{"tick_ms", p.TickMs}, {"hot_ms", p.HotMs}, {"remote_delay_ms", p.RemoteDelayMs}, {"balance_ms", p.BalanceMs},
		{"follow_ms", p.FollowMs}, {"numa_balancing_ms", p.NUMABalancingMs}} {
		if err := c.time(pat.to(x.field), x.time, 1e3); err != nil {
			return err
		}
		if x.time > 0 && x.time < 100 {
			return c.bad(pat.to(x.field), "%s %v: want 0 or at least 0.1", x.field, x.time)
		}
	}
	if err := c.kernel(pat, p); err != nil {
		return err
	}
	if p.Batch > 0 && p.BalanceMs == 0 {
		return c.bad(pat.to("batch"), "batch without balance_ms: want how often queues are evened out")
	}
	if p.FollowMs > 0 && p.Home != "dynamic" {
		return c.bad(pat.to("follow_ms"), "follow_ms without a home that is dynamic: want \"home\": \"dynamic\"")
	}
	if m := v.Measured; m != nil {
		at := at.to("measured")
		if err := first(c.oneOf(at.to("what"), m.What, "elapsed", "user", "last"), c.time(at.to("seconds"), m.Seconds, 1)); err != nil {
			return err
		}
		if err := c.rate(at, m); err != nil {
			return err
		}
		if m.Fitted && c.s.Fitted == "" {
			return c.bad(at.to("fitted"), "a fitted row in a scenario without fitted: want there which constants were fitted, on which rows")
		}
		if m.Fitted && c.s.Constants == 0 {
			return c.bad(at.to("fitted"), "a fitted row in a scenario without fitted_constants: want there how many constants were fitted")
		}
	}
	seen := map[string]bool{}
	for i := range v.Set {
		at, x := at.to("set", i), &v.Set[i]
		if err := c.set(at, x); err != nil {
			return err
		}
		for _, name := range []string{"threads " + strconv.Quote(x.Threads), "buffer " + strconv.Quote(x.Buffer), "queue " + strconv.Quote(x.Queue)} {
			if seen[name] && !strings.HasSuffix(name, ` ""`) {
				return c.bad(at, "%s: set twice by one variant: want it once", name)
			}
			seen[name] = true
		}
	}
	return c.threads(at, v)
}

// set checks one change that a variant makes.
func (c *checker) set(at path, x *Set) error {
	switch {
	case x.Threads == "" && x.Buffer == "" && x.Queue == "":
		return c.bad(at, "want threads, a buffer or a queue that is changed")
	case x.Threads == "" && x.changes():
		return c.bad(at, "count, times, nodes, l3s, cpus, soft or home without threads: want the threads that they are of")
	case x.Buffer == "" && (x.At != "" || x.Bytes != 0):
		return c.bad(at, "at or bytes without a buffer: want the buffer that is there")
	case x.Queue == "" && x.Scope != "":
		return c.bad(at, "scope without a queue: want the queue that has it")
	case x.Threads != "" && !x.changes():
		return c.bad(at, "threads %q are not changed: want count, times, nodes, l3s, cpus, soft or home", x.Threads)
	case x.Buffer != "" && x.At == "" && x.Bytes == 0:
		return c.bad(at, "buffer %q is not changed: want at, where it is, or bytes", x.Buffer)
	case x.Queue != "" && x.Scope == "":
		return c.bad(at, "queue %q is not changed: want its scope", x.Queue)
	}
	errs := []error{c.atMost(at.to("bytes"), x.Bytes, mostBytes), c.atMost(at.to("counted_bytes"), x.Counted, mostBytes), c.l3s(at.to("l3s"), x.L3s), c.cpus(at.to("cpus"), x.CPUs), c.oneOf(at.to("scope"), x.Scope, "machine", "node", "l3")}
	if x.Queue != "" {
		errs = append(errs, c.known(at.to("queue"), "queue", x.Queue, c.queues))
	}
	if x.Threads != "" {
		errs = append(errs, c.known(at.to("threads"), "threads", x.Threads, c.groups))
	}
	if x.Buffer != "" {
		errs = append(errs, c.known(at.to("buffer"), "buffer", x.Buffer, c.buffers))
	}
	for _, g := range c.s.Threads {
		if g.Name == x.Threads && g.PerCPU && (x.Count != 0 || x.Nodes != nil || x.L3s != nil || x.CPUs != nil) {
			errs = append(errs, c.bad(at, "threads %q are per_cpu: want neither count nor nodes, l3s or cpus", g.Name))
		}
	}
	for _, g := range c.s.Threads {
		if g.Name == x.Threads && x.Times != 0 && g.Times == 0 {
			errs = append(errs, c.bad(at.to("times"), "threads %q go on until all measured threads have ended: want no times", g.Name))
		}
		if g.Name == x.Threads && x.Times > mostPhases/int64(max(x.Count, g.Count)*len(g.Phases)) {
			errs = append(errs, c.bad(at.to("times"), "times %d: want at most %d for %d threads with %d phases", x.Times, mostPhases/int64(max(x.Count, g.Count)*len(g.Phases)), max(x.Count, g.Count), len(g.Phases)))
		}
	}
	return first(append(errs, c.atMost(at.to("count"), int64(x.Count), mostItems), c.atMost(at.to("times"), x.Times, mostPhases), c.nodes(at.to("nodes"), x.Nodes),
		c.nodes(at.to("home"), x.Home), c.home(at.to("at"), x.At, c.scope(x.Buffer)))...)
}

// scope returns the scope of a buffer, or "" if there is no such buffer.
func (c *checker) scope(buffer string) string {
	for _, b := range c.s.Buffers {
		if b.Name == buffer {
			return b.Scope
		}
	}
	return ""
}

// threads checks that the threads of a variant are not too many, that every node of
// a list serves at least one of them, and that the policy knows their homes. at is
// the variant; nil is that of a scenario that lists none.
func (c *checker) threads(at path, v *Variant) error {
	total, blocks := 0, int64(0)
	for gi, base := range c.s.Threads {
		g := v.apply(base)
		n := g.Count
		if g.PerCPU {
			n = c.topo.Online.Len()
		}
		if total += n; total > mostItems {
			return c.bad(at, "%d threads and more: want at most %d", total, mostItems)
		}
		group := path{"threads", gi}
		if g.Forked && n < 2 {
			return c.bad(group.to("forked"), "threads %q are forked, and variant %q has one of them: want two or more", g.Name, v.Name)
		}
		// Who says something: the variant, or the group itself.
		said := func(field string, by func(Set) bool) path {
			for i := range v.Set {
				if by(v.Set[i]) {
					return at.to("set", i, field)
				}
			}
			return group.to(field)
		}
		nodesAt := said("nodes", func(x Set) bool { return x.Threads == g.Name && x.Nodes != nil })
		homeAt := said("home", func(x Set) bool { return x.Threads == g.Name && x.Home != nil })
		if err := first(c.fewer(nodesAt, len(g.Nodes), n, g.Name), c.fewer(homeAt, len(g.Home), n, g.Name), c.places(group, &g, n, v)); err != nil {
			return err
		}
		if len(g.Home) > 0 && v.Policy.Home != "static" && v.Policy.Home != "dynamic" && !sim.KernelHasHomes(v.Policy.Kernel, v.Policy.NUMABalancing) {
			return c.bad(homeAt, "threads %q have a home and the policy of variant %q knows none: want \"home\": \"static\" or \"dynamic\", or a kernel with homes", g.Name, v.Name)
		}
		for bi, b := range c.s.Buffers {
			if !g.uses(b.Name) {
				continue
			}
			homeAt := path{"buffers", bi, "home"}
			for i, x := range v.Set {
				if x.Buffer == b.Name {
					b = x.apply(b)
					if x.At != "" {
						homeAt = at.to("set", i, "at")
					}
				}
			}
			copies := 1
			if b.Scope == "thread" {
				copies = n
			}
			if blocks += int64(copies) * min((b.Bytes-1)/blockBytes+1, fewBlocks); blocks > mostBlocks {
				return c.bad(path{"buffers", bi, "bytes"}, "%d buffers %q of %d bytes are too much to simulate: want less memory, or fewer threads that have their own", copies, b.Name, b.Bytes)
			}
			home, err := parseHome(b.Home, len(c.topo.Nodes))
			if err != nil {
				return c.bad(homeAt, "%v", err)
			}
			if home.spread {
				if err := c.fewer(homeAt, len(home.nodes), n, g.Name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
