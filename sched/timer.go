package sched

import (
	"math"
	"sync/atomic"
)

// Timers. Every P has a heap of them. The M that holds the P runs what is due, in each
// turn of the scheduling loop. An M that finds nothing else to run looks at the other Ps
// of its node, whether they are idle or busy (schedule.go). While Ps of a node are idle,
// an M waits for the first timer of the node (poll.go). If all are busy with Gs that do
// not come back to the scheduler, sysmon asks another node to look (sysmon.go).
//
// Unlike Go, a timer that is stopped leaves its heap at once. A timer knows its position,
// so that costs the logarithm of the heap's size, and no heap holds what is not wanted.
//
// Invariants:
//   - A timer is in at most one heap. When it is, timer.heap says which. pos and period
//     change under the lock of that heap.
//   - timers.next is when the first timer of the heap is due. It is stored before the lock
//     is released, and Node.poll is looked at after that: see poll.go.
//   - Timers of one heap that are due at the same time run in the order in which they
//     were added.

// A timer calls fire once it is due.
type timer struct {
	// fire is called by an M that holds a P and no lock. when is when the timer was due. It
	// may have been deleted or added anew since.
	fire func(m *M, t *timer, when int64)
	arg  any // of fire

	period int64 // of a timer that is due again and again; or 0
	heap   atomic.Pointer[timers]
	pos    int // 1 + index in the heap; 0 while it is in none
}

// timers is the heap of one P.
type timers struct {
	next word64 // when the first is due; 0 if there is none
	lock mutex
	p    *P          // whose heap it is
	heap []timerWhen // 4-ary: the children of i are 4i+1 to 4i+4
	seq  uint64      // of the last timer that was added
}

type timerWhen struct {
	when int64
	seq  uint64 // orders timers that are due at the same time
	t    *timer
}

func (a *timerWhen) before(b *timerWhen) bool {
	return a.when < b.when || a.when == b.when && a.seq < b.seq
}

// whenAfter returns the time d nanoseconds from now, at most the end of time.
func (m *M) whenAfter(d int64) int64 {
	when := m.s.machine.Nanotime(&m.M) + max(d, 0)
	if when < 0 {
		return math.MaxInt64
	}
	return max(when, 1)
}

// addTimer puts t, which is in no heap, into that of m's P.
func (m *M) addTimer(t *timer, when int64) { m.addTimerTo(&m.p.timers, t, when) }

func (m *M) addTimerTo(ts *timers, t *timer, when int64) {
	for {
		t.heap.Store(ts)
		ts.lock.lock(m)
		if !ts.p.timersGone {
			break
		}
		ts.lock.unlock(m)
		ts = &m.ps()[0].timers // P 0 never goes
	}
	ts.add(t, when)
	first := t.pos == 1
	if first {
		ts.setNext(m)
	}
	ts.lock.unlock(m)
	if first {
		m.timerAdded(ts.p.node, when)
	}
}

// delTimer takes t out of its heap, and reports whether it was in one. Nobody else may add
// t meanwhile.
func (m *M) delTimer(t *timer) (was bool) {
	for {
		ts := t.heap.Load()
		if ts == nil {
			return false
		}
		ts.lock.lock(m)
		if t.heap.Load() != ts { // the P has gone, and its timers are elsewhere
			ts.lock.unlock(m)
			continue
		}
		if was = t.pos != 0; was {
			first := t.pos == 1
			ts.remove(t.pos - 1)
			if first {
				ts.setNext(m)
			}
		}
		ts.lock.unlock(m)
		return was
	}
}

// runTimers runs the timers of p that are due, and reports whether there were any. m
// holds a P, which may be another.
func (m *M) runTimers(p *P) (ran bool) {
	ts := &p.timers
	next := ts.next.load(m)
	if next == 0 {
		return false
	}
	now := m.s.machine.Nanotime(&m.M)
	if int64(next) > now {
		return false
	}
	ts.lock.lock(m)
	for len(ts.heap) > 0 && ts.heap[0].when <= now {
		e := ts.heap[0]
		t := e.t
		if t.period > 0 {
			ts.seq++
			ts.heap[0].when, ts.heap[0].seq = nextTick(e.when, t.period, now), ts.seq
			ts.down(0)
		} else {
			ts.remove(0)
		}
		ts.setNext(m)
		ts.lock.unlock(m)
		m.p.stats.Timers++
		if p != m.p {
			m.p.stats.TimersStolen++
		}
		t.fire(m, t, e.when)
		ran = true
		ts.lock.lock(m)
	}
	ts.lock.unlock(m)
	return ran
}

