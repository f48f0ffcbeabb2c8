package sim

// Linux's completely fair scheduler, versions 3.6 (2012) and 6.4 (2023). Its rules, from
// kernel/sched/fair.c of these versions and Documentation/scheduler/sched-design-CFS:
//
//   - The thread with the least virtual runtime of a CPU runs: with equal weights, the
//     least time that it had a CPU. It loses the CPU at the first tick after its share of
//     24 ms, but not before 3 ms. (sysctl_sched_latency is 6 ms and min_granularity 0.75,
//     each times 1+log2 of the CPUs, of which no more than 8 count.)
//   - A thread that has slept is behind the others by 12 ms at most. It takes the CPU from
//     one that is 4 ms ahead of it (GENTLE_FAIR_SLEEPERS, sysctl_sched_wakeup_granularity).
//   - A thread that goes to another CPU keeps its distance from the least runtime there.
//   - A thread that wakes up goes to its last CPU, or to its waker's: if that is idle and
//     shares the cache; if its last CPU is not idle and the waker's has fewer threads
//     (wake_affine). Then it looks under that CPU's L3 only: this CPU, its last one, an
//     idle core, an idle CPU. If none is idle, it waits (select_idle_sibling).
//   - A worker of a workqueue whose affinity is not strict is begun on a CPU of its scope if
//     it was elsewhere last (kernel/workqueue.c, kick_pool).
//   - A new thread goes to the node, the L3 and the CPU with the most idle CPUs. In 6.4 it
//     stays on the node of its parent while few CPUs are busy there
//     (allow_numa_imbalance).
//
// policy_domains.go says how CPUs take threads from each other.
type cfs struct {
	*Machine
	v       cfsVersion
	domains [][]*domain // by CPU, the smallest first
	least   []Time      // by CPU: the least virtual runtime there, which never falls
	used    []int32     // by CPU: how busy it was lately, of 1024
	idles   []Time      // by CPU: for how long it is idle on average
	prefers *preferred  // nil: there is no NUMA balancing
	few     []int       // by node: how many busy CPUs are few there
	soft    int         // the last of the online CPUs on which a thread with soft CPUs was begun
}

// cfsVersion is what differs between versions.
type cfsVersion struct {
	loads      bool // 3.6 compares loads; 6.4 compares idle CPUs if there are any
	pct        int  // imbalance_pct, but 110 between the threads of a core
	busyFactor Time // CPUs that are not idle balance more seldom
}

const (
	cfsLatency = 24 * Millisecond
	cfsLeast   = 3 * Millisecond
	cfsWakeup  = 4 * Millisecond
	cfsHot     = 500 * Microsecond // sysctl_sched_migration_cost
	cfsFull    = 1024
)

func newCFS36(k *Machine, p OSPolicy) osPolicy {
	return newCFS(k, cfsVersion{loads: true, pct: 125, busyFactor: 32}, p.NUMABalancing)
}

func newCFS64(k *Machine, p OSPolicy) osPolicy {
	return newCFS(k, cfsVersion{pct: 117, busyFactor: 16}, p.NUMABalancing)
}

func newCFS(k *Machine, v cfsVersion, balancing bool) osPolicy {
	p := &cfs{Machine: k, v: v, least: make([]Time, len(k.cpus)), used: make([]int32, len(k.cpus)), idles: make([]Time, len(k.cpus))}
	for i := range p.idles {
		p.idles[i] = 2 * cfsHot
	}
	for n := range k.nodes {
		few := max(1, len(k.nodes[n].cpus)/8)
		if groups := len(k.groupsOf(int32(n))); groups > 1 {
			few = groups
		}
		p.few = append(p.few, few)
	}
	p.findDomains()
	if balancing {
		p.prefers = &preferred{p}
		// Version 3.8, the first with NUMA balancing, had no rules for threads.
		k.mem.scan = pageScan{fixed: v.loads, pause: scanLeast, next: scanLeast}
	}
	return p
}

func (p *cfs) every() Time                                   { return osTick }
func (p *cfs) allocate(_ *thread, node int32, _ int64) int32 { return node }

// runtime is t's virtual runtime.
func (p *cfs) runtime(t *thread) Time {
	r := t.busy + t.os.lead
	if t.state == running {
		r += max(0, p.now-t.since)
	}
	return r
}

// floor returns the least virtual runtime of a CPU.
func (p *cfs) floor(cpu int32) Time {
	c := &p.kernel.cpus[cpu]
	least := Time(never)
	if c.cur != nil {
		least = p.runtime(c.cur)
	}
	if len(c.queue) > 0 {
		least = min(least, p.runtime(c.queue[0]))
	}
	if least != never {
		p.least[cpu] = max(p.least[cpu], least)
	}
	return p.least[cpu]
}

func (p *cfs) ran(t *thread) { p.floor(t.cpu) }

// at returns the CPU that t is on, waits for or had last.
func (p *cfs) at(t *thread) int32 {
	if t.state == ready {
		return t.queue
	}
	return t.cpu
}

