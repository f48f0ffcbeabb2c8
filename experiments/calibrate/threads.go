package calibrate

import (
	"iter"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"numasched/numa"
	"numasched/topology"
)

// onThread runs f on a new thread, which ends with f.
func onThread(wg *sync.WaitGroup, cpus topology.CPUSet, f func()) {
	wg.Go(func() {
		runtime.LockOSThread() // never unlocked: the mask dies with the thread
		if !cpus.Empty() {
			_ = numa.SetAffinity(0, cpus) // where this fails, the kernel spreads them itself
		}
		f()
	})
}

// pair returns the CPUs of two threads: the same one if together, else two different
// ones.
func pair(together bool) (a, b topology.CPUSet) {
	topo, err := topology.Host()
	if err != nil {
		return
	}
	list := topo.Allowed.List()
	if len(list) == 0 {
		return
	}
	a = topology.CPURange(list[0], list[0]+1)
	last := list[len(list)-1]
	if b = topology.CPURange(last, last+1); together {
		b = a
	}
	return a, b
}

// handoverNs returns the time that a line takes from core to core.
func handoverNs() float64 {
	const rounds = 1 << 15
	a, b := pair(false)
	var turn atomic.Uint32
	var wg sync.WaitGroup
	return each(2*rounds, func() {
		for side, cpus := range []topology.CPUSet{a, b} {
			onThread(&wg, cpus, func() {
				for range rounds {
					for !turn.CompareAndSwap(uint32(side), uint32(1-side)) {
					}
				}
			})
		}
		wg.Wait()
	})
}

// wakeNs returns how long a thread needs to wake a sleeper on another CPU, and how long
// it takes until the sleeper runs, that call included. A lucky sleeper has not slept yet.
// So the waker waits before it wakes, and the times are medians.
func wakeNs() (call, run float64) {
	const (
		rounds  = 1 << 9
		patient = 30 * time.Microsecond
	)
	a, b := pair(false)
	var word uint32
	var ran atomic.Int64 // when the sleeper ran, since start; 0 until then
	start := time.Now()
	var calls, runs [rounds]float64
	var wg sync.WaitGroup
	onThread(&wg, b, func() {
		for range rounds {
			for atomic.LoadUint32(&word) == 0 {
				numa.FutexWait(&word, 0, 1e9)
			}
			atomic.StoreUint32(&word, 0)
			ran.Store(int64(time.Since(start)))
		}
	})
	onThread(&wg, a, func() {
		for i := range rounds {
			for from := time.Now(); time.Since(from) < patient; {
			}
			ran.Store(0)
			from := time.Since(start)
			atomic.StoreUint32(&word, 1)
			numa.FutexWake(&word, 1)
			calls[i] = float64(time.Since(start) - from)
			for ran.Load() == 0 {
			}
			runs[i] = float64(ran.Load() - int64(from))
		}
	})
	wg.Wait()
	slices.Sort(calls[:])
	slices.Sort(runs[:])
	return calls[rounds/2], runs[rounds/2]
}

// futexNs returns the time of a futex ping-pong of two threads on one CPU, one way, and
// the part of it that the waking thread spends in its system call. It is the least of
// several measurements.
func futexNs() (oneWay, wake float64) {
	const rounds = 1 << 11
	a, b := pair(true)
	oneWay = math.Inf(1)
	for range 7 {
		var turn uint32
		var in [2]time.Duration // in system calls that wake
		var wg sync.WaitGroup
		t := each(2*rounds, func() {
			for side, cpus := range []topology.CPUSet{a, b} {
				onThread(&wg, cpus, func() {
					me, other := uint32(side), uint32(1-side)
					for range rounds {
						for atomic.LoadUint32(&turn) != me {
							numa.FutexWait(&turn, other, 1e8)
						}
						atomic.StoreUint32(&turn, other)
						start := time.Now()
						numa.FutexWake(&turn, 1)
						in[me] += time.Since(start)
					}
				})
			}
			wg.Wait()
		})
		if t < oneWay {
			oneWay, wake = t, float64(in[0]+in[1])/(2*rounds)
		}
	}
	return oneWay, min(wake, oneWay)
}

// newStackNs returns the time to make a coroutine and enter it once.
func newStackNs() float64 {
	const n = 1 << 8
	var stops [n]func()
	t := each(n, func() {
		for i := range stops {
			next, stop := iter.Pull(func(yield func(struct{}) bool) { yield(struct{}{}) })
			next()
			stops[i] = stop
		}
	})
	for _, stop := range stops {
		stop()
	}
	return t
}
