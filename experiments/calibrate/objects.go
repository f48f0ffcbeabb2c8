package calibrate

import (
	"errors"
	"runtime"
	"unsafe"

	"numasched/sched"
	"numasched/sched/host"
	"numasched/sched/policy"
)

// manyPages is so many that what else a buffer costs does not matter.
const manyPages = 64

// bufferNs is the time to make a buffer of so many pages, to write each for the
// first time and to give all back.
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

// allocNs is the time of an Alloc or a Free of a small object by a G that is alone.
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

// closures takes what objectNs makes, so that it is made.
var closures [256]func() int

// objectNs is the time that a closure takes which holds one variable, with its share
// of the collections that it causes.
func objectNs() float64 {
	const n = 1 << 21
	runtime.GC() // of what others have left
	t := each(n, func() {
		for i := range n {
			closures[i%len(closures)] = func() int { return i }
		}
	})
	clear(closures[:])
	return t
}
