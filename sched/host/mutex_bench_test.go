package host_test

import (
	"fmt"
	"sync"
	"testing"

	"numasched/sched"
)

// BenchmarkMutex compares a Mutex between Gs with a sync.Mutex between goroutines: nobody
// else wants it, or as many as Gs are said to, with a short or an empty section.
func BenchmarkMutex(b *testing.B) {
	for _, gs := range []int{1, 2, 8} {
		for _, spin := range []int{0, 100} {
			section := func() {
				for i := range spin {
					sink += i
				}
			}
			b.Run(fmt.Sprintf("flat/gs=%d/section=%d", gs, spin), func(b *testing.B) {
				s := newSched(b, "flat", 2)
				b.ResetTimer()
				if err := s.Run(func(g *sched.G) {
					var mu sched.Mutex
					var gr sched.Group
					for range gs {
						gr.GoAt(g, sched.Default, func(g *sched.G) {
							for range b.N / gs {
								mu.Lock(g)
								section()
								mu.Unlock(g)
							}
						})
					}
					gr.Wait(g)
				}); err != nil {
					b.Fatal(err)
				}
			})
			b.Run(fmt.Sprintf("goroutine/gs=%d/section=%d", gs, spin), func(b *testing.B) {
				var mu sync.Mutex
				var wg sync.WaitGroup
				for range gs {
					wg.Go(func() {
						for range b.N / gs {
							mu.Lock()
							section()
							mu.Unlock()
						}
					})
				}
				wg.Wait()
			})
		}
	}
}

var sink int // under the Mutex
