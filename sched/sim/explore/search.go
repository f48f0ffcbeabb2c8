package explore

import (
	"math"
	"math/bits"

	"numasched/sched/internal/machine"
)

// The systematic search is a depth-first walk over the decisions of a stateless model
// checker. Every execution starts from the beginning and repeats the decisions on the
// stack. From there it goes on as usual, and pushes a decision at every point at which
// another thread could go on. The search is bounded by the number of preemptions:
// switches away from a thread that could have gone on (Musuvathi and Qadeer,
// "Iterative context bounding for systematic testing of multithreaded programs", PLDI
// 2007). Switches are free at a wait, at the end of an M, and where an M yields.
//
// Three reductions keep the search small.
//
// Points at which nobody looks. A point is left out if it is before an access to a word
// that only one thread touches, or that nobody writes. The search learns which words
// these are. When an execution makes a word one that several threads touch and one
// writes, the word is marked, and the search of this bound begins again. It ends with a
// set of marked words that no execution has enlarged. Then nothing has been missed:
// take an interleaving with a preemption of t before an unmarked access, and let t go
// on to its next marked access, or wait, before it is preempted. If no other thread's
// access in the interleaving conflicts with what t does in between, the two are
// equivalent. If some conflict, take the first: up to it the interleaving is equivalent
// to one that was explored. The conflict happened there as well, and would have marked
// the word. Words that are made while the program runs are marked from the start.
// An M that ends makes its last accesses without a point before them. Then its last point
// before them takes their place (touchLast).
//
// For this, executions that differ in the order of independent accesses only must give the
// same choices. So whether a yield is free depends on what its thread has read (yield),
// and a sleep with an end reads the clock when it begins.
//
// States seen before. The state at a point follows from the order in which threads
// have accessed words. (This holds for code without data races; whatever Ms share
// besides words is under locks.) This partial order is hashed as it grows: every thread
// by what it has done and seen, every word by who wrote it last and who has read it
// since. Two executions with the same hashes are in the same state (Musuvathi and
// Qadeer, "Partial-order reduction for context-bounded state exploration", 2007). What
// follows needs to be searched once, with the larger number of preemptions left.
// Thieves read a slot of a ring while its owner may write it, and no word says so. They
// then throw away what they have read, so the state does not depend on it. Two states
// may have one hash, with a probability of about 2^-60 for each pair that meets in the
// table. The clock is a word like the others, and what it shows is part of the state.
// A test compares the states that have one hash, field by field (state_test.go).
//
// Preemptions for nothing. If t is preempted before an access, and nothing that others do
// until t goes on conflicts with that access, then t might as well be preempted after it. So
// the search asks what others do if t is preempted at its next point, which it has
// explored by then, all of it until t goes on. If nothing of that conflicts with what t
// does from here to there, others do just the same if t is preempted here, and what comes of
// it is equivalent. So it is left out. Of what others do the search keeps a footprint, and
// any word is in it if a state was met there that was seen before. The two points
// must have the same threads to go on, so t may have woken nobody in between.

// A decision is a point at which more than one thread could go on.
type decision struct {
	step    int
	threads [maxThreads]uint8 // in the order in which they are tried
	n, i    uint8             // how many, and which one is taken
	costs   uint16            // a bit for each that costs a preemption

	// For useful.
	thread   int                   // that was about to go on; -1: it could not
	readied  int                   // Machine.readied then
	switches int                   // Machine.switches then
	followed bool                  // there was a decision after it when the thread went on
	useless  uint16                // a bit for each alternative that need not be tried
	since    footprint             // of the thread, until the next decision
	others   [maxThreads]footprint // by alternative: of others, until the thread went on
}

// A footprint is a set of words that were read, and of those that were written. Several
// words have one bit, so that a set may seem to have what it has not.
type footprint struct {
	read, written [2]uint64
	all           bool // it is not known: there may be any word
}

// add adds an access to the word with a place, see Machine.places.
func (f *footprint) add(i uint16, kind machine.Access) {
	set := &f.read
	if kind != machine.Load {
		set = &f.written
	}
	set[i>>6&1] |= 1 << (i & 63)
}

// conflicts reports whether accesses of f and g may conflict.
func (f *footprint) conflicts(g *footprint) bool {
	if f.all || g.all {
		return true
	}
	for k := range 2 {
		if f.written[k]&(g.read[k]|g.written[k]) != 0 || f.read[k]&g.written[k] != 0 {
			return true
		}
	}
	return false
}

