package sim

// The kernel that an OSPolicy puts together from its own fields. It is no real kernel: it
// shows what each rule does by itself.
//
// A thread that has used up its time slice since it last slept is a hog. It waits behind
// threads that have not, and if one of them wakes up on its CPU, it loses the CPU.
//
// A CPU without threads looks for a thread that waits elsewhere, at every tick and when
// its last thread leaves it, and takes one. A CPU that has threads looks every
// OSPolicy.Balance. If another CPU has at least twice as many threads, it takes up to
// half of the difference. It takes hogs first, then the threads that came last. It
// leaves threads alone that had a CPU a moment ago, because their data is still in the
// caches there.
//
// Policies differ because hogs are taken first. A burst of short-lived threads
// fills all queues, with the hogs at the ends. Whenever queues are evened out, the
// hogs go elsewhere, away from their memory. When the burst is over, each hog runs
// alone on some CPU. No rule of balancing moves it again; only a home does.
type parts struct {
	*Machine
	says  OSPolicy
	wants []Time // by CPU: since when it wants threads of other nodes; 0: it does not
}

func newParts(k *Machine, p OSPolicy) osPolicy {
	if p.Tick == 0 {
		p.Tick = osTick
	}
	k.mem.scan = pageScan{fixed: true, pause: p.Scan, next: p.Scan}
	return &parts{k, p, make([]Time, len(k.cpus))}
}

func (p *parts) every() Time { return p.says.Tick }

func (p *parts) start(t *thread) int32 {
	switch {
	case p.says.Start == StartParent, p.says.Start == StartExec && t.plain.parent != nil:
		return p.parentCPU(t)
	}
	return -1
}

func (p *parts) wake(t *thread, _ int32) int32 {
	if p.says.WakeLast && t.allowed.has(t.cpu) {
		return t.cpu
	}
	return p.choose(t)
}

func (p *parts) before(t, other *thread) bool                  { return !p.hog(t) && p.hog(other) }
func (p *parts) preempts(t, cur *thread) bool                  { return p.before(t, cur) }
func (p *parts) ran(*thread)                                   {}
func (p *parts) until(_ *thread, since Time) Time              { return since + p.kernel.slice }
func (p *parts) allocate(_ *thread, node int32, _ int64) int32 { return node }
func (p *parts) hog(t *thread) bool                            { return p.used(t) >= p.kernel.slice }
func (p *parts) pull(cpu int32) *thread                        { return p.steal(cpu, p.now) }

// used is how long t has had a CPU since it last slept.
func (k *Machine) used(t *thread) Time {
	used := t.busy - t.rested
	if t.state == running {
		used += max(0, k.now-t.since)
	}
	return used
}

func (p *parts) tick(now Time) {
	if p.says.Scan > 0 {
		p.mem.pass(now)
	}
	if p.says.Home || p.says.Scan > 0 {
		for _, t := range p.kernel.threads {
			if t.state != ended && t.cpu >= 0 {
				p.goHome(t, now)
			}
		}
	}
	if len(p.kernel.waiting) == 0 {
		return
	}
	p.inTurn(func(cpu int32) {
		if len(p.kernel.waiting) == 0 {
			return
		}
		if p.kernel.cpus[cpu].cur == nil {
			if t := p.steal(cpu, now); t != nil {
				p.give(t, cpu)
			}
		} else if own := p.says.Balance * Time(cpu) / Time(len(p.online)); p.says.Balance > 0 && (now+own)/p.says.Balance != (now+own-p.says.Tick)/p.says.Balance {
			p.even(cpu, now)
		}
	})
}

