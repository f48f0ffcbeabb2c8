package sim

import (
	"math/bits"
	"slices"

	"numasched/sched/internal/machine"
	"numasched/topology"
)

// The operating system, as far as threads notice it. A CPU runs one thread and keeps
// others in a queue. A thread that wakes up goes back to the CPU it had, or to an
// idle one near by. A CPU that runs out of threads takes one from the longest queue.
// Threads that share a CPU take turns.
//
// Invariants: a running thread is its CPU's current one. It has an event, or a flow
// whose class has one, unless it runs at this moment. A ready thread is in one CPU's
// queue, in kernel.waiting, and has no event. A blocked thread has an event only if it has a
// time-out.

type threadState uint8

const (
	running threadState = iota
	ready
	blocked
	ended
)

type thread struct {
	m        *machine.M // nil: a thread of a [Machine.Start]
	plain    *Thread
	actor    int32
	clock    Time
	state    threadState
	cpu      int32 // that it runs on, or ran on last; -1 if none yet
	core     int32
	queue    int32    // the CPU whose queue it is in, while it is ready
	waits    int32    // likewise: its place in kernel.waiting
	allowed  *cpuMask // nil: all
	sliceEnd Time     // when another thread gets the CPU
	deadline Time     // of a blocked thread
	rng      uint64
	wait     *uint32
	flow     *flow        // that it waits for: stream, or nil
	scan     machine.Scan // that it has left to the machine, see scan.go
	round    Time         // of a spin: what the Work between its loads takes on a core of its own
	os       osThread     // what a policy keeps

	since      Time // when it got this CPU, or lost its last one
	busy, work Time
	rested     Time   // busy, when it last slept
	ideal, ops Time   // see Account
	moves      int64  // to a CPU of another node
	resided    []Time // by node: busy there; of plain threads only
	path       Time   // see paths
	span       touch  // scratch of Work
	stream     flow   // the last that it waited for
}

// resume lets t go on until it yields. It returns false if t has ended.
func (t *thread) resume() bool {
	if t.m != nil {
		return t.m.Step()
	}
	_, ok := t.plain.next()
	return ok
}

// onCPU returns how long t has had a CPU so far.
func (t *thread) onCPU() Time { return t.busy + t.clock - t.since }

// A cpuMask is a set of CPUs and their number.
type cpuMask struct {
	set topology.CPUSet
	n   int
}

func (a *cpuMask) has(cpu int32) bool { return a == nil || a.set.Contains(int(cpu)) }

type cpuState struct {
	cur       *thread
	queue     []*thread // in the order in which they get the CPU
	idleSince Time
}

type kernel struct {
	*hardware
	threads  []*thread
	cpus     []cpuState
	busy     []int8    // by core: CPUs that have a current thread
	idle     []int32   // by L3 group: idle CPUs
	idleCPUs []int32   // by node: idle CPUs
	idleAll  int       // idle CPUs
	waiting  []*thread // that are ready, in no order

	syscall, waking, sleeping, near, far, switching, moving, cloning, slice Time
}

func (k *kernel) init(h *hardware) {
	k.hardware = h
	k.cpus = make([]cpuState, len(h.cpus))
	k.busy = make([]int8, len(h.cores))
	k.idle = make([]int32, len(h.l3s))
	k.idleCPUs = make([]int32, len(h.nodes))
	for g := range h.l3s {
		k.idle[g] = int32(len(h.l3s[g].cpus))
		k.idleCPUs[h.l3s[g].node] += k.idle[g]
		k.idleAll += len(h.l3s[g].cpus)
	}
	p := h.preset
	k.syscall, k.waking, k.sleeping = p.Syscall.ps(), p.Wake.ps(), p.Sleep.ps()
	k.near, k.far, k.switching = p.WakeNear.ps(), p.WakeFar.ps(), p.Switch.ps()
	k.moving, k.cloning, k.slice = p.Affinity.ps(), p.Clone.ps(), p.Slice.ps()
}

// occupy makes t the current thread of an idle CPU from time at on.
func (k *Machine) occupy(t *thread, cpu int32, at Time) {
	o := &k.kernel
	c := &o.cpus[cpu]
	i := &k.cpus[cpu]
	if c.cur == nil {
		o.busy[i.core]++
		o.idle[i.l3]--
		o.idleCPUs[i.node]--
		o.idleAll--
	}
	c.cur = t
	if t.cpu >= 0 && k.cpus[t.cpu].node != i.node {
		t.moves++
	}
	t.cpu, t.core = cpu, i.core
	t.state = running
	t.clock = max(t.clock, at)
	t.since = t.clock
	t.sliceEnd = never
	if len(c.queue) > 0 {
		t.sliceEnd = k.until(t, t.clock)
	}
}

