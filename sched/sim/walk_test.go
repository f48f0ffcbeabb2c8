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

// walkMachine has two L3s of two cores each on each of two nodes, and caches of these sizes.
func walkMachine(t *testing.T, sizes []int64, block int64) *Machine {
	t.Helper()
	p, err := LoadPreset("synthetic:2x1x2x2x1")
	if err != nil {
		t.Fatal(err)
	}
	k, err := New(Config{Preset: p, Block: block})
	if err != nil {
		t.Fatal(err)
	}
	for l, bytes := range sizes {
		for _, c := range k.cores {
			k.mem.caches.all[c.caches[l]].bytes = bytes
		}
	}
	return k
}

// threadsOn makes a thread on each core.
func threadsOn(k *Machine) (all []*thread) {
	for core := range k.cores {
		s := k.newThread()
		s.cpu, s.core = k.cores[core].cpus[0], int32(core)
		s.span.from = make([]traffic, 2*len(k.nodes))
		all = append(all, s)
	}
	return all
}

// A core has a dirty block in its own caches, and its L3 is about to give it up: then the block is
// written back, and what the core writes afterwards makes it dirty anew.
func TestABlockThatTheLastCacheGivesUpIsWrittenBackInAWalk(t *testing.T) {
	const kib = 1 << 10
	for _, less := range []int64{0, 4 * kib, 8 * kib} {
		var got [2]any
		for i, walks := range []bool{true, false} {
			k := walkMachine(t, []int64{72 * kib, 320 * kib, 400 * kib}, blockMin)
			threads := threadsOn(k)
			span := func(bytes int64) []sched.Span {
				b, err := k.NewBuffer(bytes, sched.Default)
				if err != nil {
					t.Fatal(err)
				}
				return []sched.Span{{Buf: b, Len: bytes}}
			}
			read, written, filler := span(16*kib), span(8*kib), span(392*kib-less)
			k.steps(threads[2], &sched.Work{Reads: read}, 0, 1)
			k.steps(threads[0], &sched.Work{Writes: written}, 0, 1)
			k.steps(threads[1], &sched.Work{Reads: filler}, 0, 1)
			w := sched.Work{Reads: read, Writes: written}
			if !walks || !k.walk(threads[0], &w, 0, 1) {
				k.steps(threads[0], &w, 0, 1)
			}
			got[i] = walkedBy(k, threads[0])
		}
		if !reflect.DeepEqual(got[0], got[1]) {
			t.Errorf("with %d bytes less between, a walk comes to %+v, and steps to %+v", less, got[0], got[1])
		}
	}
}

// A chunk that is walked block by block leaves behind what one does that is walked step by step,
// whatever is in the caches and however small they are.
func TestWalksAreThoseOfSteps(t *testing.T) {
	walks, alone := 0, 0
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(1, seed))
		var both [2]*Machine
		var threads [2][]*thread // by core
		var buffers [2][]*sched.Buffer
		sizes := []int64{1 << rnd.IntN(4) * 9 << 10, 1 << rnd.IntN(4) * 40 << 10, 1 << rnd.IntN(5) * 100 << 10}
		many, bytes := 1+rnd.IntN(4), int64(1)<<(14+rnd.IntN(8))+64*rnd.Int64N(50)
		least := int64(blockMin) << (2 * rnd.IntN(3))
		for i := range both {
			k := walkMachine(t, sizes, least)
			for j := range many {
				b, err := k.NewBuffer(bytes, []sched.Placement{sched.Interleave, sched.Default}[j%2])
				if err != nil {
					t.Fatal(err)
				}
				buffers[i] = append(buffers[i], b)
			}
			threads[i] = threadsOn(k)
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
