package coro

import (
	"iter"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
	"unsafe"
)

func TestStacksSwitchInAnyOrder(t *testing.T) {
	before := runtime.NumGoroutine()
	r := rand.New(rand.NewPCG(1, 2))
	me := Current()
	const n = 50
	var stacks [n]*Stack
	var runs [n]int
	left := 10_000
	for i := range stacks {
		var s *Stack
		s = New(func(canceled bool) {
			for !canceled {
				runs[i]++
				to := me
				if left--; left > 0 {
					for to == me || to == s {
						to = stacks[r.IntN(n)]
					}
				}
				canceled = !s.Switch(to)
			}
		})
		stacks[i] = s
	}
	me.Switch(stacks[0])
	sum := 0
	for _, k := range runs {
		sum += k
	}
	if sum != 10_000 {
		t.Errorf("%d runs, want 10000", sum)
	}
	// End them in another order than that in which they were made.
	for _, i := range r.Perm(n) {
		for !me.End(stacks[i]) {
			t.Fatal("End was refused with nobody else there")
		}
	}
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		}
	}
}

func TestAStackThatNeverRanEnds(t *testing.T) {
	me := Current()
	ran := false
	if s := New(func(canceled bool) { ran = !canceled }); !me.End(s) || ran {
		t.Errorf("ended, and its function ran as if not cancelled: %v", ran)
	}
}

func TestCancelUnwindsAndComesBack(t *testing.T) {
	me := Current()
	var s *Stack
	var told []bool
	s = New(func(canceled bool) {
		for {
			told = append(told, canceled)
			canceled = !s.Switch(me)
			if len(told) == 3 {
				return
			}
		}
	})
	me.Switch(s)
	me.Cancel(s)
	me.Switch(s)
	me.End(s)
	if len(told) != 3 || told[0] || !told[1] || told[2] {
		t.Errorf("cancelled: %v, want false, true, false", told)
	}
}

// Two stacks wait in each other's first cell. Two threads that end one each must not wait
// for each other: each has taken what the other wants next.
func TestEndGivesWayToTheEndOfANeighbour(t *testing.T) {
	me := Current()
	var x, y *Stack
	x = New(func(canceled bool) {
		if !canceled {
			x.Switch(y)
		}
	})
	y = New(func(canceled bool) {
		if !canceled {
			y.Switch(me)
		}
	})
	me.Switch(x)
	if x.cell.Load() != y.born || y.cell.Load() != x.born {
		t.Fatal("x and y do not wait in each other's first cell")
	}

	// Another End of y has taken x, which waits in y's first cell, and looks for y next.
	if y.born.take() != x {
		t.Fatal("x does not wait")
	}
	refused := make(chan bool)
	go func() { refused <- !Current().End(x) }()
	select {
	case r := <-refused:
		if !r {
			t.Fatal("End has ended a stack that somebody else had taken")
		}
	case <-time.After(time.Minute):
		t.Fatal("End waits for a stack that somebody else has taken")
	}
	if y.tryClaim() == nil { // what the other End does next
		t.Fatal("an End that was refused keeps what it had taken")
	}
	y.born.waiter = x // where x.cell says that it waits
	y.born.put()
	x.born.waiter = y
	x.born.put()
	for _, s := range []*Stack{x, y} {
		if !me.End(s) {
			t.Error("End was refused with nobody else there")
		}
	}
}

// Threads switch among stacks that wander between them, while others are made and ended.
func TestStacksWanderBetweenThreads(t *testing.T) {
	const threads, stacks, switches = 4, 12, 3000
	type item struct {
		s    *Stack
		back *Stack // where it goes when it leaves
	}
	pool := make(chan *item, threads*stacks)
	mk := func() *item {
		it := new(item)
		it.s = New(func(canceled bool) {
			for !canceled {
				canceled = !it.s.Switch(it.back)
			}
		})
		return it
	}
	for range threads * stacks / 2 {
		pool <- mk()
	}
	var all sync.WaitGroup
	for i := range threads {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 0))
			me := Current()
			for range switches {
				switch it := <-pool; r.IntN(8) {
				case 0: // end it and make another
					for !me.End(it.s) {
						runtime.Gosched()
					}
					pool <- mk()
				case 1, 2: // through two
					other := <-pool
					it.back, other.back = other.s, me
					me.Switch(it.s)
					pool <- it
					pool <- other
				default:
					it.back = me
					me.Switch(it.s)
					pool <- it
				}
			}
		})
	}
	all.Wait()
	me := Current()
	for range threads * stacks / 2 {
		it := <-pool
		for !me.End(it.s) {
			runtime.Gosched()
		}
	}
}

func BenchmarkSwitch(b *testing.B) {
	me := Current()
	var x, y *Stack
	left := b.N
	body := func(s, peer **Stack) func(bool) {
		return func(canceled bool) {
			for !canceled {
				to := *peer
				if left--; left <= 0 {
					to = me
				}
				canceled = !(*s).Switch(to)
			}
		}
	}
	x, y = New(body(&x, &y)), New(body(&y, &x))
	b.ResetTimer()
	me.Switch(x)
	b.StopTimer()
	for _, s := range []*Stack{x, y} {
		me.End(s)
	}
}

// BenchmarkRing has 2 or 1000 stacks take turns. What 1000 touch does not fit into first-level
// caches.
func BenchmarkRing(b *testing.B) {
	for _, n := range []int{2, 1000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			me, left := Current(), b.N
			ring := make([]*Stack, n)
			for i := range ring {
				ring[i] = New(func(canceled bool) {
					for !canceled {
						to := ring[(i+1)%n]
						if left--; left <= 0 {
							to = me
						}
						canceled = !ring[i].Switch(to)
					}
				})
			}
			b.ResetTimer()
			me.Switch(ring[0])
			b.StopTimer()
			for _, s := range ring {
				for !me.End(s) {
					runtime.Gosched()
				}
			}
		})
	}
}

// BenchmarkFloor is what a Switch cannot be faster than: one change of places of package
// iter, without a word about who waits where.
func BenchmarkFloor(b *testing.B) {
	next, stop := iter.Pull(func(yield func(struct{}) bool) {
		for yield(struct{}{}) {
		}
	})
	b.ResetTimer()
	for range b.N / 2 { // there and back
		next()
	}
	b.StopTimer()
	stop()
}

// BenchmarkGoroutines is what goroutines take for the same: one goroutine blocks and the
// next goes on. It includes the channel.
func BenchmarkGoroutines(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	there, back := make(chan struct{}), make(chan struct{})
	go func() {
		for range there {
			back <- struct{}{}
		}
		close(back)
	}()
	b.ResetTimer()
	for range b.N / 2 {
		there <- struct{}{}
		<-back
	}
	b.StopTimer()
	close(there)
	<-back
}

func TestACellIsACacheLine(t *testing.T) {
	if size := unsafe.Sizeof(cell{}); size != 64 {
		t.Errorf("a cell has %d bytes, want 64", size)
	}
}