// until returns when cur, a CPU's current thread, loses the CPU to one that has begun to
// wait for it.
func (k *Machine) until(cur *thread, since Time) Time {
	if k.policy != nil {
		return k.policy.until(cur, since)
	}
	return since + k.kernel.slice
}

// leave takes t off its CPU at its clock and gives the CPU to another thread.
func (k *Machine) leave(t *thread) {
	o := &k.kernel
	c := &o.cpus[t.cpu]
	i := &k.cpus[t.cpu]
	k.account(t)
	t.sliceEnd = never
	next := k.pull(t.cpu)
	if next == nil {
		c.cur = nil
		c.idleSince = t.clock
		o.busy[i.core]--
		o.idle[i.l3]++
		o.idleCPUs[i.node]++
		o.idleAll++
		return
	}
	next.clock = max(next.clock, t.clock)
	k.occupy(next, t.cpu, next.clock+o.switching)
	k.q.set(next.actor, next.clock)
}

// account adds the time that t has had its CPU to its totals.
func (k *Machine) account(t *thread) {
	if t.resided != nil {
		t.resided[k.cpus[t.cpu].node] += t.clock - t.since
	}
	t.busy += t.clock - t.since
	t.since = t.clock
	if k.policy != nil {
		k.policy.ran(t)
	}
}

// pull takes the thread that a CPU runs next: the first of its own queue; else the
// first thread of the longest queue that may run here, or the one that the policy
// chooses.
func (k *Machine) pull(cpu int32) *thread {
	o := &k.kernel
	if len(o.waiting) == 0 {
		return nil
	}
	if q := o.cpus[cpu].queue; len(q) > 0 {
		t := q[0]
		k.unqueue(t)
		return t
	}
	if k.policy != nil {
		o.cpus[cpu].idleSince = k.now // from now on, if there is nothing to steal
		return k.policy.pull(cpu)
	}
	var first *thread
	longest := 0
	for _, v := range k.online {
		if n := len(o.cpus[v].queue); n > longest {
			for _, t := range o.cpus[v].queue {
				if t.allowed.has(cpu) {
					longest, first = n, t
					break
				}
			}
		}
	}
	if first != nil {
		k.unqueue(first)
	}
	return first
}

// enqueue makes t wait for a CPU that is not idle.
func (k *Machine) enqueue(t *thread, cpu int32) {
	o := &k.kernel
	c := &o.cpus[cpu]
	t.state, t.queue = ready, cpu
	at := len(c.queue)
	for k.policy != nil && at > 0 && k.policy.before(t, c.queue[at-1]) {
		at--
	}
	c.queue = slices.Insert(c.queue, at, t)
	t.waits = int32(len(o.waiting))
	o.waiting = append(o.waiting, t)
	if c.cur != nil && c.cur.sliceEnd == never {
		c.cur.sliceEnd = k.until(c.cur, max(k.now, c.cur.since))
	}
}

// unqueue takes t out of the queue that it waits in.
func (k *Machine) unqueue(t *thread) {
	o := &k.kernel
	c := &o.cpus[t.queue]
	at := slices.Index(c.queue, t)
	c.queue = slices.Delete(c.queue, at, at+1)
	last := o.waiting[len(o.waiting)-1]
	o.waiting[t.waits], last.waits = last, t.waits
	o.waiting = o.waiting[:len(o.waiting)-1]
	if len(c.queue) == 0 && c.cur != nil {
		c.cur.sliceEnd = never
	}
}

// preempt takes the CPU from t, whose time slice is over.
func (k *Machine) preempt(t *thread) {
	k.sync(t)
	if t.clock < t.sliceEnd { // the other threads have gone meanwhile
		return
	}
	if q := k.kernel.cpus[t.cpu].queue; k.policy != nil && len(q) > 0 && k.policy.before(t, q[0]) {
		t.sliceEnd = t.clock + k.policy.every() // it would get the CPU at once
		return
	}
	k.switchOut(t)
}

// switchOut gives t's CPU to the next thread in its queue.
func (k *Machine) switchOut(t *thread) {
	k.account(t)
	k.enqueue(t, t.cpu)
	k.leave(t)
	k.yield(t)
}

