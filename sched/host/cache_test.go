package host_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"numasched/sched"
	"numasched/sched/policy"
)

// An object is memory that a G has got, with its mark in every word.
type object struct {
	p     unsafe.Pointer
	words int
	mark  uint64
}

func (o object) mem() []uint64 { return unsafe.Slice((*uint64)(o.p), o.words) }

// Two schedulers share a Machine, one with caches per node and one without, and
// each frees what the other has allocated. Every object is its owner's alone.
func TestSchedulersOfOneMachineFreeEachOthersObjects(t *testing.T) {
	for _, arms := range [][2]string{{"numa", "flat"}, {"numa", "numa-cache"}, {"flat", "numa"}} {
		t.Run(arms[0]+" and "+arms[1], func(t *testing.T) {
			m := open(t, "synthetic:2x1", 0)
			var given atomic.Uint64
			ways := [2]chan object{make(chan object, 4096), make(chan object, 4096)}
			exchange := func(arm string, in, out chan object, seed uint64) error {
				a, err := policy.ByName(arm)
				if err != nil {
					return err
				}
				s, err := sched.New(sched.Config{Machine: m, Arm: a, Seed: seed})
				if err != nil {
					return err
				}
				defer s.Close()
				return s.Run(func(g *sched.G) {
					var gr sched.Group
					for i := range 2 {
						gr.Go(g, func(g *sched.G) {
							random := rand.New(rand.NewPCG(seed, uint64(i)))
							for range 150 {
								trade(t, g, in, out, random, &given)
								g.Yield()
							}
						})
					}
					gr.Wait(g)
				})
			}
			var both sync.WaitGroup
			for i, arm := range arms {
				both.Go(func() {
					if err := exchange(arm, ways[i], ways[1-i], uint64(i)); err != nil {
						t.Errorf("%s: %v", arm, err)
					}
				})
			}
			both.Wait()
			if given.Load() < 1000 {
				t.Errorf("only %d objects changed hands", given.Load())
			}
		})
	}
}

// trade allocates 200 objects and gives them away, and takes 200 and frees them.
func trade(t *testing.T, g *sched.G, in, out chan object, random *rand.Rand, given *atomic.Uint64) {
	for range 200 {
		words := 2 << random.IntN(8)
		p, err := g.Alloc(words * 8)
		if err != nil {
			t.Error(err)
			return
		}
		o := object{p, words, random.Uint64()}
		for i := range o.mem() {
			o.mem()[i] = o.mark
		}
		select {
		case out <- o:
			given.Add(1)
		default:
			g.Free(p)
		}
	}
	for range 200 {
		select {
		case o := <-in:
			for i, w := range o.mem() {
				if w != o.mark {
					t.Errorf("word %d of %d of an object is %#x, want %#x: somebody else has it too", i, o.words, w, o.mark)
					break
				}
			}
			g.Free(o.p)
		default:
			return
		}
	}
}
