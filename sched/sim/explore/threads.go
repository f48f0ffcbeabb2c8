package explore

import (
	"errors"
	"fmt"

	"numasched/sched/internal/machine"
)

// Which thread goes on. One thread runs at a time, and gives way at points alone.
//
// Invariants:
//
//   - x.cur runs. All others stand at a point, sleep, or have ended.
//   - Only pick chooses who goes on. Every choice that is not the usual one is a Deviation, as is
//     an early wake (clock.go). So the deviations are enough to repeat an execution.

// maxThreads is how many Ms there may be at most, including that of the callers.
const maxThreads = 16

// A thread is an M as the explorer sees it. Thread 0 is the goroutine that calls Run and
// Close. It is scheduled like the others, but it is not stepped.
type thread struct {
	id    int
	m     *machine.M // nil for thread 0
	state state
	word  machine.Word // that it sleeps on; noWord in a system call
	until int64        // when its sleep ends at the latest; noEnd
	await func() bool  // its G is busy until this holds

	free bool // its next point is a yield: another may go on at no cost
	last int  // the word that it was about to access at its last point, or -1

	hash uint64 // of everything that has influenced it
	look uint64 // of what it has read since it last yielded, see yield
	seen uint64 // the look before that
	away int    // 1 + the decision on the search's stack at which others went on instead; 0: it has gone on since
	prio int    // of random schedules
}

type state uint8

const (
	ready   state = iota
	asleep        // in Futexsleep, or in a system call that takes time
	settled       // thread 0 only: goes on when no other can
	ended
)

// A picker decides which thread goes on.
type picker interface {
	// start is called before the first pick of an execution. It sets x.every
	// and, like pick, x.until and x.hashing.
	start(x *Machine)

	// pick returns the thread that goes on at a point of t: t itself, which runnable
	// says can go on, or one of x.candidates, or one of x.dueNext.
	pick(x *Machine, t *thread, runnable bool) *thread

	// early reports whether t, which is about to sleep, wakes at once for no reason.
	early(x *Machine, t *thread) bool
}

// errAborted unwinds thread 0 when Machine.err is set.
var errAborted = errors.New("explore: execution aborted")

func (x *Machine) newThread(m *machine.M) *thread {
	id := len(x.threads)
	if id == maxThreads {
		x.fail(fmt.Errorf("more than %d Ms", maxThreads-1))
	}
	if id == len(x.pool) {
		x.pool = append(x.pool, new(thread))
	}
	t := x.pool[id]
	*t = thread{id: id, m: m, last: -1, hash: 0x9E3779B97F4A7C15}
	x.threads = append(x.threads, t)
	x.readied++
	return t
}

// point is where another thread may go on before t accesses the word.
func (x *Machine) point(t *thread, i int) {
	x.step++
	t.last = i
	if x.step > x.maxSteps {
		x.fail(fmt.Errorf("no end after %d accesses: the Ms keep each other busy", x.maxSteps))
		return
	}
	if x.picker == nil {
		return
	}
	if t.free || x.step >= x.until && (x.every || i >= len(x.marked) || x.marked[i]) {
		if next := x.pick(t, true); next != t {
			x.handOver(t, next)
		}
	}
}

// pick returns the thread that goes on. t is the one that runs.
func (x *Machine) pick(t *thread, runnable bool) *thread {
	next := x.usual(t, runnable)
	if x.picker != nil {
		next = x.picker.pick(x, t, runnable)
	}
	if runnable {
		t.free = false
	}
	if x.picker != nil && next != x.usual(t, runnable) {
		x.deviations = append(x.deviations, Deviation{x.step, next.id})
	}
	if next != nil && next.state == asleep {
		if !runnable && len(x.candidates(t)) == 0 {
			x.attended()
		} else {
			x.hurried = true
		}
		x.advance(next.until)
	}
	return next
}

// usual returns the thread that goes on unless a picker wants another: t if it can, else
// the next in turn, else the first whose sleep ends, or nil if there is none.
func (x *Machine) usual(t *thread, runnable bool) *thread {
	if runnable {
		return t
	}
	if c := x.candidates(t); len(c) > 0 {
		return c[0]
	}
	if c := x.dueNext(); len(c) > 0 {
		return c[0]
	}
	return nil
}

