package sched

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"numasched/sched/policy"

	"pgregory.net/rapid"
)

// ringM returns an M, with a P, that can operate on rings outside a scheduler.
func ringM() *M { return &M{s: &Sched{}, p: &P{gpool: &gPool{}}} }

// free returns the free Gs that m's P has in its ring and its magazines.
func (m *M) free() []*G {
	var gs []*G
	r := &m.p.ring
	for at := r.tail; at != r.fresh; at++ {
		gs = append(gs, r.slots[at%ringSize].load())
	}
	for _, l := range append(m.p.gpool.full, m.p.gfree, m.p.gspare) {
		for gp := l.head; gp != nil; gp = gp.next {
			gs = append(gs, gp)
		}
	}
	return gs
}

func named(i int) *G { return &G{arg: Arg{A: i}} }

// takeLast takes the newest G of a ring, private or public.
func (r *ring) takeLast(m *M) *G {
	gp := r.recallNewest(m)
	if gp != nil {
		r.keep()
	}
	return gp
}

// recallNewest takes the newest G, and leaves its slot as one of a free G.
func (r *ring) recallNewest(m *M) *G {
	if gp := r.newest(); gp != nil {
		r.drop()
		return gp
	}
	return r.recall(m)
}

// half is what a thief takes.
func half(_ *ring, _, n uint32) uint32 { return policy.StealHalf(n) }

// A ring is a double-ended queue: whatever is pushed comes out once, oldest
// first by get, grab and shed, newest first by pop and recall. Thieves see what is public.
// What is recalled is free, and comes out again once, by a fork.
func TestRingIsADeque(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, robber := ringM(), ringM()
		r, thief := &m.p.ring, &robber.p.ring
		var model []*G
		free := map[*G]bool{}
		next, private := 0, 0
		publishAll := func() {
			r.publish(m, r.private())
			private = 0
		}
		take := func(got, want *G) {
			if got != want {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				gp := named(next)
				next++
				if ok := r.push(m, gp); ok != (len(model) < ringSize) {
					t.Fatalf("push to a ring of %d: %v", len(model), ok)
				} else if ok {
					model = append(model, gp)
					private++
				}
			},
			"pushMany": func(t *rapid.T) {
				for range rapid.IntRange(1, 300).Draw(t, "n") {
					gp := named(next)
					next++
					if r.push(m, gp) {
						model = append(model, gp)
						private++
					}
				}
			},
			"publish": func(t *rapid.T) {
				n := rapid.IntRange(0, private).Draw(t, "n")
				r.publish(m, uint32(n))
				private -= n
			},
			"pop": func(t *rapid.T) {
				var want *G
				if n := len(model); n > 0 {
					want, model = model[n-1], model[:n-1]
				}
				private = max(0, private-1)
				take(r.takeLast(m), want)
			},
			"recall": func(t *rapid.T) {
				var want *G
				if n := len(model); n > 0 {
					want, model = model[n-1], model[:n-1]
					free[want] = true
				}
				private = max(0, private-1)
				take(r.recallNewest(m), want)
			},
			"fork": func(t *rapid.T) {
				for r.hasFresh() {
					gp := m.p.takeFresh()
					if !free[gp] {
						t.Fatalf("a fork got %v, which is not free", gp)
					}
					delete(free, gp)
					model = append(model, gp)
					private++
				}
			},
			"get": func(t *rapid.T) {
				publishAll()
				var want *G
				if len(model) > 0 {
					want, model = model[0], model[1:]
				}
				take(r.get(m), want)
			},
			"grab": func(t *rapid.T) {
				mine := named(next)
				next++
				thief.push(robber, mine)
				take(thief.recallNewest(robber), mine)
				n := r.grab(robber, thief, r.state.load(robber), half)
				if want := uint32(len(model)-private+1) / 2; n != want {
					t.Fatalf("grabbed %d of %d, %d of them private, want %d", n, len(model), private, want)
				}
				for range n {
					take(thief.get(robber), model[0])
					model = model[1:]
				}
				if free := robber.free(); !slices.Contains(free, mine) {
					t.Fatalf("the thief has lost a free G: it has %v", free)
				}
			},
			"shed": func(t *rapid.T) {
				publishAll()
				var q gQueue
				if shed := r.shed(m, &q); shed != (len(model) == ringSize) {
					t.Fatalf("shed of %d: %v", len(model), shed)
				}
				for gp := q.pop(); gp != nil; gp = q.pop() {
					take(gp, model[0])
					model = model[1:]
				}
			},
			"fill": func(t *rapid.T) {
				publishAll()
				var q gQueue
				n := rapid.IntRange(0, ringSize-len(model)).Draw(t, "n")
				for range n {
					gp := named(next)
					next++
					q.push(gp)
					model = append(model, gp)
				}
				r.fill(m, &q, n)
			},
			"": func(t *rapid.T) {
				if n := r.len(m); int(n) != len(model)-private || int(r.private()) != private {
					t.Fatalf("%d public and %d private, want %d and %d", n, r.private(), len(model)-private, private)
				}
				have := m.free()
				for _, gp := range have {
					if !free[gp] {
						t.Fatalf("%v is among the free Gs", gp)
					}
				}
				if len(have) != len(free) {
					t.Fatalf("%d free Gs, want %d", len(have), len(free))
				}
			},
		})
	})
}

