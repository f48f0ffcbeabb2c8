package sim

// Linux 2.5.39's O(1) scheduler. Its rules, from kernel/sched.c of that version:
//
//   - A thread that has used up its time slice since it last slept waits in the expired
//     array, until all others of the CPU have used up theirs. Sleeping raises the
//     priority. So a thread that sleeps often takes the CPU from a hog when it wakes up.
//   - A child starts on its parent's CPU, and exec does not move it.
//   - Who wakes up goes to the CPU that it had. The exception: a writer to a pipe or a
//     socket, which is about to sleep itself, has the reader come to its own CPU.
//   - A CPU without threads looks for one when its last one leaves and at each tick. It
//     takes one from the CPU with the most if that has two or more.
//   - A CPU with threads looks every 250 ms. The other CPU must have at least about a
//     quarter more, and half of the difference is taken. The other's queue counts with
//     its length now or the last time, whatever is less, and its own with whatever is
//     more.
//   - Expired threads go first, the one that came last before the others. One that had a
//     CPU within the last cache_decay_ticks stays: on Itanium that is 10 ticks of 1/1024 s.
//   - It knows no nodes.
//
// "One at a time" is a part of E. Focht's patches for 2.5.39 (task_to_steal): a CPU that
// has threads, too, takes one only, the one that has waited longest.
type o1 struct {
	*Machine
	o1Rules
	last  [][]int32 // by CPU: the lengths of all queues when it last looked
	busy  Time      // between two looks of a CPU that has threads
	looks bool      // a CPU with threads may move them without another's waiting
}

// o1Rules are what patches for the O(1) scheduler change.
type o1Rules interface {
	// busiest returns the CPU from which a CPU takes threads, and how many; or -1.
	busiest(cpu int32, idle bool) (from int32, n int)
	// choice returns the thread that goes first, or nil.
	choice(from, to int32) *thread
	// exec returns the CPU on which a program begins.
	exec(t *thread) int32
	// allocate is that of an osPolicy.
	allocate(t *thread, node int32, bytes int64) int32
	// settled is called when a CPU that has threads has found none to take.
	settled(cpu int32)
}

const (
	o1Tick  = Second / 1024     // HZ on ia64
	o1Slice = 151 * Millisecond // kernel/sched.c: 10 to 300 ms by priority; this is nice 0
	o1Decay = 10 * o1Tick       // arch/ia64/kernel/smpboot.c
	o1Busy  = 250 * Millisecond // kernel/sched.c: BUSY_REBALANCE_TICK
	o1Patch = 200 * Millisecond // the same in the patches
)

func newO1(k *Machine, _ OSPolicy) osPolicy {
	p := &o1{busy: o1Busy}
	p.init(k, &blind{p})
	return p
}

func newOneAtATime(k *Machine, _ OSPolicy) osPolicy {
	p := &o1{busy: o1Patch}
	p.init(k, &oneAtATime{blind{p}})
	return p
}

func (p *o1) init(k *Machine, rules o1Rules) {
	p.Machine, p.o1Rules = k, rules
	p.last = make([][]int32, len(k.cpus))
	for i := range p.last {
		p.last[i] = make([]int32, len(k.cpus))
	}
}

func (p *o1) every() Time { return o1Tick }

func (p *o1) start(t *thread) int32 {
	if t.plain.parent != nil {
		return p.parentCPU(t)
	}
	return p.exec(t)
}

func (p *o1) wake(t *thread, waker int32) int32 {
	switch {
	case waker >= 0 && t.allowed.has(waker):
		return waker
	case t.allowed.has(t.cpu):
		return t.cpu
	}
	return p.choose(t)
}

func (p *o1) before(t, other *thread) bool     { return !p.expired(t) && p.expired(other) }
func (p *o1) preempts(t, cur *thread) bool     { return p.before(t, cur) }
func (p *o1) ran(*thread)                      {}
func (p *o1) until(_ *thread, since Time) Time { return since + o1Slice }
func (p *o1) expired(t *thread) bool           { return p.used(t) >= o1Slice }

