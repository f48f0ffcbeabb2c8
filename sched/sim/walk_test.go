package sim

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"numasched/sched"
)

// walked is what a machine knows of data: its blocks, what each cache holds from the most recent
// on, and what a thread has to wait for. Where an entry lies is nobody's business.
type walked struct {
	blocks    []block
	held      [][]entry
	used      []int64
	touched   [][]int64
	from      []traffic
	near, hit Time
	latency   Time
}

func walkedBy(k *Machine, t *thread) (w walked) {
	for _, b := range k.mem.blocks {
		b.holders, b.indexed = min(b.holders, 0), false // there are some, or none
		w.blocks = append(w.blocks, b)
	}
	for _, c := range k.mem.caches.all {
		var held []entry
		for i := c.head; i >= 0; i = k.mem.caches.entries[i].next {
			e := k.mem.caches.entries[i]
			held = append(held, entry{cache: e.cache, block: e.block, mask: e.mask})
		}
		w.held = append(w.held, held)
		w.used = append(w.used, c.used)
	}
	w.touched, w.from = k.mem.touched, t.span.from
	w.near, w.hit, w.latency = t.span.near, t.span.hit, t.span.latency
	return w
}

// A chunk that is walked block by block leaves behind what one does that is walked step by step,
// whatever is in the caches and however small they are.
func TestWalksAreThoseOfSteps(t *testing.T) {
	walks, alone := 0, 0
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(1, seed))
		var both [2]*Machine
		var threads [2][]*thread
		var buffers [2][]*sched.Buffer
		sizes := []int64{1 << rnd.IntN(4) * 9 << 10, 1 << rnd.IntN(4) * 40 << 10, 1 << rnd.IntN(5) * 100 << 10}
		many, bytes := 1+rnd.IntN(4), int64(1)<<(14+rnd.IntN(8))+64*rnd.Int64N(50)
		least := int64(blockMin) << (2 * rnd.IntN(3))
		for i := range both {
			p, err := LoadPreset("synthetic:2x1x2x2x1")
			if err != nil {
				t.Fatal(err)
			}
			k, err := New(Config{Preset: p, Block: least})
			if err != nil {
				t.Fatal(err)
			}
			for l := range 3 {
				for _, c := range k.cores {
					k.mem.caches.all[c.caches[l]].bytes = sizes[l]
				}
			}
			for j := range many {
				b, err := k.NewBuffer(bytes, []sched.Placement{sched.Interleave, sched.Default}[j%2])
				if err != nil {
					t.Fatal(err)
				}
				buffers[i] = append(buffers[i], b)
			}
			for core := range k.cores {
				s := k.newThread()
				s.cpu, s.core = k.cores[core].cpus[0], int32(core)
				s.span.from = make([]traffic, 2*len(k.nodes))
				threads[i] = append(threads[i], s)
			}
			both[i] = k
		}
		unit := least / sectors
		for range 200 {
			var w [2]sched.Work
			for range 1 + rnd.IntN(4) {
				off := rnd.Int64N(bytes/unit) * unit
				if rnd.IntN(8) == 0 {
					off = off * 64 / unit
				}
				length := (bytes - off) >> rnd.IntN(6)
				if rnd.IntN(4) > 0 {
					length = max(length&^(strides*unit-1), 1)
				}
				b, write := rnd.IntN(many), rnd.IntN(3) == 0
				for i := range w {
					list := &w[i].Reads
					if write {
						list = &w[i].Writes
					}
					*list = append(*list, sched.Span{Buf: buffers[i][b], Off: off, Len: length})
				}
			}
			core, n := rnd.IntN(len(threads[0])), int64(1)<<rnd.IntN(3)
			c := rnd.Int64N(n)
			a, b := threads[0][core], threads[1][core]
			if both[0].walk(a, &w[0], c, n) {
				walks++
				if len(w[0].Reads)+len(w[0].Writes) == 1 {
					alone++
				}
			} else {
				both[0].steps(a, &w[0], c, n)
			}
			both[1].steps(b, &w[1], c, n)
			if got, want := walkedBy(both[0], a), walkedBy(both[1], b); !reflect.DeepEqual(got, want) {
				for i := range want.blocks {
					if got.blocks[i] != want.blocks[i] {
						t.Errorf("block %d: %+v, want %+v", i, got.blocks[i], want.blocks[i])
					}
				}
				for i := range want.held {
					if !reflect.DeepEqual(got.held[i], want.held[i]) {
						t.Errorf("cache %d of %d bytes: %+v, want %+v", i, both[0].mem.caches.all[i].bytes, got.held[i], want.held[i])
					}
				}
				got.blocks, got.held, want.blocks, want.held = nil, nil, nil, nil
				t.Fatalf("seed %d, %v: after part %d of %d of a Work that reads %v and writes %v:\n%+v, want\n%+v", seed, sizes, c, n, w[0].Reads, w[0].Writes, got, want)
			}
		}
	}
	t.Logf("%d walks, %d of one span", walks, alone)
	if walks-alone < 500 || alone < 500 {
		t.Errorf("%d walks of several spans and %d of one: this test needs more of them", walks-alone, alone)
	}
}
