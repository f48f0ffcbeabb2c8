package numa

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The futex of this system and the one for all others keep the same promises.
var futexes = map[string]struct {
	wait func(*uint32, uint32, int64)
	wake func(*uint32, int) int
}{
	"system":   {FutexWait, FutexWake},
	"portable": {portable.wait, portable.wake},
}

var portable futexTable

func TestWaitReturnsAtOnceIfTheValueDiffers(t *testing.T) {
	for name, f := range futexes {
		word := new(uint32)
		*word = 1
		f.wait(word, 0, -1)
		if n := f.wake(word, 1); n != 0 {
			t.Errorf("%s: %d waiters left", name, n)
		}
	}
}

func TestWaitEndsAtItsTimeout(t *testing.T) {
	for name, f := range futexes {
		word := new(uint32)
		f.wait(word, 0, 0)
		f.wait(word, 0, int64(time.Millisecond))
		if n := f.wake(word, 1); n != 0 {
			t.Errorf("%s: %d waiters left after their timeout", name, n)
		}
	}
}

func TestWakeWakesAsManyAsAskedAndOnlyOnItsAddress(t *testing.T) {
	for name, f := range futexes {
		var words [2]*uint32
		for i := range words {
			words[i] = new(uint32)
		}
		var done [2]sync.WaitGroup
		var back [2]atomic.Int32
		for i := range words {
			for range 3 {
				done[i].Go(func() {
					for atomic.LoadUint32(words[i]) == 0 {
						f.wait(words[i], 0, -1)
						back[i].Add(1)
					}
				})
			}
		}
		woken := 0
		for woken < 2 { // both waits may be entered late
			woken += f.wake(words[0], 2-woken)
			runtime.Gosched()
		}
		if woken != 2 || back[1].Load() != 0 {
			t.Errorf("%s: woke %d, and %d of the other address", name, woken, back[1].Load())
		}
		for i := range words {
			atomic.StoreUint32(words[i], 1)
			f.wake(words[i], 1000)
			done[i].Wait()
		}
	}
}

// Two threads pass a baton back and forth. If a wake-up were lost, both would wait for
// ever.
func TestNoWakeUpIsLost(t *testing.T) {
	for name, f := range futexes {
		t.Run(name, func(t *testing.T) {
			const passes = 20000
			turn := new(uint32)
			var both sync.WaitGroup
			for me := range uint32(2) {
				both.Go(func() {
					for range passes {
						for atomic.LoadUint32(turn) != me {
							f.wait(turn, 1-me, -1)
						}
						atomic.StoreUint32(turn, 1-me)
						f.wake(turn, 1)
					}
				})
			}
			both.Wait()
		})
	}
}

func TestManyWaitersComeAndGoWithTimeouts(t *testing.T) {
	for name, f := range futexes {
		word := new(uint32)
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for range 300 {
					f.wait(word, 0, int64(i)*1000)
				}
			})
		}
		for range 2000 {
			f.wake(word, 2)
		}
		all.Wait()
		if n := f.wake(word, 100); n != 0 {
			t.Errorf("%s: %d waiters left", name, n)
		}
	}
}

func BenchmarkFutexWakeNobody(b *testing.B) {
	for name, f := range futexes {
		b.Run(name, func(b *testing.B) {
			word := new(uint32)
			for b.Loop() {
				f.wake(word, 1)
			}
		})
	}
}

func BenchmarkFutexPingPong(b *testing.B) {
	for name, f := range futexes {
		b.Run(name, func(b *testing.B) {
			turn := new(uint32)
			pass := func(me uint32) {
				for range b.N {
					for atomic.LoadUint32(turn) != me {
						f.wait(turn, 1-me, -1)
					}
					atomic.StoreUint32(turn, 1-me)
					f.wake(turn, 1)
				}
			}
			var both sync.WaitGroup
			both.Go(func() { pass(1) })
			pass(0)
			both.Wait()
		})
	}
}
