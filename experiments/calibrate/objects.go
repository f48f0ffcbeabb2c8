package calibrate

import (
	"errors"
	"runtime"
	"sync"
	"unsafe"

	"numasched/sched"
	"numasched/sched/host"
	"numasched/sched/policy"
)

// manyPages is a number of pages beside which a buffer's other costs do not matter.
const manyPages = 64

// bufferNs returns the time to make a buffer with a number of pages, to write each page
// for the first time, and to give the buffer back.
func bufferNs(pages int) (float64, error) {
	m, err := host.New(host.Config{Procs: 1})
	if err != nil {
		return 0, err
	}
	defer m.Close()
	var failed error
	t := best(func() float64 {
		return each(16, func() {
			for range 16 {
				b, err := m.NewBuffer(int64(pages)<<12, sched.Default)
				if err != nil {
					failed = err
					return
				}
				for x := sched.Slice[uint64](b, pages<<9); len(x) > 0; x = x[1<<9:] {
					x[0] = 1
				}
				m.FreeBuffer(b)
			}
		})
	})
	return t, failed
}

// allocNs returns the time of an Alloc or a Free of a small object by the only G.
func allocNs() (ns float64, err error) {
	const n, batch = 1 << 12, 64
	m, err := host.New(host.Config{Procs: 1})
	if err != nil {
		return 0, err
	}
	defer m.Close()
	a, err := policy.ByName("flat")
	if err != nil {
		return 0, err
	}
	s, err := sched.New(sched.Config{Machine: m, Arm: a, Procs: 1})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	var failed error
	err = s.Run(func(g *sched.G) {
		ns = best(func() float64 {
			return each(2*n*batch, func() {
				var some [batch]unsafe.Pointer
				for range n {
					for i := range some {
						if some[i], failed = g.Alloc(64); failed != nil {
							return
						}
					}
					for _, p := range some {
						g.Free(p)
					}
				}
			})
		})
	})
	return ns, errors.Join(err, failed)
}

// objectNs returns the time to make a closure that holds one variable, with its share of
// the collections that it causes, where a number of threads make them at once.
func objectNs(threads int) float64 {
	const n = 1 << 20
	runtime.GC() // of what others have left
	var wg sync.WaitGroup
	return each(n, func() {
		for range threads {
			wg.Go(func() {
				var closures [256]func() int
				for i := range n {
					closures[i%len(closures)] = func() int { return i }
				}
				runtime.KeepAlive(&closures)
			})
		}
		wg.Wait()
	})
}
