package sim

import "slices"

// How CPUs take threads from each other under the completely fair scheduler. From
// kernel/sched/fair.c and kernel/sched/topology.c of Linux 3.6 and 6.4, and
// Documentation/scheduler/sched-domains:
//
//   - Each CPU has domains, one in another: the threads of its core, the cores under its
//     L3, its node, and the nodes up to each distance. A domain consists of groups, which
//     are the domains below.
//   - A CPU that runs out of threads looks in all its domains at once, unless it has been
//     idle for less than half a millisecond on average. An idle one looks
//     in each as often as the domain has CPUs, in milliseconds; one that has threads, 16
//     times more seldom (32 in 3.6). Of a group's CPUs, an idle one looks for all.
//   - 6.4: A group is overloaded if it has more threads than CPUs and is used by more than
//     100/117. If the busiest other group is overloaded and the own one is not, one thread
//     is taken. If both are, the other must have 17 % more for each CPU. If neither is,
//     only an idle CPU takes one: if its group has two more idle CPUs or, within a node,
//     two fewer threads.
//   - 3.6: The other group must have 25 % more threads for each CPU. An idle CPU takes
//     none from a group that has no more threads than CPUs and as many idle ones.
//   - Only threads that wait are taken, from the CPU that has the most. One that had a CPU
//     within half a millisecond stays, but between the threads of a core.
//   - If nothing could be taken again and again (4 times within an L3, 5 between nodes),
//     the thread that runs there is moved, and a hot one goes one time earlier.
//   - With NUMA balancing, threads that wait on the node that they prefer stay there if
//     others do not prefer it; those that prefer the taker's node go though they are hot.
//     An idle CPU does not ask where the other pages are.
type domain struct {
	cpus   []int32
	groups [][]int32
	numa   bool // its groups are on several nodes
	smt    bool
	tries  int // cache_nice_tries
	next   Time
	failed int
}

// findDomains finds the domains of all CPUs.
func (p *cfs) findDomains() {
	p.domains = make([][]*domain, len(p.cpus))
	for _, cpu := range p.online {
		i := &p.cpus[cpu]
		spans := [][]int32{{cpu}}
		add := func(cpus []int32, groups [][]int32, d domain) {
			if len(cpus) > len(spans[len(spans)-1]) {
				spans = append(spans, cpus)
				d.cpus, d.groups = cpus, groups
				p.domains[cpu] = append(p.domains[cpu], &d)
			}
		}
		core := p.cores[i.core].cpus
		add(core, each(core), domain{smt: true})
		var cores [][]int32
		for _, c := range p.l3s[i.l3].cores {
			cores = append(cores, p.cores[c].cpus)
		}
		add(p.l3s[i.l3].cpus, cores, domain{tries: 1})
		add(p.nodes[i.node].cpus, p.groupsOf(i.node), domain{tries: 1})
		// Nodes up to each distance. A group is what is near its first node.
		id := p.nodes[i.node].id
		var far []int
		for n := range p.nodes {
			if d := p.topo.Distance(id, p.nodes[n].id); !slices.Contains(far, d) && int32(n) != i.node {
				far = append(far, d)
			}
		}
		slices.Sort(far)
		below := p.topo.Distance(id, id)
		for _, d := range far {
			within := func(from int32, most int) (cpus []int32) {
				for _, n := range p.nodes[from].near {
					if n == from || p.topo.Distance(p.nodes[from].id, p.nodes[n].id) <= most {
						cpus = append(cpus, p.nodes[n].cpus...)
					}
				}
				return cpus
			}
			all := within(i.node, d)
			var groups [][]int32
			covered := map[int32]bool{}
			for _, v := range all {
				if !covered[v] {
					g := slices.DeleteFunc(within(p.cpus[v].node, below), func(c int32) bool { return covered[c] || !slices.Contains(all, c) })
					for _, c := range g {
						covered[c] = true
					}
					groups = append(groups, g)
				}
			}
			add(all, groups, domain{numa: true, tries: 2})
			below = d
		}
	}
}

// each returns a group for every CPU.
func each(cpus []int32) (groups [][]int32) {
	for i := range cpus {
		groups = append(groups, cpus[i:i+1])
	}
	return groups
}

// groupsOf returns the CPUs under each L3 of a node.
func (k *Machine) groupsOf(node int32) (groups [][]int32) {
	for g := range k.l3s {
		if k.l3s[g].node == node {
			groups = append(groups, k.l3s[g].cpus)
		}
	}
	return groups
}

// crowd is what balancing knows of a group.
type crowd struct {
	cpus          []int32
	running, idle int
	used          int
	kind          int // 0: CPUs to spare, 1: all busy, 2: overloaded
}

// load is how many threads there are for each CPU, in thousandths.
func (c *crowd) load() int { return c.running * 1000 / len(c.cpus) }

func (p *cfs) crowd(cpus []int32, pct int) crowd {
	c := crowd{cpus: cpus}
	for _, v := range cpus {
		n := p.length(v)
		c.running += n
		c.used += int(p.used[v])
		if n == 0 {
			c.idle++
		}
	}
	room := cfsFull * len(cpus) * 100
	switch {
	case c.running > len(cpus) && room < c.used*pct:
		c.kind = 2
	case c.running < len(cpus) || room > c.used*pct:
	default:
		c.kind = 1
	}
	return c
}

