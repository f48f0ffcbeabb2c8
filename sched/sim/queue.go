package sim

import "math"

// queue is the event queue: a 4-ary heap of at most one event per actor, in the
// total order (time, actor). An actor is a thread or a class of memory flows;
// actors are numbered from 0 in the order in which they came to be, so that the
// order of events depends on nothing but the simulation itself.
//
// While an actor runs it stays at the root with the key it was taken at, which
// is the least of all; putting it back is then one sift-down instead of a pop
// and a push. next is the time of the earliest other event: the running actor
// may go on without a switch until then (its lookahead).
type queue struct {
	heap    []event
	pos     []int32 // by actor: index in heap, or -1
	running bool    // the root is the running actor
	next    event   // the earliest event that is not the running actor's; at end if there is none; see hold
	end     Time    // no actor may go on beyond without a switch
}

type event struct {
	at Time
	id int32
}

func (a event) before(b event) bool {
	return a.at < b.at || a.at == b.at && a.id < b.id
}

// Numbers of no actor: of next where there is no event, and while hold is on.
const (
	nobody = -1
	held   = -2
)

var noEvent = event{at: never, id: nobody}

// actor makes room for one more actor and returns its number.
func (q *queue) actor() int32 {
	q.pos = append(q.pos, -1)
	return int32(len(q.pos) - 1)
}

// take makes the actor of the earliest event the running one. It returns false
// if there is no event.
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
	q.next = event{q.end, nobody}
	for i := 1; i < len(q.heap) && i <= 4; i++ {
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
	// What has been set at this very moment may come before the running
	// actor's key, so the root is repaired downwards whatever its key was.
	q.heap[0].at = math.MinInt64
	q.removeAt(0)
}

// set gives an actor that does not run its event, in the place of any it had.
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

// clear takes an actor's event away. The actor does not run.
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
	if e.before(old) {
		q.up(i)
	} else {
		q.down(i)
	}
}

func (q *queue) up(i int32) {
	e := q.heap[i]
	floor := int32(0) // the running actor's root is nobody's to take
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

func (q *queue) down(i int32) {
	n := int32(len(q.heap))
	e := q.heap[i]
	for {
		first := 4*i + 1
		if first >= n {
			break
		}
		least := first
		for c := first + 1; c < first+4 && c < n; c++ {
			if q.heap[c].before(q.heap[least]) {
				least = c
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