// arrive changes the virtual runtime of a thread that goes to a CPU.
func (p *cfs) arrive(t *thread, to int32) {
	if from := p.at(t); from >= 0 && from != to {
		t.os.lead += p.floor(to) - p.floor(from)
	}
}

func (p *cfs) before(t, other *thread) bool { return p.runtime(t) < p.runtime(other) }

func (p *cfs) preempts(t, cur *thread) bool { return p.runtime(cur)-p.runtime(t) > cfsWakeup }

func (p *cfs) until(cur *thread, since Time) Time {
	share := max(cfsLatency/Time(max(2, p.length(cur.cpu))), cfsLeast)
	return (max(since, cur.since+share) + osTick - 1) / osTick * osTick
}

func (p *cfs) wake(t *thread, waker int32) int32 {
	last := t.cpu
	if o := t.os.soft; o != nil && waker != t.cpu && !o.has(last) {
		last = p.someCPU(o)
	}
	target := last
	if waker >= 0 && waker != t.cpu && t.allowed.has(waker) {
		idle, near := p.idleCPU(last), p.cpus[waker].l3 == p.cpus[last].l3
		if near && p.idleCPU(waker) && !idle || !idle && p.length(waker) < p.length(last) {
			target = waker
		}
	}
	cpu := p.idleNear(t, target, last)
	if !t.allowed.has(cpu) {
		cpu = p.choose(t)
	}
	if p.idleCPU(cpu) {
		idle := min(p.now-p.kernel.cpus[cpu].idleSince, 2*cfsHot)
		p.idles[cpu] += (idle - p.idles[cpu]) / 8
	}
	p.arrive(t, cpu)
	if behind := p.floor(cpu) - cfsLatency/2 - p.runtime(t); behind > 0 {
		t.os.lead += behind
	}
	return cpu
}

func (p *cfs) idleCPU(cpu int32) bool { return p.kernel.cpus[cpu].cur == nil }

// someCPU returns one of a set of CPUs, one after another.
func (p *cfs) someCPU(set *cpuMask) int32 {
	for i := range p.online {
		if cpu := p.online[(p.soft+i+1)%len(p.online)]; set.has(cpu) {
			p.soft = (p.soft + i + 1) % len(p.online)
			return cpu
		}
	}
	return p.online[0]
}

// idleNear returns an idle CPU under the L3 of target that t, which was on CPU last, may
// use, or target.
func (p *cfs) idleNear(t *thread, target, last int32) int32 {
	if p.idleCPU(target) && t.allowed.has(target) {
		return target
	}
	if l3 := p.cpus[target].l3; p.cpus[last].l3 == l3 && p.idleCPU(last) && t.allowed.has(last) {
		return last
	} else if cpu := p.idleIn(t, l3); cpu >= 0 {
		return cpu
	}
	return target
}

func (p *cfs) start(t *thread) int32 {
	node := int32(-1)
	for n := range p.nodes {
		if p.kernel.idleCPUs[n] > 0 && (node < 0 || p.kernel.idleCPUs[n] > p.kernel.idleCPUs[node]) && p.idleOn(t, int32(n)) >= 0 {
			node = int32(n)
		}
	}
	if node < 0 {
		cpu := p.parentCPU(t)
		for _, v := range p.online {
			if t.allowed.has(v) && (!t.allowed.has(cpu) || p.length(v) < p.length(cpu)) {
				cpu = v
			}
		}
		t.os.lead = p.floor(cpu) - t.busy
		return cpu
	}
	if own := p.cpus[p.parentCPU(t)].node; !p.v.loads && t.plain.parent != nil && p.idleOn(t, own) >= 0 {
		running := len(p.nodes[own].cpus) - int(p.kernel.idleCPUs[own]) + 1
		if p.tolerated(int(p.kernel.idleCPUs[node]-p.kernel.idleCPUs[own]), running, own) == 0 {
			node = own
		}
	}
	best := int32(-1)
	for _, c := range p.nodes[node].cores {
		g := p.cores[c].l3
		if p.kernel.idle[g] > 0 && (best < 0 || p.kernel.idle[g] > p.kernel.idle[best]) && p.idleIn(t, g) >= 0 {
			best = g
		}
	}
	cpu := p.idleIn(t, best)
	t.os.lead = p.floor(cpu) - t.busy
	return cpu
}

// tolerated returns what counts of an imbalance between nodes. If few CPUs of a node are
// busy, two are none (adjust_numa_imbalance).
func (p *cfs) tolerated(imbalance, running int, node int32) int {
	if running <= p.few[node] && imbalance <= 2 {
		return 0
	}
	return imbalance
}

func (p *cfs) tick(now Time) {
	for _, cpu := range p.online {
		// A half is forgotten in 32 ms, or eight ticks.
		busy := int32(0)
		if !p.idleCPU(cpu) {
			busy = cfsFull
		}
		p.used[cpu] += (busy - p.used[cpu]) * 83 / 1000
	}
	if p.prefers != nil {
		p.mem.pass(now)
		if !p.v.loads {
			p.prefers.tick(now)
		}
	}
	if len(p.kernel.waiting) > 0 {
		p.inTurn(func(cpu int32) { p.balance(cpu, now) })
	}
}