// ready makes a blocked or new thread runnable at time at. near is the time that it
// takes to start on an idle CPU of the waker's node.
func (k *Machine) ready(t *thread, at Time, waker int32, near Time) {
	o := &k.kernel
	if t.cpu < 0 {
		k.place(t, at)
		return
	}
	var cpu int32
	if k.policy == nil {
		cpu = k.choose(t)
	} else {
		cpu = k.policy.wake(t, waker)
	}
	t.clock = max(t.clock, at)
	if cur := o.cpus[cpu].cur; cur != nil {
		k.enqueue(t, cpu)
		if k.policy != nil && k.policy.preempts(t, cur) {
			cur.sliceEnd = min(cur.sliceEnd, t.clock)
		}
		return
	}
	delay := near
	if waker >= 0 && k.cpus[waker].node != k.cpus[cpu].node {
		delay += o.far - o.near
	}
	k.occupy(t, cpu, t.clock+delay)
	if t != k.cur { // whose turn is not over yet
		k.q.set(t.actor, t.clock)
	}
}

// choose picks the CPU for a thread that wakes up: its last one; an idle core under
// the same L3; an idle CPU there; then the same elsewhere, nearest first. If no CPU
// is idle, it is the last one or the one with the shortest queue.
func (k *Machine) choose(t *thread) int32 {
	o := &k.kernel
	last := t.cpu
	if last >= 0 && o.cpus[last].cur == nil && t.allowed.has(last) && (o.busy[t.core] == 0 || o.idle[k.cpus[last].l3] == 1) {
		return last
	}
	home := int32(0)
	if last >= 0 {
		home = k.cpus[last].node
		if cpu := k.idleIn(t, k.cpus[last].l3); cpu >= 0 {
			return cpu
		}
	}
	for _, n := range k.nodes[home].near {
		if o.idleCPUs[n] == 0 {
			continue
		}
		best, bestIdle := int32(-1), int32(0)
		for _, c := range k.nodes[n].cores {
			if g := k.cores[c].l3; o.idle[g] > bestIdle {
				if cpu := k.idleIn(t, g); cpu >= 0 {
					best, bestIdle = cpu, o.idle[g]
				}
			}
		}
		if best >= 0 {
			return best
		}
	}
	if last >= 0 && t.allowed.has(last) {
		return last
	}
	best, least := int32(-1), 0
	for _, cpu := range k.online {
		if n := len(o.cpus[cpu].queue); t.allowed.has(cpu) && (best < 0 || n < least) {
			best, least = cpu, n
		}
	}
	return best
}

