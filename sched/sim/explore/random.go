package explore

import (
	"math"
	"math/rand/v2"
)

// A pct is a random schedule after Burckhardt, Kothari, Musuvathi and Nagarakatti,
// "A randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS
// 2010. Threads have random priorities, and the first thread that can goes on. At d-1
// random points the thread that runs becomes the last. A bug of depth d among n threads
// and k points is found with a probability of at least 1/(n k^(d-1)).
type pct struct {
	rand    *rand.Rand
	source  *rand.PCG
	changes []int // points, of which there are len(changes) = d-1
	length  int   // of the longest execution so far, the k of the next
	next    int   // the first point that is in changes and has not passed
	readied int   // Machine.readied when it was last decided who goes on
}

func newPCT(seed uint64, depth int) *pct {
	src := rand.NewPCG(seed, 0)
	return &pct{rand: rand.New(src), source: src, changes: make([]int, max(depth-1, 0)), length: 64}
}

// begin draws the schedule of execution i.
func (r *pct) begin(seed, i uint64) {
	r.source.Seed(seed, i)
	for k := range r.changes {
		r.changes[k] = 1 + r.rand.IntN(r.length)
	}
}

// start implements picker.
func (r *pct) start(x *Machine) { x.every, r.next, r.readied = true, 0, -1 }

// pick implements picker.
func (r *pct) pick(x *Machine, t *thread, runnable bool) *thread {
	if runnable && !t.free && x.step < r.next && x.readied == r.readied {
		return t // still the first
	}
	r.length = max(r.length, x.step)
	r.readied, r.next = x.readied, math.MaxInt
	passes := false // time passes although others can go on
	for k, at := range r.changes {
		switch {
		case at == x.step && r.rand.IntN(4) == 0:
			passes = true
		case at == x.step && runnable:
			t.prio = -1 - k
		case at > x.step:
			r.next = min(r.next, at)
		}
	}
	if t.free && runnable && r.rand.IntN(2) == 0 {
		t.prio = -1 - len(r.changes) - x.step // a yield: behind all others
	}
	var best *thread
	if runnable {
		best = t
		r.rank(t)
	}
	for _, o := range x.candidates(t) {
		best = r.first(best, o)
	}
	if best == nil || passes {
		var due *thread
		for _, o := range x.dueNext() {
			due = r.first(due, o)
		}
		if due != nil {
			return due
		}
	}
	return best
}

// first returns one of the two that goes on first. a may be nil.
func (r *pct) first(a, b *thread) *thread {
	r.rank(b)
	if a == nil || b.prio > a.prio {
		return b
	}
	return a
}

// early implements picker.
func (r *pct) early(*Machine, *thread) bool { return r.rand.IntN(32) == 0 }

// rank gives t a priority when it is first met.
func (r *pct) rank(t *thread) {
	if t.prio == 0 {
		t.prio = 1 + r.rand.IntN(1<<20)
	}
}