// goHome updates t's home, and sends t there if a CPU is idle there.
func (p *parts) goHome(t *thread, now Time) {
	here, o := p.cpus[t.cpu].node, &t.os
	if p.says.Scan > 0 && o.faults != nil && now-o.voted >= p.says.Scan {
		o.voted = now
		p.vote(t)
	}
	if o.home == 0 {
		if p.says.Home {
			o.home = here + 1
		}
		return
	}
	if here == o.home-1 {
		o.away = 0
		return
	}
	if p.says.Follow > 0 {
		if o.away == 0 {
			o.away = now
		} else if now-o.away >= p.says.Follow {
			o.home, o.away = here+1, 0
			return
		}
	}
	if t.state == blocked {
		return
	}
	if cpu := p.idleOn(t, o.home-1); cpu >= 0 {
		p.move(t, cpu)
	}
}

// steal takes a thread for a CPU that has none. It comes from the longest queue that has
// one to give, on the CPU's own node first if the policy says so.
func (p *parts) steal(cpu int32, now Time) *thread {
	for _, near := range [...]bool{true, false} {
		if near && !p.says.NodeFirst {
			continue
		}
		var best *thread
		longest := 0
		for _, v := range p.online {
			n := len(p.kernel.cpus[v].queue)
			if n <= longest || near && p.cpus[v].node != p.cpus[cpu].node {
				continue
			}
			if t := p.candidate(v, cpu, now, now-p.kernel.cpus[cpu].idleSince); t != nil {
				best, longest = t, n
			}
		}
		if best != nil {
			p.unqueue(best)
			return best
		}
	}
	return nil
}

// even takes threads for a CPU that has some from a CPU that has at least twice as many.
// If the policy says so, it looks on the CPU's own node first, and elsewhere only on
// nodes that have at least a quarter more.
func (p *parts) even(cpu int32, now Time) {
	from := int32(-1)
	if p.says.NodeFirst {
		if from = p.busiest(cpu, true); from >= 0 {
			p.wants[cpu] = 0
		}
	}
	if from < 0 {
		if from = p.busiest(cpu, false); from < 0 {
			p.wants[cpu] = 0
			return
		}
		if p.wants[cpu] == 0 {
			p.wants[cpu] = now
		}
	}
	n := (p.length(from) - p.length(cpu)) / 2
	if p.says.Batch > 0 {
		n = min(n, p.says.Batch)
	}
	for ; n > 0; n-- {
		t := p.candidate(from, cpu, now, now-p.wants[cpu])
		if t == nil {
			return
		}
		p.unqueue(t)
		p.give(t, cpu)
	}
}

// busiest returns the CPU with the most threads if that has at least twice as many as
// cpu, or -1.
func (p *parts) busiest(cpu int32, near bool) int32 {
	own := p.cpus[cpu].node
	best, most := int32(-1), max(2, 2*p.length(cpu)-1)
	for _, v := range p.online {
		if n := p.length(v); n <= most || near && p.cpus[v].node != own {
			continue
		} else if p.says.NodeFirst && p.cpus[v].node != own && 4*p.load(p.cpus[v].node) < 5*p.load(own) {
			continue
		} else {
			best, most = v, n
		}
	}
	return best
}

// load is how many threads a node has for each thousand CPUs.
func (k *Machine) load(node int32) int {
	n := 0
	for _, cpu := range k.nodes[node].cpus {
		n += k.length(cpu)
	}
	return n * 1000 / max(1, len(k.nodes[node].cpus))
}

// candidate returns the thread that CPU to takes first from the queue of CPU from, or
// nil. wanted is how long to has wanted a thread of another node.
func (p *parts) candidate(from, to int32, now, wanted Time) *thread {
	var best *thread
	rank := -1
	q := p.kernel.cpus[from].queue
	for i := len(q) - 1; i >= 0; i-- {
		t := q[i]
		if !t.allowed.has(to) || t.busy > 0 && now-t.since < p.says.Hot {
			continue
		}
		r := 0
		if p.hog(t) {
			r = 1
		}
		if home, far := p.cpus[to].node, p.cpus[from].node; home != far {
			switch {
			case t.os.home-1 == home:
				r += 4
			case t.os.home-1 == far && wanted < 3*p.says.Delay, wanted < p.says.Delay:
				continue
			case t.os.home-1 != far:
				r += 2
			}
		}
		if r > rank {
			best, rank = t, r
		}
	}
	return best
}
