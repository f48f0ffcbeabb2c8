package sim

import "math/bits"

// queue is the event queue: a 4-ary heap with at most one event per actor, in the
// total order (time, actor). An actor is a thread, a class of memory flows or a timer.
// Actors are numbered from 0 in the order of their creation, so the order of events
// depends on the simulation alone.
//
// While an actor runs, it stays at the root with the key that it was taken at, which
// is the least of all. Putting it back is then one sift-down, not a pop and a push.
// next is the earliest other event: the running actor may go on without a switch
// until then (its lookahead).
type queue struct {
	heap    []event
	pos     []int32 // by actor: index in heap, or -1
	running bool    // the root is the running actor
	next    event   // the earliest event of another actor; at end if there is none; see hold
	end     Time    // no actor goes on beyond it without a switch
}

type event struct {
	at Time
	id int32
}

// before reports whether a comes before b.
func (a event) before(b event) bool { return a.less(b) != 0 }

// less is 1 if a comes before b, else 0. There is no branch in it. Times are at least 0.
func (a event) less(b event) int32 {
	_, borrow := bits.Sub64(uint64(uint32(a.id-held)), uint64(uint32(b.id-held)), 0)
	_, borrow = bits.Sub64(uint64(a.at), uint64(b.at), borrow)
	return int32(borrow)
}

// Numbers that no actor has: next has them if there is no event, and while hold is on.
const (
	nobody = -1
	held   = -2 // the least
)

var noEvent = event{at: never, id: nobody}

// actor makes room for one more actor and returns its number.
func (q *queue) actor() int32 {
	q.pos = append(q.pos, -1)
	return int32(len(q.pos) - 1)
}

// take lets the actor of the earliest event run. It returns false if there is no
// event.
func (q *queue) take() (event, bool) {
	if len(q.heap) == 0 {
		return noEvent, false
	}
	q.running = true
	q.next = noEvent
	q.lookahead()
	return q.heap[0], true
}

// hold keeps the running actor from going on without a switch, until its turn ends.
func (q *queue) hold(now Time) { q.next = event{now, held} }

// lookahead computes next after the heap below the root has changed.
func (q *queue) lookahead() {
	if q.next.id == held {
		return
	}
	if len(q.heap) > 4 {
		q.next = q.heap[1+earliest(q.heap[1:5:5])]
		return
	}
	q.next = event{q.end, nobody}
	for i := 1; i < len(q.heap); i++ {
		if q.next.id == nobody || q.heap[i].before(q.next) {
			q.next = q.heap[i]
		}
	}
}

// put ends the running actor's turn; its next event is at t.
func (q *queue) put(t Time) {
	q.running = false
	q.heap[0].at = t
	q.down(0)
}

// drop ends the running actor's turn; it has no event.
func (q *queue) drop() {
	q.running = false
	q.removeAt(0)
}

// set gives an event to an actor that does not run. It replaces any event that the
// actor had.
func (q *queue) set(id int32, t Time) {
	e := event{t, id}
	i := q.pos[id]
	if i < 0 {
		i = int32(len(q.heap))
		q.heap = append(q.heap, e)
		q.pos[id] = i
		q.up(i)
		if q.running && (q.next.id == nobody || e.before(q.next)) {
			q.next = e
		}
		return
	}
	old := q.heap[i]
	if e == old { // a class of flows whose rate is what it was
		return
	}
	q.heap[i] = e
	if e.before(old) {
		q.up(i)
	} else {
		q.down(i)
	}
	if q.running {
		q.lookahead()
	}
}

// clear removes the event of an actor that does not run.
func (q *queue) clear(id int32) {
	if i := q.pos[id]; i >= 0 {
		q.removeAt(i)
		if q.running {
			q.lookahead()
		}
	}
}

func (q *queue) removeAt(i int32) {
	last := int32(len(q.heap) - 1)
	q.pos[q.heap[i].id] = -1
	e := q.heap[last]
	q.heap = q.heap[:last]
	if i == last {
		return
	}
	old := q.heap[i]
	q.heap[i] = e
	q.pos[e.id] = i
	// The root is always sifted down: an event that was set at this very moment may come
	// before the running actor's key.
	if i > 0 && e.before(old) {
		q.up(i)
	} else {
		q.down(i)
	}
}

func (q *queue) up(i int32) {
	e := q.heap[i]
	floor := int32(0) // nobody may take the root of the running actor
	if q.running {
		floor = 1
	}
	for i > floor {
		parent := (i - 1) / 4
		if parent < floor || !e.before(q.heap[parent]) {
			break
		}
		q.heap[i] = q.heap[parent]
		q.pos[q.heap[i].id] = i
		i = parent
	}
	q.heap[i] = e
	q.pos[e.id] = i
}

// earliest returns which of four events comes first. That is never known beforehand, so there is
// no branch to predict.
func earliest(four []event) int32 {
	_ = four[3]
	a, b := four[1].less(four[0]), 2+four[3].less(four[2])
	return a + (b-a)*four[b&3].less(four[a&3])
}

func (q *queue) down(i int32) {
	n := int32(len(q.heap))
	e := q.heap[i]
	for {
		first := 4*i + 1
		if first >= n {
			break
		}
		least := first
		if first+4 <= n {
			four := q.heap[first : first+4 : first+4] // as earliest does; a call in this loop shows
			a, b := four[1].less(four[0]), 2+four[3].less(four[2])
			least += a + (b-a)*four[b&3].less(four[a&3])
		} else {
			for c := first + 1; c < n; c++ {
				if q.heap[c].before(q.heap[least]) {
					least = c
				}
			}
		}
		if !q.heap[least].before(e) {
			break
		}
		q.heap[i] = q.heap[least]
		q.pos[q.heap[i].id] = i
		i = least
	}
	q.heap[i] = e
	q.pos[e.id] = i
}
