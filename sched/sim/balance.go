package sim

// How CPUs take threads from each other under an OSPolicy.
//
// A CPU without threads looks for a thread that waits elsewhere, at every tick and when
// its last thread leaves it, and takes one. A CPU that has threads looks every
// OSPolicy.Balance. If another CPU has at least twice as many threads, it takes up to
// half of the difference. It takes hogs first, then the threads that came last. It
// leaves threads alone that had a CPU a moment ago, because their data is still in the
// caches there. Linux's schedulers have done so since 2002.
//
// The policies differ because hogs are taken first. A burst of short-lived threads
// fills all queues, with the hogs at the ends. Whenever queues are evened out, the
// hogs go elsewhere, away from their memory. When the burst is over, each hog runs
// alone on some CPU. No rule of balancing moves it again; only a home does.

// rebalance lets every CPU look for threads of others. The CPUs' timers are not in
// step, so it is random which CPU looks first.
func (k *Machine) rebalance(now Time) {
	o, p := &k.kernel, k.policy
	if o.queued == 0 {
		return
	}
	n := int64(len(k.online))
	i, stride := k.draw(n), k.draw(n)
	for gcd(stride, n) != 1 {
		stride++
	}
	for range n {
		cpu := k.online[i]
		i = (i + stride) % n
		if o.queued == 0 {
			return
		}
		if o.cpus[cpu].cur == nil {
			if t := k.steal(cpu, now); t != nil {
				k.give(t, cpu)
			}
		} else if own := p.Balance * Time(cpu) / Time(n); p.Balance > 0 && (now+own)/p.Balance != (now+own-p.Tick)/p.Balance {
			k.even(cpu, now)
		}
	}
}

// draw returns a random number below n.
func (k *Machine) draw(n int64) int64 {
	k.policyRand ^= k.policyRand << 13
	k.policyRand ^= k.policyRand >> 7
	k.policyRand ^= k.policyRand << 17
	return int64(k.policyRand>>1) % n
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// give lets t, which is in no queue, run on a CPU or wait for it.
func (k *Machine) give(t *thread, cpu int32) {
	if k.kernel.cpus[cpu].cur != nil {
		k.enqueue(t, cpu)
		return
	}
	k.occupy(t, cpu, max(t.clock, k.now)+k.kernel.switching)
	k.q.set(t.actor, t.clock)
}

// steal takes a thread for a CPU that has none. It comes from the longest queue that has
// one to give, on the CPU's own node first if the policy says so.
func (k *Machine) steal(cpu int32, now Time) *thread {
	c := &k.kernel.cpus[cpu]
	for _, near := range [...]bool{true, false} {
		if near && !k.policy.NodeFirst {
			continue
		}
		var best *thread
		longest := 0
		for _, v := range k.online {
			n := len(k.kernel.cpus[v].queue)
			if n <= longest || near && k.cpus[v].node != k.cpus[cpu].node {
				continue
			}
			if t := k.candidate(v, cpu, now, now-c.idleSince); t != nil {
				best, longest = t, n
			}
		}
		if best != nil {
			k.unqueue(best)
			return best
		}
	}
	return nil
}

// even takes threads for a CPU that has some from a CPU that has at least twice as many.
// If the policy says so, it looks on the CPU's own node first, and elsewhere only on
// nodes that have at least a quarter more.
func (k *Machine) even(cpu int32, now Time) {
	c, p := &k.kernel.cpus[cpu], k.policy
	from := int32(-1)
	if p.NodeFirst {
		if from = k.busiest(cpu, true); from >= 0 {
			c.wants = 0
		}
	}
	if from < 0 {
		if from = k.busiest(cpu, false); from < 0 {
			c.wants = 0
			return
		}
		if c.wants == 0 {
			c.wants = now
		}
	}
	n := (k.length(from) - k.length(cpu)) / 2
	if p.Batch > 0 {
		n = min(n, p.Batch)
	}
	for ; n > 0; n-- {
		t := k.candidate(from, cpu, now, now-c.wants)
		if t == nil {
			return
		}
		k.unqueue(t)
		k.give(t, cpu)
	}
}

// busiest returns the CPU with the most threads if that has at least twice as many as
// cpu, or -1.
func (k *Machine) busiest(cpu int32, near bool) int32 {
	own := k.cpus[cpu].node
	best, most := int32(-1), max(2, 2*k.length(cpu)-1)
	for _, v := range k.online {
		if n := k.length(v); n <= most || near && k.cpus[v].node != own {
			continue
		} else if k.policy.NodeFirst && k.cpus[v].node != own && 4*k.load(k.cpus[v].node) < 5*k.load(own) {
			continue
		} else {
			best, most = v, n
		}
	}
	return best
}

// length is how many threads a CPU has.
func (k *Machine) length(cpu int32) int {
	n := len(k.kernel.cpus[cpu].queue)
	if k.kernel.cpus[cpu].cur != nil {
		n++
	}
	return n
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
func (k *Machine) candidate(from, to int32, now, wanted Time) *thread {
	p := k.policy
	var best *thread
	rank := -1
	q := k.kernel.cpus[from].queue
	for i := len(q) - 1; i >= 0; i-- {
		t := q[i]
		if !t.allowed.has(to) || t.busy > 0 && now-t.since < p.Hot {
			continue
		}
		r := 0
		if k.hog(t) {
			r = 1
		}
		if home, far := k.cpus[to].node, k.cpus[from].node; home != far {
			switch {
			case t.home-1 == home:
				r += 4
			case t.home-1 == far && wanted < 3*p.Delay, wanted < p.Delay:
				continue
			case t.home-1 != far:
				r += 2
			}
		}
		if r > rank {
			best, rank = t, r
		}
	}
	return best
}

// hog reports whether t has used up a time slice since it last slept.
func (k *Machine) hog(t *thread) bool {
	used := t.busy
	if t.state == running {
		used += max(0, k.now-t.since)
	}
	return used-t.rested >= k.kernel.slice
}
