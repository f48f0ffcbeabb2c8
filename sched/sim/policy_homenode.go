package sim

// E. Focht's node affine scheduler, patches for Linux 2.5.39 on top of policy_pooled.go
// (03-node_affine, 04-alloc_on_homenode and 05-dynamic_homenode, -10, October 2002; the
// dynamic ones exclude 04). Its rules:
//
//   - exec gives a program the node that it goes to as its home. Children inherit it.
//   - A thread that is at home on the taker's node counts twice in the queues of other
//     nodes.
//   - Of the threads that wait, one that is at home with the taker goes before all others,
//     and one that is at home where it waits does not go to another node.
//   - A CPU whose only thread is at home elsewhere sends it there if there are threads
//     that are not at home there: to a CPU that has none of its own.
//   - With static homes, a thread's pages are allocated at home, wherever it runs.
//   - With dynamic homes, they are allocated where it runs, and its home is the node that
//     most of them are on. This is looked at when somebody is about to take the thread.
//     Children inherit what their parent has allocated.
type homeNode struct {
	pooled
	dynamic bool
}

const heaviestWait = 100 // MAX_CACHE_WEIGHT

func newStaticHome(k *Machine, _ OSPolicy) osPolicy  { return newHomeNode(k, false) }
func newDynamicHome(k *Machine, _ OSPolicy) osPolicy { return newHomeNode(k, true) }

func newHomeNode(k *Machine, dynamic bool) osPolicy {
	p := &o1{busy: o1Patch, looks: true}
	r := &homeNode{*newPools(p, len(k.cpus)), dynamic}
	r.extra = r.natives
	p.init(k, r)
	return p
}

// home returns t's home, by position, plus 1. Children have it from their parent.
func (p *homeNode) home(t *thread) int32 {
	if t.os.home == 0 {
		if parent := t.plain.parent; parent != nil {
			t.os.home = p.home(parent.t)
		}
	}
	return t.os.home
}

func (p *homeNode) exec(t *thread) int32 {
	if t.os.home > 0 { // the program says so
		return p.shortest(t.os.home - 1)
	}
	cpu := p.pooled.exec(t)
	t.os.home = p.cpus[cpu].node + 1
	return cpu
}

// natives returns how many threads on a CPU are at home on a node.
func (p *homeNode) natives(cpu, node int32) (n int) {
	c := &p.kernel.cpus[cpu]
	if c.cur != nil && p.home(c.cur) == node+1 {
		n++
	}
	for _, t := range c.queue {
		if p.home(t) == node+1 {
			n++
		}
	}
	return n
}

func (p *homeNode) choice(from, to int32) *thread {
	return p.heaviest(from, func(t *thread) int64 {
		w := min(p.waited(t, to), heaviestWait-1)
		if w == 0 {
			return 0
		}
		if p.dynamic {
			p.follow(t)
		}
		if p.home(t) == p.cpus[to].node+1 {
			w += heaviestWait
		}
		if p.home(t) == p.cpus[from].node+1 {
			w -= heaviestWait
		}
		return w
	})
}

func (p *homeNode) allocate(t *thread, node int32, bytes int64) int32 {
	if home := p.home(t) - 1; !p.dynamic && home >= 0 && p.nodes[home].memory {
		return home
	}
	p.counts(t)[node] += bytes
	return node
}

// counts returns what t has allocated, by node.
func (p *homeNode) counts(t *thread) []int64 {
	if t.os.pages == nil {
		t.os.pages = make([]int64, len(p.nodes))
		if parent := t.plain.parent; parent != nil {
			copy(t.os.pages, p.counts(parent.t))
		}
	}
	return t.os.pages
}

// follow makes the node that most of t's pages are on its home.
func (p *homeNode) follow(t *thread) {
	pages := p.counts(t)
	for n, bytes := range pages {
		if h := p.home(t); h == 0 || bytes > pages[h-1] {
			t.os.home = int32(n) + 1
		}
	}
}

func (p *homeNode) settled(cpu int32) {
	t := p.kernel.cpus[cpu].cur
	if t == nil || p.length(cpu) != 1 {
		return
	}
	home := p.home(t) - 1
	if home < 0 || home == p.cpus[cpu].node {
		return
	}
	to, natives, all := int32(-1), 0, 0
	for _, v := range p.nodes[home].cpus {
		n := p.natives(v, home)
		natives += n
		all += p.length(v)
		if n == 0 && to < 0 && t.allowed.has(v) {
			to = v
		}
	}
	if to >= 0 && all > natives {
		p.move(t, to)
	}
}
