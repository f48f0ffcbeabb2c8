package explore

import (
	"numasched/sched/internal/machine"
)

// Virtual time, and sleeps that end without a wake-up.
//
// The clock stands still while an M can go on. When none can, it shows the time at which
// the first sleep with an end is over, and the Ms whose sleep is over by then go on. It
// may also come to that while others can go on, because computing takes time, too. That
// costs as much as a preemption. The clock is a word: Nanotime reads it, and whoever
// wakes because of it has written it.
//
// A futex may wake a sleeper early, for no reason. Here that happens when the M is about
// to fall asleep, or not at all, and costs as much as a preemption. Then others may go on
// first for free, so it can come as late as it likes.

// noEnd is the end of a sleep without one.
const noEnd = 1<<63 - 1

// Nanotime implements [sched.Machine].
func (x *Machine) Nanotime(*machine.M) int64 {
	if x.err == nil && (x.s != nil || x.model != nil) {
		x.flag(clockWord, machine.Load)
	}
	return x.now
}

// Syscall implements [sched.Machine]. A call that takes no time is one that takes any:
// any number of other points may come first.
func (x *Machine) Syscall(_ *machine.M, ns int64, f func()) {
	if ns > 0 && x.err == nil {
		x.sleep(x.cur, noWord, x.end(ns))
	} else {
		x.yield(x.cur)
	}
	f()
}

// noWord is the word of a thread that sleeps on none.
var noWord machine.Word

// end returns when a sleep of the present thread that begins now is over. It looks at the
// clock, unless ns is less than 0.
func (x *Machine) end(ns int64) int64 {
	if ns < 0 {
		return noEnd
	}
	x.flag(clockWord, machine.Load)
	return x.now + ns
}

// sleep has t sleep on w until then. w is noWord in a system call, which nothing ends early.
func (x *Machine) sleep(t *thread, w machine.Word, until int64) {
	t.state, t.word, t.until = asleep, w, until
	if x.picker != nil && w != noWord && len(x.candidates(t)) > 0 {
		x.step++
		if x.picker.early(x, t) {
			x.deviations = append(x.deviations, Deviation{x.step, t.id})
			x.wake(t)
			x.setHash(t, mix(t.hash+0xA0761D6478BD642F))
			x.yield(t)
			if x.trace != nil {
				x.trace.note(x, t, "wakes for no reason")
			}
			return
		}
	}
	if x.trace != nil {
		x.trace.note(x, t, "sleeps")
	}
	x.block(t)
}

func (x *Machine) wake(t *thread) {
	t.state, t.word = ready, noWord
	x.readied++
}

// dueNext returns the threads whose sleep ends first.
func (x *Machine) dueNext() []*thread {
	n, first := 0, int64(noEnd)
	for _, t := range x.threads {
		if t.state != asleep || t.until > first || t.until == noEnd {
			continue
		}
		if t.until < first {
			n, first = 0, t.until
		}
		x.due[n] = t
		n++
	}
	return x.due[:n]
}

// attended fails the execution if no M can go on before time has passed, and none waits for what
// may come meanwhile.
func (x *Machine) attended() {
	if x.s == nil || x.err != nil || x.closing() {
		return
	}
	if err := x.in.CheckAttended(x.now, x.dozes); err != nil {
		x.fail(err)
	}
}

// dozes reports whether m sleeps for a while.
func (x *Machine) dozes(m *machine.M) bool {
	for _, t := range x.threads {
		if t.m == m {
			return t.state == asleep && t.until != noEnd
		}
	}
	return false
}

// advance has the clock show the given time, and wakes those whose sleep ends by then.
func (x *Machine) advance(to int64) {
	x.now = max(x.now, to)
	for _, t := range x.threads {
		if t.state == asleep && t.until <= x.now {
			x.wake(t)
			x.touch(t, clockWord, machine.RMW)
		}
	}
}
