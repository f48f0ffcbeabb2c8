package sim

// What operating systems do with threads that nobody has bound, beyond what
// kernel.go does: studies of thread placement compare these. The zero
// OSPolicy takes a waiting thread from wherever it finds one.
type OSPolicy struct {
	// NodeFirst: a CPU without threads takes one of its own node first.
	NodeFirst bool
	// Delay is how long a CPU stays idle before it takes a thread of another node.
	Delay Time
	// Balance is how often queues are evened out, at most by Batch threads from
	// CPU to CPU; 0 is never.
	Balance Time
	Batch   int
	// Home: a thread has a home node, goes back there when a CPU is idle there,
	// and is taken by other nodes only after three Delays. It is the first node
	// that it runs on, or set by [Thread.SetHome].
	Home bool
	// Follow moves the home of a thread to where it has run for so long; 0 is never.
	Follow Time
	// Scan is how often NUMA balancing marks pages: a marked page that is twice
	// touched from the same other node moves there, and a thread's home is where
	// most of its marked pages were. 0 is no NUMA balancing.
	Scan Time
}

// Costs of NUMA balancing.
const (
	hintFault = 1500 * Nanosecond // assumed: a minor fault, per page
	copyPage  = 2500 * Nanosecond // assumed: unmap, copy 4 KiB from afar, map, flush
	osTick    = 4 * Millisecond   // assumed: HZ=250
)

// SetPolicy makes the operating system follow p from now on. It is called once,
// before anything runs.
func (k *Machine) SetPolicy(p OSPolicy) {
	k.policy = &p
	k.mem.scan = p.Scan
	if p.Batch == 0 {
		k.policy.Batch = 1
	}
	k.every(osTick, k.tick)
}

// every calls f in virtual time again and again.
func (k *Machine) every(d Time, f func(now Time)) {
	id := k.q.actor()
	for int(id) >= len(k.actors) {
		k.actors = append(k.actors, nil)
	}
	if k.timers == nil {
		k.timers = make(map[int32]timer)
	}
	k.timers[id] = timer{d, f}
	k.q.set(id, k.now+d)
}

type timer struct {
	every Time
	f     func(now Time)
}

// SetHome gives the thread a home node, by position.
func (p *Thread) SetHome(node int) { p.t.home = int32(node) + 1 }

// tick is the periodic part of the operating system.
func (k *Machine) tick(now Time) {
	o, p := &k.kernel, k.policy
	if p.Scan > 0 {
		k.mem.epoch = int32(now/p.Scan) + 1
	}
	if p.Home || p.Scan > 0 {
		for _, t := range o.threads {
			if t.state == ended || t.cpu < 0 {
				continue
			}
			here := k.cpus[t.cpu].node
			if p.Scan > 0 && t.faults != nil && now-t.voted >= p.Scan {
				t.voted = now
				best := int32(0)
				for n := range t.faults {
					if t.faults[n] > t.faults[best] {
						best = int32(n)
					}
				}
				if t.faults[best] > 0 {
					t.home = best + 1
				}
				clear(t.faults)
			}
			if t.home == 0 {
				if p.Home {
					t.home = here + 1
				}
				continue
			}
			home := t.home - 1
			if here == home {
				t.away = 0
				continue
			}
			if p.Follow > 0 {
				if t.away == 0 {
					t.away = now
				} else if now-t.away >= p.Follow {
					t.home, t.away = here+1, 0
					continue
				}
			}
			if t.state == blocked || o.idlen[home] == 0 {
				continue
			}
			if cpu := k.idleOn(t, home); cpu >= 0 {
				k.move(t, cpu)
			}
		}
	}
	if p.Balance > 0 && now/p.Balance != (now-osTick)/p.Balance {
		k.balance(p.Batch)
	}
	if o.queued > 0 {
		for _, cpu := range k.online {
			if o.cpus[cpu].cur == nil && o.queued > 0 {
				if t := k.pull(cpu); t != nil {
					k.occupy(t, cpu, max(t.clock, now)+o.switching)
					k.q.set(t.actor, t.clock)
				}
			}
		}
	}
}