// How a CPU comes to look for threads.
type looking uint8

const (
	notIdle looking = iota
	idling
	newlyIdle
)

// pull takes a thread for a CPU that has just run out of threads.
func (p *cfs) pull(cpu int32) *thread {
	if p.idles[cpu] < cfsHot {
		return nil
	}
	any := slices.ContainsFunc(p.kernel.waiting, func(t *thread) bool { return t.allowed.has(cpu) })
	for _, d := range p.domains[cpu] {
		if !any && d.failed == 0 {
			continue // take would find nothing, and has nothing to forget
		}
		if t := p.take(d, cpu, newlyIdle); t != nil {
			return t
		}
	}
	return nil
}

// balance looks in the domains of a CPU that it is time for.
func (p *cfs) balance(cpu int32, now Time) {
	for _, d := range p.domains[cpu] {
		if now < d.next {
			continue
		}
		pause, how := Time(len(d.cpus))*Millisecond, idling
		if !p.idleCPU(cpu) {
			pause *= p.v.busyFactor
			how = notIdle
		}
		d.next = now + pause
		if !p.looksFor(d, cpu) {
			continue
		}
		if t := p.take(d, cpu, how); t != nil {
			p.give(t, cpu)
		}
	}
}

// looksFor reports whether a CPU looks for threads for all of its group: the first idle
// one does, or the first.
func (p *cfs) looksFor(d *domain, cpu int32) bool {
	for _, g := range d.groups {
		if !slices.Contains(g, cpu) {
			continue
		}
		for _, v := range g {
			if p.idleCPU(v) {
				return v == cpu
			}
		}
		return g[0] == cpu
	}
	return false
}

// take takes a thread that waits in a domain for a CPU, or nil. If that fails too often,
// it has a running one move there.
func (p *cfs) take(d *domain, cpu int32, how looking) *thread {
	pct := p.v.pct
	if d.smt {
		pct = 110
	}
	var own, top crowd
	for _, g := range d.groups {
		c := p.crowd(g, pct)
		if slices.Contains(g, cpu) {
			own = c
		} else if top.cpus == nil || p.busier(&c, &top) {
			top = c
		}
	}
	if top.running == 0 || !p.unequal(d, &own, &top, how, pct) {
		d.failed = 0
		return nil
	}
	tried := map[int32]bool{}
	for {
		from := int32(-1)
		for _, v := range top.cpus {
			if !tried[v] && p.length(v) > 0 && (from < 0 || p.length(v) > p.length(from)) {
				from = v
			}
		}
		if from < 0 || p.length(from) < 2 {
			break
		}
		bound := true
		for _, t := range p.kernel.cpus[from].queue {
			if !t.allowed.has(cpu) {
				continue
			}
			bound = false
			if p.mayGo(d, t, cpu, how) {
				d.failed = 0
				p.unqueue(t)
				p.arrive(t, cpu)
				return t
			}
		}
		if !bound {
			break
		}
		tried[from] = true
	}
	if how == newlyIdle {
		return nil
	}
	if d.failed++; d.failed > d.tries+2 {
		for _, v := range top.cpus {
			if t := p.kernel.cpus[v].cur; t != nil && !tried[v] && p.length(v) > 1 && t.allowed.has(cpu) && t.os.moveTo == 0 {
				p.arrive(t, cpu)
				p.move(t, cpu)
				d.failed = d.tries + 1
				break
			}
		}
	}
	return nil
}

// busier reports whether a is busier than b.
func (p *cfs) busier(a, b *crowd) bool {
	switch {
	case p.v.loads:
		return a.load() > b.load()
	case a.kind != b.kind:
		return a.kind > b.kind
	case a.kind > 0:
		return a.load() > b.load()
	case a.idle != b.idle:
		return a.idle < b.idle
	}
	return a.running > b.running
}

// unequal reports whether a group has so much more than the own one that a CPU takes
// threads from it.
func (p *cfs) unequal(d *domain, own, top *crowd, how looking, pct int) bool {
	if p.v.loads {
		switch {
		case top.load() <= own.load():
			return false
		case how == newlyIdle && own.running < len(own.cpus) && top.running > len(top.cpus):
			return true
		case how != notIdle && own.idle <= top.idle+1 && top.running <= len(top.cpus):
			return false
		}
		return top.load()*100 > pct*own.load()
	}
	switch {
	case own.kind > top.kind:
		return false
	case own.kind == 2:
		return top.load()*100 > pct*own.load()
	case !d.numa && !d.smt && own.kind == 0 && top.running > own.running+1:
		return true
	case top.kind == 2:
		return true
	case how == notIdle || len(top.cpus) > 1 && own.idle <= top.idle+1 || top.running == 1:
		return false
	case d.numa:
		return p.tolerated(own.idle-top.idle, own.running+1, p.cpus[own.cpus[0]].node) >= 2
	}
	return own.idle-top.idle >= 2 || len(top.cpus) == 1 && top.running > own.running
}

// mayGo reports whether t, which waits, may be taken to a CPU.
func (p *cfs) mayGo(d *domain, t *thread, to int32, how looking) bool {
	if d.failed > d.tries {
		return true
	}
	if p.prefers != nil && d.numa {
		switch p.prefers.asks(t, to, how) {
		case better:
			return true
		case worse:
			return false
		}
	}
	return d.smt || p.now-t.since >= cfsHot
}