// A search is the walk for one bound.
type search struct {
	stack []decision
	saved []history // by decision: the state there
	depth int       // decisions of the present execution so far
	bound int
	left  int  // preemptions left to the present execution
	cut   bool // its state was seen before: it goes on as usual to its end
	seen  table
	all   bool // of tests: leave out no preemption

	states int64
}

// A history is what the state of a Machine has been hashed to.
type history struct {
	words   []word
	threads [maxThreads]past
	sum     uint64
}

// A past is the history of a thread.
type past struct {
	hash, look, seen uint64
	free             bool
	away             int
}

func (h *history) save(x *Machine) {
	h.words = append(h.words[:0], x.words...)
	for i, t := range x.threads {
		h.threads[i] = past{t.hash, t.look, t.seen, t.free, t.away}
	}
	h.sum = x.sum
}

// restore brings back a state in which x has been before. Words that have been made
// since then had not been accessed.
func (h *history) restore(x *Machine) {
	clear(x.words[copy(x.words, h.words):])
	for i, t := range x.threads {
		p := &h.threads[i]
		t.hash, t.look, t.seen, t.free, t.away = p.hash, p.look, p.seen, p.free, p.away
	}
	x.sum = h.sum
}

// start implements picker.
func (d *search) start(x *Machine) {
	d.depth, d.left, d.cut = 0, d.bound, false
	x.search = d
	d.ahead(x)
}

// ahead lets x run on to the next decision on the stack. Up to the last decision,
// everything is as in the execution before, and the history there has been saved.
func (d *search) ahead(x *Machine) {
	if d.depth < len(d.stack) {
		x.until = d.stack[d.depth].step
		return
	}
	if d.depth > 0 {
		d.saved[d.depth-1].restore(x)
	}
	x.until, x.hashing = 0, true
}

// pick implements picker.
func (d *search) pick(x *Machine, t *thread, runnable bool) *thread {
	next := d.decide(x, t, runnable)
	if next != nil {
		next.away = 0
	}
	return next
}

func (d *search) decide(x *Machine, t *thread, runnable bool) *thread {
	if d.depth < len(d.stack) {
		e := &d.stack[d.depth]
		if e.step != x.step {
			return x.usual(t, runnable)
		}
		d.taken(x, e)
		if e.thread >= 0 && e.i > 0 {
			t.away = d.depth // others go on instead
		}
		return x.threads[e.threads[e.i]]
	}
	free := !runnable || t.free
	if d.cut || !free && d.left == 0 {
		return x.usual(t, runnable)
	}
	e := decision{step: x.step, thread: -1, readied: x.readied, switches: x.switches}
	if runnable {
		e.thread = t.id
		e.add(t, false)
	}
	for _, o := range x.candidates(t) {
		e.add(o, !free)
	}
	if passes := e.n > 0; d.left > 0 || !passes {
		for _, o := range x.dueNext() {
			e.add(o, passes)
		}
	}
	if e.n <= 1 {
		return x.usual(t, runnable)
	}
	if !d.push(x, e, x.stateHash(t, runnable)) {
		return x.usual(t, runnable)
	}
	return x.threads[e.threads[0]]
}

// early implements picker.
func (d *search) early(x *Machine, t *thread) bool {
	if d.depth < len(d.stack) {
		e := &d.stack[d.depth]
		if e.step != x.step {
			return false
		}
		d.taken(x, e)
		return e.i == 1
	}
	if d.cut || d.left == 0 {
		return false
	}
	e := decision{step: x.step, thread: -1}
	e.add(t, false) // sleeps
	e.add(t, true)  // does not
	d.push(x, e, x.stateHash(t, true)+1)
	return false
}

func (e *decision) add(t *thread, costs bool) {
	e.threads[e.n] = uint8(t.id)
	if costs {
		e.costs |= 1 << e.n
	}
	e.n++
}

// taken accounts for the decision that comes next on the stack.
func (d *search) taken(x *Machine, e *decision) {
	d.depth++
	d.left -= int(e.costs >> e.i & 1)
	d.ahead(x)
}

// push adds a decision, unless what follows from the state with the hash h has been
// searched.
func (d *search) push(x *Machine, e decision, h uint64) bool {
	d.states++
	if d.seen.visited(h, d.left) {
		// From here on, what usually happens has already been seen to the end. The
		// execution goes on only so that the scheduler can be closed and used again.
		d.cut = true
		for _, t := range x.threads {
			if t.away != 0 {
				e := &d.stack[t.away-1]
				e.others[e.i].all = true
			}
		}
		x.until, x.hashing = math.MaxInt, false
		return false
	}
	if d.depth > 0 {
		if e := &d.stack[d.depth-1]; e.i == 0 {
			e.followed = true
		}
	}
	d.stack = append(d.stack, e)
	if d.depth == len(d.saved) {
		d.saved = append(d.saved, history{})
	}
	d.saved[d.depth].save(x)
	d.depth++
	return true
}