// nextTick returns when a periodic timer is due next that was due at when. Ticks that
// have passed already are left out.
func nextTick(when, period, now int64) int64 {
	if when += period * (1 + (now-when)/period); when < 0 {
		return math.MaxInt64
	}
	return when
}

// firstP returns the first P of n, or P 0 if n has none.
func (m *M) firstP(n *Node) *P {
	l := m.s.layout.load(m)
	if ps := l.psOf[n.index]; len(ps) > 0 && ps[0].id < l.procs {
		return ps[0]
	}
	return l.ps[0]
}

// moveTimers moves all timers of from, which goes and which m has in its hands, to the
// first P of its node, or to P 0.
func (m *M) moveTimers(from *P) {
	src := &from.timers
	src.lock.lock(m)
	from.timersGone = true
	if len(src.heap) == 0 {
		src.lock.unlock(m)
		return
	}
	// Who takes two of these locks takes first that of the P with the greater id.
	dst := &m.firstP(from.node).timers
	if dst != src {
		dst.lock.lock(m)
		if dst.p.timersGone {
			dst.lock.unlock(m)
		}
	}
	if dst == src || dst.p.timersGone {
		dst = &m.ps()[0].timers // P 0 never goes
		dst.lock.lock(m)
	}
	for len(src.heap) > 0 {
		e := src.heap[0]
		src.remove(0)
		e.t.heap.Store(dst)
		dst.add(e.t, e.when)
	}
	src.setNext(m)
	dst.setNext(m)
	when := dst.heap[0].when
	dst.lock.unlock(m)
	src.lock.unlock(m)
	m.timerAdded(dst.p.node, when)
}

// setNext publishes when the first timer is due. ts.lock is held.
func (ts *timers) setNext(m *M) {
	next := uint64(0)
	if len(ts.heap) > 0 {
		next = uint64(ts.heap[0].when)
	}
	if ts.next.v != next { // nobody else writes it
		ts.next.store(m, next)
	}
}

// add puts t into the heap. ts.lock is held.
func (ts *timers) add(t *timer, when int64) {
	ts.seq++
	if ts.heap == nil {
		ts.heap = make([]timerWhen, 0, 8) // of 24 bytes: three whole lines
	}
	ts.heap = append(ts.heap, timerWhen{when, ts.seq, t})
	ts.up(len(ts.heap) - 1)
}

// remove takes the timer at i out of the heap. ts.lock is held.
func (ts *timers) remove(i int) {
	ts.heap[i].t.pos = 0
	last := len(ts.heap) - 1
	e := ts.heap[last]
	ts.heap[last] = timerWhen{}
	if ts.heap = ts.heap[:last]; i == last {
		return
	}
	ts.heap[i] = e
	ts.down(i)
	ts.up(e.t.pos - 1)
}

func (ts *timers) up(i int) {
	e := ts.heap[i]
	for i > 0 {
		parent := (i - 1) / 4
		if !e.before(&ts.heap[parent]) {
			break
		}
		ts.put(i, ts.heap[parent])
		i = parent
	}
	ts.put(i, e)
}

func (ts *timers) down(i int) {
	e := ts.heap[i]
	for {
		first := 4*i + 1
		if first >= len(ts.heap) {
			break
		}
		least := first
		for c := first + 1; c < min(first+4, len(ts.heap)); c++ {
			if ts.heap[c].before(&ts.heap[least]) {
				least = c
			}
		}
		if !ts.heap[least].before(&e) {
			break
		}
		ts.put(i, ts.heap[least])
		i = least
	}
	ts.put(i, e)
}

func (ts *timers) put(i int, e timerWhen) {
	ts.heap[i] = e
	e.t.pos = i + 1
}
