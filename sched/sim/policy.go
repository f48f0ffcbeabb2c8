package sim

// What operating systems do with threads that nobody has bound, beyond kernel.go.
// Studies of thread placement compare these policies. balance.go has the rules by
// which a CPU takes threads from other CPUs.
//
// Under every policy, a thread that has used up its time slice since it last slept is
// a hog. It waits behind threads that have not, and if one of them wakes up on its
// CPU, it loses the CPU. Linux's O(1) scheduler did this with priorities that sleep
// raises and with an array of expired threads; the completely fair scheduler does it
// with virtual runtime.

// OSPolicy says what the operating system does. The zero OSPolicy spreads new threads,
// wakes threads on idle CPUs, and lets a CPU without threads take a waiting one from
// anywhere.
type OSPolicy struct {
	// Start is where new threads go.
	Start Start
	// WakeLast: a thread that wakes up waits for the CPU that it had, as in 2002. It
	// does not take an idle one.
	WakeLast bool
	// Tick is how often a CPU without threads looks for one; 0 is 4 ms, HZ=250.
	Tick Time
	// Hot is how long a thread that has lost its CPU is not taken to another.
	Hot Time
	// NodeFirst: a CPU takes threads of its own node before others.
	NodeFirst bool
	// Delay is how long a CPU wants threads of other nodes before it takes one. It
	// waits three times as long for a thread that is at home there.
	Delay Time
	// Balance is how often a CPU that has threads takes some from longer queues; 0 is
	// never.
	Balance Time
	// Batch is how many threads it takes at once at most; 0 is half of the difference.
	Batch int
	// Home: a thread has a home node. CPUs there take it first, and it goes back there
	// when one of them is idle. It is the first node that the thread is on, or set by
	// [Thread.SetHome].
	Home bool
	// Follow is how long a thread is on another node before that node becomes its
	// home; 0 is for ever.
	Follow Time
	// Scan is how often NUMA balancing marks pages. A marked page that the same other
	// node touches twice moves there. A thread's home is the node where most of its
	// marked pages were. 0 is no NUMA balancing.
	Scan Time
	// Seed is the seed of random choices: which of several idle CPUs looks first.
	Seed uint64
}

// Start is where an operating system puts new threads.
type Start uint8

const (
	StartSpread Start = iota // on the node with the most idle CPUs
	StartExec                // the same, but a forked child starts with its parent
	StartParent              // on their parent's CPU
)

// Costs of NUMA balancing.
const (
	hintFault = 1500 * Nanosecond // assumed: a minor fault, per page
	copyPage  = 2500 * Nanosecond // assumed: unmap, copy 4 KiB from afar, map, flush
	osTick    = 4 * Millisecond   // assumed: HZ=250, where the policy says nothing
)

// SetPolicy makes the operating system follow p from now on. It is called once,
// before anything runs.
func (k *Machine) SetPolicy(p OSPolicy) {
	if p.Tick == 0 {
		p.Tick = osTick
	}
	k.policy = &p
	k.policyRand = p.Seed*0x9E3779B97F4A7C15 | 1
	k.loginCPU = k.online[k.draw(int64(len(k.online)))]
	k.mem.scan = p.Scan
	k.every(p.Tick, k.tick)
}

// every calls f again and again, each time d of virtual time later.
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

// place puts a thread that begins at time at on a CPU.
func (k *Machine) place(t *thread, at Time) {
	if p := k.policy; p != nil {
		cpu := int32(-1)
		switch {
		case p.Start == StartSpread:
		case t.plain.parent != nil:
			cpu = t.plain.parent.t.cpu
		case p.Start == StartParent:
			cpu = k.loginCPU
		}
		if cpu >= 0 && t.allowed.has(cpu) {
			t.clock = max(t.clock, at)
			t.cpu, t.core = cpu, k.cpus[cpu].core
			k.give(t, cpu)
			return
		}
	}
	k.spread(t, at, -1)
}

// SetHome gives the thread a home node, by position.
func (p *Thread) SetHome(node int) { p.t.home = int32(node) + 1 }

// tick is the periodic part of the operating system.
func (k *Machine) tick(now Time) {
	p := k.policy
	if p.Scan > 0 {
		k.mem.epoch = int32(now/p.Scan) + 1
	}
	if p.Home || p.Scan > 0 {
		for _, t := range k.kernel.threads {
			if t.state != ended && t.cpu >= 0 {
				k.goHome(t, now)
			}
		}
	}
	k.rebalance(now)
}

// goHome updates t's home, and sends t there if a CPU is idle there.
func (k *Machine) goHome(t *thread, now Time) {
	p := k.policy
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
		return
	}
	home := t.home - 1
	if here == home {
		t.away = 0
		return
	}
	if p.Follow > 0 {
		if t.away == 0 {
			t.away = now
		} else if now-t.away >= p.Follow {
			t.home, t.away = here+1, 0
			return
		}
	}
	if t.state == blocked || k.kernel.idleCPUs[home] == 0 {
		return
	}
	if cpu := k.idleOn(t, home); cpu >= 0 {
		k.move(t, cpu)
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

// move sends t to an idle CPU: at once if t waits for a CPU, else at the next point where
// t can leave its own.
func (k *Machine) move(t *thread, cpu int32) {
	if t.state != ready {
		t.moveTo = cpu + 1
		return
	}
	k.unqueue(t)
	k.give(t, cpu)
}

// moved moves the running t to the CPU that the policy wants it on.
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

// faulted does what NUMA balancing does when a thread touches a marked block.
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
