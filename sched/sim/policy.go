package sim

import "slices"

// What operating systems do with threads that nobody has bound, beyond kernel.go.
// Studies of thread placement compare these policies. Each is in a file of its own,
// with its rules and where they are from. None of their text is copied.
//
//	policy_parts.go       put together from an [OSPolicy]'s own fields
//	policy_o1.go          Linux 2.5.39: the O(1) scheduler, which knows no nodes
//	policy_simplenuma.go  2.5.40 with a patch: other nodes only if they are much busier
//	policy_pooled.go      2.5.39 with a patch: pools of CPUs, remote steals are delayed
//	policy_homenode.go    that and a home node, which is fixed or follows the memory
//	policy_cfs.go         Linux 3.6 and 6.4: virtual runtimes, wake-ups near by
//	policy_domains.go     how their CPUs take threads from each other
//	policy_preferred.go   what NUMA balancing does with threads
//	pages.go              what it does with pages
//
// Kernels keep some CPUs busy with what the machine does not know: their own threads,
// interrupts, daemons. A scenario that needs these lists them.

// OSPolicy says what the operating system does. The zero OSPolicy spreads new threads,
// wakes threads on idle CPUs, and lets a CPU without threads take a waiting one from
// anywhere.
type OSPolicy struct {
	// Kernel is one of [KernelNames]. It decides all but the fields that come first; "" is a
	// kernel that does what the others say.
	Kernel string
	// NUMABalancing: pages go to the threads that use them and, since Linux 3.13,
	// threads to their pages.
	NUMABalancing bool
	// Seed is the seed of random choices.
	Seed uint64

	// Start is where new threads go.
	Start Start
	// WakeLast: a thread that wakes up waits for the CPU that it had. It does not take
	// an idle one.
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
	// Scan is how often NUMA balancing marks pages. A thread's home is the node where
	// most of its marked pages were. 0 is no NUMA balancing.
	Scan Time
}

// Start is where an operating system puts new threads.
type Start uint8

const (
	StartSpread Start = iota // on the node with the most idle CPUs
	StartExec                // the same, but a forked child starts with its parent
	StartParent              // on their parent's CPU
)

// An osPolicy decides for one kernel.
type osPolicy interface {
	// every returns the time between two ticks.
	every() Time
	tick(now Time)
	// start returns the CPU of a new thread, or -1: one of the node with the most idle
	// CPUs.
	start(t *thread) int32
	// wake returns the CPU of a thread that wakes up. waker is the CPU of who wakes it,
	// or its own one if a timer does; -1: unknown.
	wake(t *thread, waker int32) int32
	// before reports whether t, which begins to wait, waits in front of other.
	before(t, other *thread) bool
	// preempts reports whether t, which has woken up, takes the CPU from cur.
	preempts(t, cur *thread) bool
	// ran is called when t has had its CPU until now, and may lose it.
	ran(t *thread)
	// until returns when cur, a CPU's current thread, loses the CPU to one that has begun
	// to wait for it at a time.
	until(cur *thread, since Time) Time
	// pull returns a thread of another CPU for one that has run out of threads, or nil.
	pull(cpu int32) *thread
	// allocate returns the node on which pages lie that t, on a node, touches first.
	allocate(t *thread, node int32, bytes int64) int32
}

// osThread is what policies keep of a thread.
type osThread struct {
	home   int32    // the node that it is at home on or prefers, plus 1
	given  bool     // by the program
	moveTo int32    // the CPU that the policy wants it on, plus 1
	away   Time     // since when it has been away from home
	voted  Time     // when its faults were last counted
	retry  Time     // when it next tries to go to the node that it prefers
	faults []int64  // by node: bytes of marked pages
	fault  bool     // it has touched a marked page since the last tick
	pages  []int64  // by node: bytes that it touched first
	lead   Time     // its virtual runtime less the time that it had a CPU
	soft   *cpuMask // where it begins when somebody wakes it; nil: where it was
}

// kernels makes the policy of each kernel.
var kernels = map[string]func(*Machine, OSPolicy) osPolicy{
	"":                                   newParts,
	"linux-2.5.39":                       newO1,
	"linux-2.5.39, one at a time":        newOneAtATime,
	"linux-2.5.40, simple NUMA":          newSimpleNUMA,
	"linux-2.5.39, pools":                newPooled,
	"linux-2.5.39, pools, home nodes":    newStaticHome,
	"linux-2.5.39, pools, dynamic homes": newDynamicHome,
	"linux-3.6":                          newCFS36,
	"linux-6.4":                          newCFS64,
}