// idleIn returns an idle CPU of an L3 group, of an idle core if there is one, or -1.
func (k *Machine) idleIn(t *thread, group int32) int32 {
	o := &k.kernel
	if o.idle[group] == 0 {
		return -1
	}
	half := int32(-1)
	for _, c := range k.l3s[group].cores {
		if int(o.busy[c]) == len(k.cores[c].cpus) {
			continue
		}
		for _, cpu := range k.cores[c].cpus {
			if o.cpus[cpu].cur == nil && t.allowed.has(cpu) {
				if o.busy[c] == 0 {
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

// spread places a new thread as Linux does on clone: on the node with the most idle
// CPUs. Among equals, the parent's node comes first.
func (k *Machine) spread(t *thread, at Time, parent int32) {
	o := &k.kernel
	home := int32(0)
	if parent >= 0 {
		home = k.cpus[parent].node
	}
	best := int32(-1)
	for _, n := range k.nodes[home].near {
		if o.idleCPUs[n] > 0 && (best < 0 || o.idleCPUs[n] > o.idleCPUs[best]) {
			best = n
		}
	}
	if best >= 0 {
		t.cpu = k.nodes[best].cpus[0]
		t.core = k.cpus[t.cpu].core
	}
	cpu := k.choose(t)
	if best >= 0 {
		t.cpu = -1
	}
	if o.cpus[cpu].cur != nil {
		t.cpu = cpu
		t.core = k.cpus[cpu].core
		k.enqueue(t, cpu)
		return
	}
	delay := o.near
	if parent >= 0 && k.cpus[parent].node != k.cpus[cpu].node {
		delay = o.far
	}
	k.occupy(t, cpu, at+delay)
	k.q.set(t.actor, t.clock)
}

// Futexsleep implements sched.Machine. For callers from outside it runs events until
// the word has changed. If no event is left that could change it, it panics with a
// [StallError]; see [Guard].
func (k *Machine) Futexsleep(m *machine.M, w machine.Word, val uint32, ns int64) {
	t := threadOf(m)
	if t == nil {
		start := k.now
		over := func() bool {
			return w.Peek() != val || ns >= 0 && k.now >= start+Time(ns)*Nanosecond
		}
		if !k.loopApart(over) {
			if ns >= 0 {
				k.now = max(k.now, start+Time(ns)*Nanosecond)
				return
			}
			k.fault = &StallError{Why: "no event is left and nobody has woken the caller"}
			k.stall()
		}
		return
	}
	k.stats.futexes++
	k.charge(t, k.kernel.syscall)
	if w.Peek() != val {
		return
	}
	k.lockBucket(t, w.Addr)
	t.clock += k.kernel.sleeping
	k.record(t, 1<<40)
	t.wait, t.state = w.Addr, blocked
	k.waiting[w.Addr] = append(k.waiting[w.Addr], t)
	if ns >= 0 {
		t.deadline = t.clock + Time(ns)*Nanosecond
	} else {
		t.deadline = never
	}
	k.leave(t)
	k.yield(t)
}

// unwait removes t from the futex that it waits for.
func (k *Machine) unwait(t *thread) {
	list := k.waiting[t.wait]
	for i, v := range list {
		if v == t {
			list = append(list[:i], list[i+1:]...)
			break
		}
	}
	if len(list) == 0 {
		delete(k.waiting, t.wait)
	} else {
		k.waiting[t.wait] = list
	}
	t.wait = nil
}

// Futexwakeup implements sched.Machine. Threads wake in the order in which they
// went to sleep.
func (k *Machine) Futexwakeup(m *machine.M, w machine.Word, n int) {
	t := threadOf(m)
	at, from := k.now, int32(-1)
	if t != nil {
		k.stats.futexes++
		k.charge(t, k.kernel.syscall)
		k.record(t, 2<<40)
		if len(k.waiting[w.Addr]) > 0 { // else the kernel sees that without the lock
			k.lockBucket(t, w.Addr)
		}
		at, from = t.clock, t.cpu
	}
	for ; n > 0 && len(k.waiting[w.Addr]) > 0; n-- {
		s := k.waiting[w.Addr][0]
		k.unwait(s)
		if t != nil {
			t.clock += k.kernel.waking
			at = t.clock
		}
		k.q.clear(s.actor)
		// The clock of a thread that is still going to sleep is ahead of the waker's.
		k.ready(s, at, from, k.kernel.near)
		if s.state == running {
			k.wakes[bucket(s.clock-at)]++
		}
	}
	if t != nil {
		k.sync(t)
	}
}

// Procyield implements sched.Machine: a few pauses, whose length differs from
// CPU to CPU.
func (k *Machine) Procyield(m *machine.M) {
	if t := threadOf(m); t != nil {
		t.clock += procyield
		if t.clock >= k.q.next.at {
			k.pause(t)
		}
	}
}

const procyield = 300 * Nanosecond // assumed: seven PAUSEs of 140 cycles each at 3 GHz, Skylake and later

// Osyield implements sched.Machine.
func (k *Machine) Osyield(m *machine.M) {
	t := threadOf(m)
	if t == nil {
		return
	}
	k.stats.futexes++
	k.charge(t, k.kernel.syscall)
	if len(k.kernel.cpus[t.cpu].queue) > 0 {
		k.switchOut(t)
	}
}

// Bind implements sched.Machine.
func (k *Machine) Bind(m *machine.M, cpus topology.CPUSet) error {
	if t := threadOf(m); t != nil {
		k.bind(t, cpus)
	}
	return nil
}

func (k *Machine) bind(t *thread, cpus topology.CPUSet) {
	k.charge(t, k.kernel.syscall)
	t.allowed = &cpuMask{set: cpus, n: cpus.Len()}
	if !t.allowed.has(t.cpu) {
		// The kernel does it this way, too: sleep here, wake up there.
		t.clock += k.kernel.moving
		t.state = blocked
		k.leave(t)
		k.ready(t, t.clock, -1, 0)
		k.yield(t)
	}
}

// Attach implements sched.Machine: nobody is outside.
func (k *Machine) Attach(func(topology.CPUSet, string)) (detach func(), err error) {
	return func() {}, nil
}

// GrowProcs implements sched.Machine: there is nothing to prepare.
func (k *Machine) GrowProcs(int) {}

// BoundHere implements sched.Machine: an M has one thread all its life.
func (k *Machine) BoundHere(*machine.M) bool { return true }

// Getcpu implements sched.Machine.
func (k *Machine) Getcpu(m *machine.M) int {
	if t := threadOf(m); t != nil {
		return int(t.cpu)
	}
	return -1
}

// popcount is the number of bits set in a word of sectors.
func popcount(x uint64) int64 { return int64(bits.OnesCount64(x)) }