func (p *o1) tick(now Time) {
	busy := now/p.busy != (now-o1Tick)/p.busy
	if len(p.kernel.waiting) == 0 && !(busy && p.looks) {
		return
	}
	p.inTurn(func(cpu int32) {
		switch {
		case p.kernel.cpus[cpu].cur == nil:
			if t := p.pull(cpu); t != nil {
				p.give(t, cpu)
			}
		case busy:
			p.balance(cpu)
		}
	})
}

// pull takes a thread for a CPU that has none.
func (p *o1) pull(cpu int32) *thread {
	from, _ := p.busiest(cpu, true)
	if from < 0 {
		return nil
	}
	t := p.choice(from, cpu)
	if t != nil {
		p.unqueue(t)
	}
	return t
}

// balance takes threads for a CPU that has some.
func (p *o1) balance(cpu int32) {
	from, n := p.busiest(cpu, false)
	if from < 0 {
		p.settled(cpu)
		return
	}
	for ; n > 0 && p.length(from) > p.length(cpu)+1; n-- {
		t := p.choice(from, cpu)
		if t == nil {
			return
		}
		p.unqueue(t)
		p.give(t, cpu)
	}
}

// queue returns the length of a queue as cpu sees it, and notes it.
func (p *o1) queue(of, cpu int32, idle bool) int {
	n := p.length(of)
	seen := n
	if before := int(p.last[cpu][of]); !idle && before < n {
		seen = before
	}
	p.last[cpu][of] = int32(n)
	return seen
}

// own returns the length of cpu's own queue as it counts.
func (p *o1) own(cpu int32, idle bool) int {
	n := p.length(cpu)
	if before := int(p.last[cpu][cpu]); !idle && before > n {
		return before
	}
	return n
}

// mayGo reports whether t, which waits, may be taken to a CPU.
func (p *o1) mayGo(t *thread, to int32) bool {
	return t.allowed.has(to) && (t.busy == 0 || p.now-t.since > o1Decay)
}

// blind is the kernel without patches.
type blind struct{ *o1 }

func (p *blind) exec(t *thread) int32 { return p.loginCPU }
func (p *blind) settled(int32)        {}

func (p *blind) allocate(_ *thread, node int32, _ int64) int32 { return node }

func (p *blind) busiest(cpu int32, idle bool) (int32, int) {
	own := p.own(cpu, idle)
	best, most := int32(-1), 1
	for _, v := range p.online {
		if n := p.queue(v, cpu, idle); n > most && v != cpu {
			best, most = v, n
		}
	}
	n := (most - own) / 2
	if best < 0 || !idle && n < (most+3)/4 || p.length(best) <= p.length(cpu)+1 {
		return -1, 0
	}
	return best, n
}

func (p *blind) choice(from, to int32) *thread {
	q := p.kernel.cpus[from].queue
	for _, expired := range [...]bool{true, false} {
		for i := len(q) - 1; i >= 0; i-- {
			if t := q[i]; p.expired(t) == expired && p.mayGo(t, to) {
				return t
			}
		}
	}
	return nil
}

// oneAtATime takes the thread that has waited longest, and no other.
type oneAtATime struct{ blind }

func (p *oneAtATime) busiest(cpu int32, idle bool) (int32, int) {
	from, n := p.blind.busiest(cpu, idle)
	return from, min(n, 1)
}

func (p *oneAtATime) choice(from, to int32) *thread {
	return p.heaviest(from, func(t *thread) int64 { return p.waited(t, to) })
}

// waited is how many times the decay of a cache t has waited; 0: it may not go.
func (p *o1) waited(t *thread, to int32) int64 {
	if !p.mayGo(t, to) {
		return 0
	}
	if t.busy == 0 {
		return 1
	}
	return int64((p.now - t.since) / o1Decay)
}

// heaviest returns the waiting thread of a CPU with the greatest weight above 0, expired
// ones first among equals.
func (p *o1) heaviest(from int32, weight func(*thread) int64) (best *thread) {
	most := int64(0)
	q := p.kernel.cpus[from].queue
	for _, expired := range [...]bool{true, false} {
		for _, t := range q {
			if p.expired(t) != expired {
				continue
			}
			if w := weight(t); w > most {
				best, most = t, w
			}
		}
	}
	return best
}