// The head wraps around without a trace.
func TestRingHeadWraps(t *testing.T) {
	m := ringM()
	var r ring
	r.state.v, r.tail, r.shared, r.fresh = headMask-2, headMask-2, headMask-2, headMask-2
	for i := range 10 {
		a, b := named(i), named(i)
		r.push(m, a)
		r.push(m, b)
		r.publish(m, 2)
		if got := r.get(m); got != a {
			t.Fatalf("get at turn %d: got %v", i, got)
		}
		if got := r.takeLast(m); got != b {
			t.Fatalf("pop at turn %d: got %v", i, got)
		}
		if n := r.len(m); n != 0 {
			t.Fatalf("%d left at turn %d", n, i)
		}
		r.push(m, a)
		r.publish(m, 1)
		r.get(m)
	}
}

// With an owner that pushes, pops and gets and thieves that grab, every G comes
// out exactly once.
func TestRingUnderThieves(t *testing.T) {
	const total, thieves = 200_000, 3
	var r ring
	taken := make([]atomic.Int32, total)
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range thieves {
		wg.Go(func() {
			m := ringM()
			var mine ring
			for !stop.Load() {
				if r.grab(m, &mine, r.state.load(m), half) == 0 {
					runtime.Gosched()
				}
				for gp := mine.takeLast(m); gp != nil; gp = mine.takeLast(m) {
					taken[gp.arg.A].Add(1)
				}
			}
		})
	}
	m := ringM()
	took := func(gp *G) {
		if gp != nil {
			taken[gp.arg.A].Add(1)
		}
	}
	for i := range total {
		for !r.push(m, named(i)) {
			r.publish(m, r.private())
			took(r.get(m))
		}
		if r.private() > r.len(m) {
			r.publish(m, (r.private()+1)/2)
		}
		switch i % 7 {
		case 1, 2, 4:
			took(r.takeLast(m))
		case 5:
			r.publish(m, r.private())
			took(r.get(m))
		}
	}
	for gp := r.takeLast(m); gp != nil; gp = r.takeLast(m) {
		took(gp)
	}
	stop.Store(true)
	wg.Wait()
	for i := range taken {
		if n := taken[i].Load(); n != 1 {
			t.Fatalf("G %d was taken %d times", i, n)
		}
	}
}

// A queue keeps its order while it grows, and while Gs leave its middle.
func TestQueueIsFirstInFirstOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type entry struct {
			gp  *G
			pos uint64
		}
		var q gQueue
		var model []entry
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				for range rapid.IntRange(1, 40).Draw(t, "n") {
					gp := new(G)
					model = append(model, entry{gp, q.push(gp)})
				}
			},
			"pop": func(t *rapid.T) {
				gp := q.pop()
				if len(model) == 0 {
					if gp != nil {
						t.Fatal("an empty queue gives a G")
					}
					return
				}
				if gp != model[0].gp {
					t.Fatal("not the oldest G")
				}
				model = model[1:]
			},
			"remove": func(t *rapid.T) {
				if len(model) == 0 {
					return
				}
				i := rapid.IntRange(0, len(model)-1).Draw(t, "i")
				q.remove(model[i].pos)
				model = append(model[:i:i], model[i+1:]...)
			},
			"": func(t *rapid.T) {
				pos, ok := q.last()
				if q.n != len(model) || ok != (len(model) > 0) || ok && pos != model[len(model)-1].pos {
					t.Fatalf("%d Gs, the last at %d (%v), want %d", q.n, pos, ok, len(model))
				}
			},
		})
	})
}
