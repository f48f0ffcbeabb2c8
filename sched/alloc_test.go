package sched_test

import (
	"sync/atomic"
	"testing"
	"unsafe"

	"numasched/sched"
)

// What a G frees when it is cancelled, and what caches kept, is there for the next
// scheduler of the machine.
func TestObjectsComeBackWhenTheSchedulerCloses(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		var freed atomic.Int64 // Gs that have not blocked when Close comes are cancelled where they run
		run(t, s, func(g *sched.G) {
			ready, never := sched.NewChan[int](s, 0), sched.NewChan[int](s, 0)
			for range 3 {
				g.Go(func(g *sched.G) {
					p, err := g.Alloc(64)
					if err != nil {
						t.Error(err)
					}
					defer func() {
						g.Free(p)
						freed.Add(1)
					}()
					ready.Send(g, 0)
					never.Recv(g)
				})
			}
			for range 3 {
				ready.Recv(g)
			}
		})
		if err := s.Close(); err != nil || freed.Load() != 3 {
			t.Errorf("Close: %v, and %d of 3 blocked Gs have freed what they had", err, freed.Load())
		}
	})
}

// What one G allocates, another may free, on whatever node it runs.
func TestMemoryMayBeFreedOnAnotherNode(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[*[8]int](s, 16)
			var gr sched.Group
			for range 2 {
				gr.Go(g, func(g *sched.G) {
					for v, ok := c.Recv(g); ok; v, ok = c.Recv(g) {
						for _, w := range v {
							if w != v[0] {
								t.Errorf("memory changed in transit: %v", *v)
							}
						}
						g.Free(unsafe.Pointer(v))
					}
				})
			}
			for i := range 2000 {
				p, err := g.Alloc(64)
				if err != nil {
					t.Fatal(err)
				}
				v := (*[8]int)(p)
				for k := range v {
					v[k] = i
				}
				c.Send(g, v)
			}
			c.Close(g)
			gr.Wait(g)
		})
	})
}

func TestAllocReturnsZerosOfAnyTypeWithoutPointers(t *testing.T) {
	type point struct{ X, Y [4]float64 }
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			for range 100 { // memory that was used comes back as zeros, too
				p, err := sched.Alloc[point](g)
				if err != nil {
					t.Fatal(err)
				}
				if *p != (point{}) {
					t.Fatalf("Alloc returned %v", *p)
				}
				p.X[1], p.Y[3] = 1, 2
				n, err := sched.Alloc[uint8](g)
				if err != nil || *n != 0 {
					t.Fatal(*n, err)
				}
				*n = 255
				sched.Free(g, p)
				sched.Free(g, n)
			}
		})
	})
	for name, alloc := range map[string]func(*sched.G){
		"*int":   func(g *sched.G) { sched.Alloc[*int](g) },
		"string": func(g *sched.G) { sched.Alloc[string](g) },
		"struct": func(g *sched.G) { sched.Alloc[struct{ A [2]any }](g) },
	} {
		t.Run(name, func(t *testing.T) {
			panics(t, start(t, "numa", "synthetic:2x2"), "want a type without pointers", alloc)
		})
	}
}
