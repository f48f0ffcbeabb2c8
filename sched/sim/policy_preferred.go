package sim

// What NUMA balancing does with threads, on top of policy_cfs.go and pages.go. From
// kernel/sched/fair.c of Linux 6.4 (task_numa_fault, task_numa_placement,
// task_numa_migrate, migrate_degrades_locality):
//
//   - After each pass over its pages, a thread prefers the node that most of its marked
//     pages were on.
//   - Only a fault has it look for a CPU there, and then a sixteenth of the scanner's pause
//     must have gone by since it last looked, or a second if that is less.
//   - It goes to an idle CPU of the node. If CPUs of the node are to spare, the node must
//     have no more threads with it than its own has without it; if few are busy there, two
//     more do not matter. If none are to spare, the difference in load must not grow.
//   - It would also change places with a thread on that node, if that may run on its own
//     CPU. Here this is left out: in the studies the others are bound.
//   - policy_domains.go says when others take it away again.
//
// A node that a program is given to prefer ([Thread.SetHome]) takes the place of the one
// that the faults would choose. It obeys the same rules: it is no binding, and without
// faults nothing happens. If the program has bound the memory that it prefers, the faults
// are those of its other pages, as its heap and its stack.
type preferred struct{ *cfs }

// tick has threads look for a CPU on the node that they prefer.
func (p *preferred) tick(now Time) {
	s := &p.mem.scan
	if s.epoch == 0 {
		return
	}
	for _, t := range p.kernel.threads {
		o := &t.os
		if t.state == ended || t.cpu < 0 || t.allowed != nil && t.allowed.n == 1 {
			continue
		}
		if !o.given && o.faults != nil && o.voted != s.next {
			o.voted = s.next
			p.vote(t)
		}
		if o.home == 0 || !o.fault || t.state == blocked || now < o.retry {
			continue
		}
		o.fault = false
		if o.retry = now + min(s.pause/16, Second); p.cpus[p.at(t)].node != o.home-1 {
			p.goThere(t, o.home-1)
		}
	}
}

// goThere moves t to an idle CPU of the node that it prefers, if the load there allows.
func (p *preferred) goThere(t *thread, node int32) {
	cpu := p.idleOn(t, node)
	if cpu < 0 {
		return
	}
	own := p.cpus[p.at(t)].node
	here, there := p.crowd(p.nodes[own].cpus, p.v.pct), p.crowd(p.nodes[node].cpus, p.v.pct)
	if there.kind == 0 {
		if p.tolerated(max(0, there.running+1-(here.running-1)), there.running+1, node) > 0 {
			return
		}
	} else if before, after := here.used-there.used, here.used-there.used-2*cfsFull; max(after, -after) > max(before, -before) {
		return
	}
	p.arrive(t, cpu)
	p.move(t, cpu)
}

// vote makes the node that most of t's marked pages were on the one that it prefers.
func (k *Machine) vote(t *thread) {
	best := 0
	for n, bytes := range t.os.faults {
		if bytes > t.os.faults[best] {
			best = n
		}
	}
	if t.os.faults[best] > 0 {
		t.os.home = int32(best) + 1
	}
	clear(t.os.faults)
}

// What a move would do to a thread's locality.
type locality uint8

const (
	indifferent locality = iota
	better
	worse
)

// asks says what a move of t, which waits, to another node's CPU would do.
func (p *preferred) asks(t *thread, to int32, how looking) locality {
	o := &t.os
	src, dst := p.cpus[t.queue].node, p.cpus[to].node
	switch {
	case src == dst || o.home == 0:
	case src == o.home-1:
		c := &p.kernel.cpus[t.queue]
		others := c.cur != nil && c.cur.os.home != src+1
		for _, q := range c.queue {
			others = others || q.os.home != src+1
		}
		if others {
			return worse
		}
	case dst == o.home-1:
		return better
	case how != idling && o.faults != nil && o.faults[dst] < o.faults[src]:
		return worse
	}
	return indifferent
}