// KernelNames returns the kernels that an [OSPolicy] can name.
func KernelNames() []string {
	var names []string
	for name := range kernels {
		if name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// KernelHasHomes reports whether a kernel heeds the homes that [Thread.SetHome] gives.
func KernelHasHomes(kernel string, numaBalancing bool) bool {
	return kernel == "linux-6.4" && numaBalancing || kernel == "linux-2.5.39, pools, home nodes"
}

// KernelHasBalancing reports whether a kernel knows NUMA balancing.
func KernelHasBalancing(kernel string) bool { return kernel == "linux-3.6" || kernel == "linux-6.4" }

// osTick is the time between two ticks of kernels that do not say otherwise.
const osTick = 4 * Millisecond // assumed: HZ=250, as distributions set it

// SetPolicy makes the operating system follow p from now on. It is called once,
// before anything runs.
func (k *Machine) SetPolicy(p OSPolicy) {
	k.policyRand = p.Seed*0x9E3779B97F4A7C15 | 1
	k.loginCPU = k.online[k.draw(int64(len(k.online)))]
	k.policy = kernels[p.Kernel](k, p)
	k.every(k.policy.every(), k.policy.tick)
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
	if k.policy != nil {
		if cpu := k.policy.start(t); cpu >= 0 && t.allowed.has(cpu) {
			t.clock = max(t.clock, at)
			t.cpu, t.core = cpu, k.cpus[cpu].core
			k.give(t, cpu)
			return
		}
	}
	k.spread(t, at, -1)
}

// parentCPU returns the CPU that t's parent has or had last; without a parent, the one
// that programs are begun on.
func (k *Machine) parentCPU(t *thread) int32 {
	if p := t.plain.parent; p != nil && p.t.cpu >= 0 {
		return p.t.cpu
	}
	return k.loginCPU
}

// SetHome gives the thread a home node, by position.
func (p *Thread) SetHome(node int) { p.t.os.home, p.t.os.given = int32(node)+1, true }

// draw returns a random number below n.
func (k *Machine) draw(n int64) int64 {
	k.policyRand ^= k.policyRand << 13
	k.policyRand ^= k.policyRand >> 7
	k.policyRand ^= k.policyRand << 17
	return int64(k.policyRand>>1) % n
}

// inTurn calls f for every CPU. The CPUs' timers are not in step, so it is random which
// comes first.
func (k *Machine) inTurn(f func(cpu int32)) {
	n := int64(len(k.online))
	i, stride := k.draw(n), k.draw(n)
	for gcd(stride, n) != 1 {
		stride++
	}
	for range n {
		f(k.online[i])
		i = (i + stride) % n
	}
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// length is how many threads a CPU has.
func (k *Machine) length(cpu int32) int {
	n := len(k.kernel.cpus[cpu].queue)
	if k.kernel.cpus[cpu].cur != nil {
		n++
	}
	return n
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

// idleOn returns an idle CPU of a node that t may use, on an idle core if there is one,
// or -1.
func (k *Machine) idleOn(t *thread, node int32) int32 {
	if k.kernel.idleCPUs[node] == 0 {
		return -1
	}
	half := int32(-1)
	for _, c := range k.nodes[node].cores {
		for _, cpu := range k.cores[c].cpus {
			if k.kernel.cpus[cpu].cur == nil && t.allowed.has(cpu) {
				if k.kernel.busy[c] == 0 {
					return cpu
				}
				if half < 0 {
					half = cpu
				}
			}
		}
	}
	return half
}

// move sends t to a CPU: at once if t waits for one, else at the next point where t can
// leave its own.
func (k *Machine) move(t *thread, cpu int32) {
	if t.state != ready {
		t.os.moveTo = cpu + 1
		return
	}
	k.unqueue(t)
	k.give(t, cpu)
}

// moved moves the running t to the CPU that the policy wants it on.
func (k *Machine) moved(t *thread) {
	cpu := t.os.moveTo - 1
	t.os.moveTo = 0
	k.sync(t)
	if cpu == t.cpu || !t.allowed.has(cpu) {
		return
	}
	t.clock += k.kernel.moving
	t.state = blocked
	k.leave(t)
	if k.kernel.cpus[cpu].cur != nil {
		k.enqueue(t, cpu)
	} else {
		k.occupy(t, cpu, t.clock)
	}
	k.yield(t)
}
