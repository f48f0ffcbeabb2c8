package sim

// E. Focht's pooling NUMA scheduler, patches for Linux 2.5.39 on top of policy_o1.go
// (01-numa_sched_core and 02-numa_sched_ilb, -10, October 2002). A pool is a node's CPUs.
// Its rules:
//
//   - A CPU looks at its own pool first. Another CPU there must have about a quarter
//     more.
//   - If there is none, it looks for the pool with the most threads for each CPU. That
//     must have more than one, and at least half a thread more than its own. When a CPU
//     first sees such a pool, it waits: 1 ms if its own pool has at least half a thread
//     less than the average, else 20 ms. If it is still the same pool then, it takes a
//     thread from the longest queue there.
//   - One thread is taken at a time, the one that has waited longest.
//   - exec goes to the node with the fewest threads for each CPU, and there to the CPU
//     with the fewest. Of equal nodes it is the next one after the last that was chosen.
type pooled struct {
	oneAtATime
	extra  func(cpu, node int32) int // what counts on a CPU beside its threads, as a CPU of node sees it
	wants  []int32                   // by CPU: the pool that it has seen, plus 1
	since  []Time
	chosen int32 // node by the last exec
}

// Delays before a CPU takes a thread from another pool.
const (
	poolDelayIdle = 1 * Millisecond
	poolDelayBusy = 20 * Millisecond
)

func newPooled(k *Machine, _ OSPolicy) osPolicy {
	p := &o1{busy: o1Patch}
	r := newPools(p, len(k.cpus))
	p.init(k, r)
	return p
}

func newPools(p *o1, cpus int) *pooled {
	return &pooled{oneAtATime: oneAtATime{blind{p}}, extra: func(int32, int32) int { return 0 }, wants: make([]int32, cpus), since: make([]Time, cpus)}
}

func (p *pooled) exec(t *thread) int32 {
	n := int32(len(p.nodes))
	best, least := int32(-1), 0
	for i := range n {
		node := (p.chosen + 1 + i) % n
		if len(p.nodes[node].cpus) == 0 {
			continue
		}
		if load := p.load(node); best < 0 || load < least {
			best, least = node, load
		}
	}
	p.chosen = best
	return p.shortest(best)
}

// shortest returns the CPU of a node with the fewest threads.
func (p *pooled) shortest(node int32) int32 {
	cpu := p.nodes[node].cpus[0]
	for _, v := range p.nodes[node].cpus {
		if p.length(v) < p.length(cpu) {
			cpu = v
		}
	}
	return cpu
}

// pool returns how many hundredths of a thread a pool has for each CPU, the CPU with the
// most, and how many that has.
func (p *pooled) pool(node, cpu int32, idle bool) (load int, at int32, most int) {
	at, most = -1, -1
	own := p.cpus[cpu].node
	for _, v := range p.nodes[node].cpus {
		n := p.queue(v, cpu, idle)
		if node != own {
			n += p.extra(v, own)
		}
		if load += n; n > most {
			at, most = v, n
		}
	}
	return load * 100 / max(1, len(p.nodes[node].cpus)), at, most
}

// even reports whether a queue of m threads is not worth taking from for one of t.
func (p *pooled) even(m, t int) bool { return m <= 1 || (m-t)/2 < ((m+t)/2+3)/4 }

func (p *pooled) busiest(cpu int32, idle bool) (int32, int) {
	length, own := p.own(cpu, idle), p.cpus[cpu].node
	load, at, most := p.pool(own, cpu, idle)
	if at == cpu || p.even(most, length) {
		if at, most = p.elsewhere(own, cpu, load, idle); at < 0 || p.even(most, length) {
			return -1, 0
		}
	}
	p.wants[cpu] = 0
	if p.length(at) <= p.length(cpu)+1 {
		return -1, 0
	}
	return at, 1
}

// elsewhere returns the busiest CPU of the busiest of the other pools if cpu has waited
// for it long enough, or -1.
func (p *pooled) elsewhere(own, cpu int32, load int, idle bool) (at int32, most int) {
	n := int32(len(p.nodes))
	at, top, pool := -1, load, own
	all := load * len(p.nodes[own].cpus)
	for i := int32(1); i < n; i++ {
		node := (own + i) % n
		l, v, m := p.pool(node, cpu, idle)
		if all += l * len(p.nodes[node].cpus); l > top {
			at, most, top, pool = v, m, l, node
		}
	}
	if at < 0 || top <= 100 || top-load < 50 {
		p.wants[cpu] = 0
		return -1, 0
	}
	delay := Time(poolDelayIdle)
	if all/len(p.online)-load < 50 {
		delay = poolDelayBusy
	}
	if p.wants[cpu] != pool+1 {
		p.wants[cpu], p.since[cpu] = pool+1, p.now
		return -1, 0
	}
	if p.now-p.since[cpu] < delay {
		return -1, 0
	}
	return at, most
}
