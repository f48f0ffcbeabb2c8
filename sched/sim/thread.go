package sim

import (
	"iter"

	"numasched/sched"
	"numasched/sched/internal/machine"
	"numasched/topology"
)

// A Thread is a thread of an ordinary program that does not use the scheduler. Studies
// of thread placement run these. Only its own function may call its methods.
type Thread struct {
	k      *Machine
	t      *thread
	name   string
	parent *Thread
	next   func() (struct{}, bool)
	leave  func(struct{}) bool
}

// Start makes a thread that runs f on one of cpus; the empty set means any. The thread
// runs during [Machine.RunThreads].
func (k *Machine) Start(name string, cpus topology.CPUSet, f func(*Thread)) *Thread {
	p := k.newPlain(name, cpus, f)
	k.place(p.t, k.now)
	return p
}

// StartAt is [Machine.Start] for a thread that begins at a later time. A thread with a
// parent is forked by it: see [OSPolicy].Start.
func (k *Machine) StartAt(at Time, parent *Thread, name string, cpus topology.CPUSet, f func(*Thread)) *Thread {
	p := k.newPlain(name, cpus, f)
	p.parent = parent
	p.t.deadline = max(at, k.now)
	k.q.set(p.t.actor, p.t.deadline)
	return p
}

func (k *Machine) newPlain(name string, cpus topology.CPUSet, f func(*Thread)) *Thread {
	t := k.newThread()
	p := &Thread{k: k, t: t, name: name}
	t.plain = p
	t.resided = make([]Time, len(k.nodes))
	p.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		p.leave = yield
		f(p)
	})
	if !cpus.Empty() {
		t.allowed = &cpuMask{set: cpus, n: cpus.Len()}
	}
	t.clock = k.now
	return p
}

// RunThreads runs the machine until the given threads have ended. The error is
// a [StallError].
func (k *Machine) RunThreads(threads ...*Thread) error {
	return Guard(func() error {
		over := 0
		done := func() bool {
			for over < len(threads) && threads[over].t.state == ended {
				over++
			}
			return over == len(threads)
		}
		if !k.loop(done) {
			k.fault = &StallError{Why: "no event is left and some threads have not ended"}
			k.stall()
		}
		return nil
	})
}

// Now returns the thread's time.
func (p *Thread) Now() Time { return p.t.clock }

// CPU returns the CPU that the thread is on.
func (p *Thread) CPU() int { return int(p.t.cpu) }

// Busy returns how long the thread has had a CPU so far.
func (p *Thread) Busy() Time { return p.t.onCPU() }

// Residency returns how long the thread has had a CPU on each node, by position, and how
// often it went to another node. Call it while the thread does not run.
func (p *Thread) Residency() (nodes []Time, moves int64) { return p.t.resided, p.t.moves }

// Work does w; see sched.Machine.
func (p *Thread) Work(w *sched.Work) { p.k.work(p.t, w, 0) }

// Access accesses a line of shared words; see machine.Memory.
func (p *Thread) Access(line machine.Line, kind machine.Access) {
	p.k.sync(p.t)
	p.t.clock = p.k.lines.access(p.t.core, p.t.clock, line, kind)
	p.k.sync(p.t)
}

// Compute spends d on the CPU, or longer if the core's other thread is busy. At the end
// of a time slice other threads get the CPU.
func (p *Thread) Compute(d Time) {
	k, t := p.k, p.t
	for d > 0 {
		step := min(d, k.kernel.slice)
		d -= step
		k.sync(t)
		if k.kernel.busy[t.core] > 1 {
			step = step * 1000 / Time(k.preset.SMT.Value)
		}
		t.clock += step
		k.idleRuns = 0
		k.record(t, 4<<40)
		if t.clock >= t.sliceEnd {
			k.preempt(t)
		}
		if t.os.moveTo != 0 {
			k.moved(t)
		}
	}
	k.sync(t)
}

// Sleep gives up the CPU for d, as for a timer, a device or the network.
func (p *Thread) Sleep(d Time) {
	k, t := p.k, p.t
	k.charge(t, k.kernel.syscall)
	t.clock += k.kernel.sleeping
	t.wait, t.state = nil, blocked
	t.deadline = t.clock + d
	k.leave(t)
	t.rested = t.busy
	k.yield(t)
}

// Bind restricts the thread to cpus and moves it there.
func (p *Thread) Bind(cpus topology.CPUSet) { p.k.bind(p.t, cpus) }

// Home places the blocks of a buffer on nodes in turn, by position. Blocks that somebody
// has touched stay where they are.
func (k *Machine) Home(sb *sched.Buffer, nodes []int) {
	b := sb.Local.(*buffer)
	for i := range b.n {
		k.mem.blocks[b.first+i].home = int32(nodes[int(i)%len(nodes)])
	}
}

// BindMemory gives a buffer a memory policy, so that NUMA balancing leaves it where it is.
func (k *Machine) BindMemory(sb *sched.Buffer) {
	b := sb.Local.(*buffer)
	for i := range b.n {
		k.mem.blocks[b.first+i].bound = true
	}
	k.mem.bytes -= sb.Bytes
}

// SoftCPUs has those who wake the thread begin it on one of cpus, as the kernel begins
// workers of a workqueue that is not strict. It may leave them at once. Policies other than
// Linux 6.4 know nothing of it.
func (p *Thread) SoftCPUs(cpus topology.CPUSet) {
	p.t.os.soft = &cpuMask{set: cpus, n: cpus.Len()}
}

// A Queue is a number of things to do that threads leave for each other.
type Queue struct {
	items   int
	waiting []*thread
}

// NewQueue returns a queue with a number of things.
func NewQueue(items int) *Queue { return &Queue{items: items} }

// Put leaves a thing in a queue and wakes the thread that has waited longest for one.
func (p *Thread) Put(q *Queue) {
	k, t := p.k, p.t
	k.charge(t, k.kernel.syscall)
	if len(q.waiting) == 0 {
		q.items++
		return
	}
	s := q.waiting[0]
	q.waiting = q.waiting[1:]
	t.clock += k.kernel.waking
	k.q.clear(s.actor)
	k.ready(s, t.clock, t.cpu, k.kernel.near)
	k.sync(t)
}

// Take takes a thing from a queue. If there is none, the thread sleeps until there is one.
func (p *Thread) Take(q *Queue) {
	k, t := p.k, p.t
	k.charge(t, k.kernel.syscall)
	if q.items > 0 {
		q.items--
		return
	}
	t.clock += k.kernel.sleeping
	t.wait, t.state, t.deadline = nil, blocked, never
	q.waiting = append(q.waiting, t)
	k.leave(t)
	t.rested = t.busy
	k.yield(t)
}

// Close wakes all who wait for a queue. It is called when nothing runs.
func (k *Machine) Close(q *Queue) {
	q.items = 1 << 30
	for _, s := range q.waiting {
		k.ready(s, k.now, s.cpu, k.kernel.near)
	}
	q.waiting = nil
}
