package sched

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A heap gives timers in the order of their times, and those of the same time in the order
// in which they came, whatever was taken out of its midst, and after it has moved to
// another P.
func TestTimersComeInOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		n := new(Node)
		dst, src := &P{node: n}, &P{node: n, id: 1}
		dst.timers.p, src.timers.p = dst, src
		m := &M{s: new(Sched), p: src}
		m.s.layout.v.Store(&layout{procs: 1, ps: []*P{dst}, psOf: [][]*P{{dst}}})
		type entry struct {
			t    *timer
			when int64
		}
		var want []entry
		for range r.IntN(60) {
			e := entry{new(timer), r.Int64N(10) + 1}
			m.addTimer(e.t, e.when)
			want = append(want, e)
			if r.IntN(3) == 0 {
				k := r.IntN(len(want))
				if !m.delTimer(want[k].t) || m.delTimer(want[k].t) {
					t.Fatal("a timer was not in its heap, or was there twice")
				}
				want = slices.Delete(want, k, k+1)
			}
		}
		slices.SortStableFunc(want, func(a, b entry) int { return int(a.when - b.when) })
		m.moveTimers(src)
		if len(src.timers.heap) != 0 || src.timers.next.v != 0 {
			t.Fatalf("%d timers have not moved", len(src.timers.heap))
		}
		for i, e := range want {
			ts := &dst.timers
			if got := ts.heap[0]; got.t != e.t || got.when != e.when || int64(ts.next.v) != e.when {
				t.Fatalf("timer %d of %d is due at %d (published: %d), want another at %d", i, len(want), got.when, ts.next.v, e.when)
			}
			m.delTimer(e.t)
		}
		if len(dst.timers.heap) != 0 {
			t.Fatalf("%d timers too many", len(dst.timers.heap))
		}
	}
}