// candidates returns the threads other than t that can go on, in turn after t.
func (x *Machine) candidates(t *thread) []*thread {
	n, all := 0, len(x.threads)
	for k := 1; k < all; k++ {
		id := t.id + k
		if id >= all {
			id -= all
		}
		if o := x.threads[id]; o.state == ready && (o.await == nil || o.await()) {
			x.others[n] = o
			n++
		}
	}
	return x.others[:n]
}

// block lets others go on until t can go on and is chosen.
func (x *Machine) block(t *thread) {
	x.step++
	next := x.blocked(t)
	if next == nil {
		return
	}
	if next != t {
		x.handOver(t, next)
	}
}

// blocked returns the thread that goes on when t cannot, or nil after a failure.
func (x *Machine) blocked(t *thread) *thread {
	if x.err != nil {
		return nil
	}
	if x.usual(t, false) != nil {
		return x.pick(t, false)
	}
	zero := x.threads[0]
	if zero.state == settled {
		if x.idles++; x.idles < 4 {
			zero.state = ready
			return zero
		}
	}
	x.fail(x.stuck())
	return nil
}

// handOver lets next go on. It returns when t goes on again.
func (x *Machine) handOver(t, next *thread) {
	x.next = next
	x.switches++
	if t.id != 0 {
		t.m.Pause()
	} else {
		x.idles = 0
		x.loop()
	}
}

// loop steps threads, in the name of thread 0, until thread 0 goes on.
func (x *Machine) loop() {
	for x.next.id != 0 {
		t := x.next
		x.cur = t
		// Step returns when t has given way to another thread, or when it ends.
		if !t.m.Step() && x.err == nil {
			t.state = ended
			x.step++
			if next := x.blocked(t); next != nil {
				x.next = next
				x.switches++
			}
		}
	}
	x.cur = x.threads[0]
	if x.err != nil {
		panic(errAborted)
	}
}

// fail ends the execution: thread 0 goes on, and unwinds.
func (x *Machine) fail(err error) {
	if x.err == nil {
		x.err = err
	}
	t := x.cur
	x.next = x.threads[0]
	if t.id == 0 {
		panic(errAborted)
	}
	if t.state != ended {
		t.m.Pause() // for ever
	}
}

// stuck says why nobody can go on.
func (x *Machine) stuck() error {
	for _, t := range x.threads {
		if t.await != nil {
			return fmt.Errorf("a wake-up was lost: a G is busy on %s until another G has run, and every other M sleeps", x.name(t))
		}
	}
	if x.threads[0].state == settled {
		return errors.New("the caller waits for the scheduler to become idle, and every M sleeps: a wake-up was lost")
	}
	if x.s != nil && x.closing() {
		return errors.New("every M sleeps while Close waits: it would never end")
	}
	return errors.New("every M sleeps while Run waits, and no deadlock was reported: a wake-up was lost, or a deadlock missed")
}

func (x *Machine) name(t *thread) string {
	if t.id == 0 {
		return "caller"
	}
	return fmt.Sprintf("M%d", t.id-1)
}

// number returns the number of t's M, or -1.
func (t *thread) number() int {
	if t.m == nil {
		return -1
	}
	return t.m.ID
}

// settle lets thread 0 wait until no other thread can go on.
func (x *Machine) settle() {
	t := x.cur
	t.state, x.idles = settled, 0
	x.block(t)
	for _, o := range x.threads {
		if o.await != nil {
			x.fail(x.stuck())
		}
		if o.state == asleep && !o.m.Sleeping(o.word) && !x.inPoller(o.word) {
			name, _ := x.describe(o.word.Line)
			x.fail(fmt.Errorf("%s sleeps on %s, and nobody is left to wake it", x.name(o), name))
		}
	}
}

// yield makes t's next point free, unless t has looked at the same words as between its
// last two yields and has found nothing new. Then to let others go on is to have let them
// go on the time before. What t has looked at is part of its history, so equivalent
// executions yield alike. Where there is no history, every yield is free.
func (x *Machine) yield(t *thread) {
	t.free = !x.hashing || t.look != t.seen
	t.seen, t.look = t.look, 0
}