// idleOn returns an idle CPU of a node that t may use, or -1.
func (k *Machine) idleOn(t *thread, node int32) int32 {
	for _, c := range k.nodes[node].cores {
		for _, cpu := range k.cores[c].cpus {
			if k.kernel.cpus[cpu].cur == nil && t.allowed.has(cpu) {
				return cpu
			}
		}
	}
	return -1
}

// move sends t to an idle CPU: at once if it waits for one, else when it next
// looks up.
func (k *Machine) move(t *thread, cpu int32) {
	if t.state != ready {
		t.moveTo = cpu + 1
		return
	}
	o := &k.kernel
	q := o.cpus[t.cpu].queue
	for i := range q {
		if q[i] == t {
			o.cpus[t.cpu].queue = append(q[:i], q[i+1:]...)
			o.queued--
			break
		}
	}
	if c := &o.cpus[t.cpu]; len(c.queue) == 0 && c.cur != nil {
		c.cur.sliceEnd = never
	}
	k.occupy(t, cpu, max(t.clock, k.now)+o.switching)
	k.q.set(t.actor, t.clock)
}

// moved carries out a move that the policy wants of the running t.
func (k *Machine) moved(t *thread) {
	cpu := t.moveTo - 1
	t.moveTo = 0
	k.sync(t)
	if k.kernel.cpus[cpu].cur != nil || cpu == t.cpu {
		return
	}
	t.clock += k.kernel.moving
	t.state = blocked
	k.leave(t)
	if k.kernel.cpus[cpu].cur != nil {
		k.ready(t, t.clock, -1, 0)
	} else {
		k.occupy(t, cpu, t.clock)
	}
	k.yield(t)
}

// balance evens out the queues, whatever nodes they are on.
func (k *Machine) balance(batch int) {
	o := &k.kernel
	for ; batch > 0; batch-- {
		long, short := int32(-1), int32(-1)
		length := func(cpu int32) int {
			n := len(o.cpus[cpu].queue)
			if o.cpus[cpu].cur != nil {
				n++
			}
			return n
		}
		for _, cpu := range k.online {
			if long < 0 || length(cpu) > length(long) {
				long = cpu
			}
			if short < 0 || length(cpu) < length(short) {
				short = cpu
			}
		}
		if long < 0 || length(long)-length(short) < 2 {
			return
		}
		for i, t := range o.cpus[long].queue {
			if !t.allowed.has(short) {
				continue
			}
			q := o.cpus[long].queue
			o.cpus[long].queue = append(q[:i], q[i+1:]...)
			o.queued--
			if len(o.cpus[long].queue) == 0 && o.cpus[long].cur != nil {
				o.cpus[long].cur.sliceEnd = never
			}
			if o.cpus[short].cur == nil {
				k.occupy(t, short, max(t.clock, k.now)+o.switching)
				k.q.set(t.actor, t.clock)
			} else {
				t.cpu, t.core = short, k.cpus[short].core
				k.enqueue(t, short)
			}
			break
		}
	}
}

// mayTake reports whether a CPU may take t from a queue of another node now.
func (k *Machine) mayTake(t *thread, cpu, from int32) bool {
	p := k.policy
	if p == nil || k.cpus[cpu].node == k.cpus[from].node {
		return true
	}
	idle := Time(0)
	if c := &k.kernel.cpus[cpu]; c.cur == nil {
		idle = k.now - c.idleSince
	}
	if p.Home && t.home != 0 && t.home-1 != k.cpus[cpu].node {
		return idle >= 3*p.Delay
	}
	return idle >= p.Delay
}

// faulted is NUMA balancing's work when a marked block is touched.
func (k *Machine) faulted(t *thread, blk *block, node int32, size int64) {
	blk.epoch = k.mem.epoch
	if t.faults == nil {
		t.faults = make([]int64, len(k.nodes))
	}
	t.faults[blk.home] += size
	pages := Time(max(1, size/4096))
	t.span.fault += hintFault * pages
	if blk.home != node && blk.toucher == node+1 && len(k.nodes[node].cpus) > 0 && k.nodes[node].memory {
		blk.home = node
		t.span.fault += copyPage * pages
		k.mem.migrated += size
	}
	blk.toucher = node + 1
}

// Migrated returns how many bytes NUMA balancing has moved.
func (k *Machine) Migrated() int64 { return k.mem.migrated }