// accessed hears of an access of t to the word with a place.
func (d *search) accessed(x *Machine, t *thread, i uint16, kind machine.Access) {
	if d.depth > 0 {
		if e := &d.stack[d.depth-1]; e.i == 0 {
			e.since.add(i, kind)
		}
	}
	for _, o := range x.threads {
		if o.away != 0 && o != t {
			e := &d.stack[o.away-1]
			e.others[e.i].add(i, kind)
		}
	}
}

// next turns to the next execution and returns false if there is none.
func (d *search) next() bool {
	for n := len(d.stack); n > 0; n-- {
		e := &d.stack[n-1]
		if e.i == 0 && !d.all {
			d.useful(e, n)
		}
		for e.i++; e.i < e.n; e.i++ {
			if e.useless>>e.i&1 == 0 {
				d.stack = d.stack[:n]
				return true
			}
		}
	}
	d.stack = d.stack[:0]
	return false
}

// useful finds the preemptions at e that are for nothing. The thread has gone on from e to
// the decision above, which has been searched. What others do if they go on there instead is
// known, until the thread goes on after all. If nothing of that conflicts with what the
// thread did in between, they do the same if they go on at e.
func (d *search) useful(e *decision, n int) {
	if n >= cap(d.stack) || !e.followed {
		return
	}
	above := &d.stack[:n+1][n]
	if e.thread < 0 || above.thread != e.thread || above.switches != e.switches || above.readied != e.readied {
		return
	}
	for i := uint8(1); i < e.n; i++ {
		if e.costs>>i&1 == 0 {
			continue
		}
		for k := uint8(1); k < above.n; k++ {
			if above.threads[k] == e.threads[i] && !e.since.conflicts(&above.others[k]) {
				e.useless |= 1 << i
				e.others[i] = above.others[k]
			}
		}
	}
}

// restart forgets everything, for another bound or another set of marked words.
func (d *search) restart(bound int) {
	d.stack, d.bound = d.stack[:0], bound
	d.seen.clear()
}

// stateHash is the state at a point of t.
func (x *Machine) stateHash(t *thread, runnable bool) uint64 {
	h := x.sum + mix(uint64(x.now)+1)
	if runnable {
		h += mix(t.hash + 1)
		if t.free {
			h += 0x9E3779B97F4A7C15
		}
	}
	return mix(h)
}

// markUnknown marks the words that the scheduler has no name for yet.
func (x *Machine) markUnknown() {
	x.marked = make([]bool, flags, 1024)
	for line := 0; line < 448; line++ {
		name, _ := x.describe(machine.Line(line))
		x.marked = append(x.marked, line == 0 || name == "")
	}
}

// markedWords returns how many of the words that were accessed are marked.
func (x *Machine) markedWords() (n int) {
	for i, place := range x.places {
		if place != 0 && x.marked[i] {
			n++
		}
	}
	return n
}

// A table remembers states, each with the number of preemptions left there. It has a
// fixed size, so it forgets: first the states from which least was searched. A state
// that it has forgotten is searched again.
type table struct {
	slots []uint64 // sets of hashes, their last bits replaced by 1 + preemptions left
	shift int
	used  bool
}

const (
	leftMask = 15 // so a bound is at most 14
	ways     = 4  // slots in a set
)

// newTable returns a table with 2^logSets sets.
func newTable(logSets int) table {
	return table{slots: make([]uint64, ways<<logSets), shift: 64 - logSets}
}

// visited reports whether the state has been seen with at least as many preemptions
// left, and records that it is seen now.
func (tb *table) visited(h uint64, left int) bool {
	set := tb.slots[h>>tb.shift*ways:][:ways]
	key, least := h&^leftMask, 0
	for i, s := range set {
		if s&^leftMask == key && s != 0 {
			if int(s&leftMask) > left {
				return true
			}
			least = i
			break
		}
		if s&leftMask < set[least]&leftMask {
			least = i
		}
	}
	set[least] = key | uint64(left+1)
	tb.used = true
	return false
}

func (tb *table) clear() {
	if tb.used {
		clear(tb.slots)
		tb.used = false
	}
}

// logTable returns the size of a table for a number of executions.
func logTable(executions int64) int {
	return min(max(bits.Len64(uint64(executions))+1, 10), 23)
}
