package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// testFabric is three nodes in a row, 0-1-2. memory has the bandwidths of the nodes'
// memories, links those of 1>0, 0>1, 2>1 and 1>2, all in GB/s.
func testFabric(memory [3]int64, links [4]int64, idle [][]Time) *fabric {
	h := &hardware{preset: new(Preset), idle: idle}
	for i, gbps := range append(memory[:], links[:]...) {
		h.resources = append(h.resources, resource{name: fmt.Sprint(i), fixed: gbps * 1_000_000})
	}
	const r10, r01, r21, r12 = 3, 4, 5, 6
	h.routes = [][][]int32{
		{{0}, {1, r10}, {2, r21, r10}},
		{{0, r01}, {1}, {2, r21}},
		{{0, r01, r12}, {1, r12}, {2}},
	}
	return newFabric(h, new(queue))
}

func flatIdle(ns Time) [][]Time {
	row := []Time{ns * Nanosecond, ns * Nanosecond, ns * Nanosecond}
	return [][]Time{row, row, row}
}

// Rates of flows that share memories and links, computed by hand.
func TestBandwidthIsSharedMaxMinFairly(t *testing.T) {
	type flows struct {
		from  int32
		blend []part
		limit int64 // GB/s
		n     int
		want  int64 // kB/s of each
	}
	all := func(to int32, mix int64) []part { return []part{{to, false, mix, blendParts}} }
	half := func(a, b int32) []part { return []part{{a, false, 0, blendParts / 2}, {b, false, 0, blendParts / 2}} }
	near := flatIdle(100)
	far := [][]Time{{100 * Nanosecond, 200 * Nanosecond, 300 * Nanosecond}, {200 * Nanosecond, 100 * Nanosecond, 200 * Nanosecond}, {300 * Nanosecond, 200 * Nanosecond, 100 * Nanosecond}}
	for _, c := range []struct {
		name   string
		memory [3]int64
		links  [4]int64
		idle   [][]Time
		flows  []flows
	}{
		{"one has all", [3]int64{10, 10, 10}, [4]int64{9, 9, 9, 9}, near, []flows{{0, all(0, 0), 0, 1, 10e6}}},
		{"two share", [3]int64{10, 10, 10}, [4]int64{9, 9, 9, 9}, near, []flows{{0, all(0, 0), 0, 2, 5e6}}},
		{"what a capped flow leaves goes to the others", [3]int64{10, 10, 10}, [4]int64{9, 9, 9, 9}, near,
			[]flows{{0, all(0, 0), 2, 1, 2e6}, {0, all(0, 0), 0, 2, 4e6}}},
		// 2>1 is the narrowest: 2 each. The flow that passes only 1>0 has the other 8.
		{"a long way and two short ones", [3]int64{50, 50, 50}, [4]int64{10, 50, 4, 50}, near,
			[]flows{{0, all(2, 0), 0, 1, 2e6}, {1, all(2, 0), 0, 1, 2e6}, {0, all(1, 0), 0, 1, 8e6}}},
		// Reads come over 1>0 and writes go over 0>1, half and half: 10 in all over two links of 5.
		{"writes travel away from the core", [3]int64{50, 50, 50}, [4]int64{5, 5, 50, 50}, near, []flows{{0, all(1, 30), 0, 1, 10e6}}},
		// A reader and half a writer of node 0 share 1>0, whose 6 carry r + r/2.
		{"a reader and a writer", [3]int64{50, 50, 50}, [4]int64{6, 6, 50, 50}, near,
			[]flows{{0, all(1, 0), 0, 1, 4e6}, {0, all(1, 30), 0, 1, 4e6}}},
		// What node 1 writes to the memory of node 0 goes over 1>0, and so does what node 0 reads.
		{"a reader here and a writer there meet", [3]int64{50, 50, 50}, [4]int64{6, 50, 50, 50}, near,
			[]flows{{0, all(1, 0), 0, 1, 4e6}, {1, all(0, 30), 0, 1, 4e6}}},
		// Memory 1 carries r + r/2 = 4; memory 0 is not full.
		{"the fullest memory sets the pace of a blend", [3]int64{10, 4, 10}, [4]int64{50, 50, 50, 50}, near,
			[]flows{{0, half(0, 1), 3, 1, 2_666_666}, {1, all(1, 0), 3, 1, 2_666_666}}},
		// Half of the bytes at 10 GB/s and half at 5: 1 / (0.05 + 0.1).
		{"a core's time for a blend is the mean", [3]int64{10, 10, 10}, [4]int64{50, 50, 50, 50}, far, []flows{{0, half(0, 1), 0, 1, 6_666_666}}},
		// Two nodes' cores over interleaved memories: each memory has r/2 of either, so both run at 10.
		{"interleaved streams do not convoy", [3]int64{10, 10, 10}, [4]int64{5, 5, 50, 50}, near,
			[]flows{{0, half(0, 1), 0, 1, 10e6}, {1, half(0, 1), 0, 1, 10e6}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := testFabric(c.memory, c.links, c.idle)
			var classes []*class
			for _, fl := range c.flows {
				for range fl.n {
					th := new(thread)
					f.start(th, 0, fl.from, f.blends.find(fl.blend), 1<<20, 1000, fl.limit*1_000_000)
					classes = append(classes, th.flow.class)
				}
			}
			f.share(0)
			for _, fl := range c.flows {
				for range fl.n {
					if got := classes[0].rate; got < fl.want-1 || got > fl.want+1 {
						t.Errorf("a flow from node %d of %v: %d kB/s, want %d", fl.from, fl.blend, got, fl.want)
					}
					classes = classes[1:]
				}
			}
		})
	}
}

// A flow that ends leaves its share to the others: two flows of 10 and 30 MB on 10 GB/s end
// after 2 and 4 ms.
func TestAFlowThatEndsLeavesItsShare(t *testing.T) {
	f := testFabric([3]int64{10, 10, 10}, [4]int64{9, 9, 9, 9}, flatIdle(100))
	var ends []Time
	for _, mb := range []int64{10, 30} {
		f.start(new(thread), 0, 0, f.blends.one(0, 0, false), mb*1_000_000, 1000, 0)
	}
	f.share(0)
	for len(f.q.heap) > 0 {
		e := f.q.heap[0]
		f.q.clear(e.id)
		f.finish(f.byActor[e.id], e.at, func(*thread) { ends = append(ends, e.at) })
		f.share(e.at)
	}
	if want := []Time{2 * Millisecond, 4 * Millisecond}; !slices.Equal(ends, want) {
		t.Errorf("flows end at %d, want %d", ends, want)
	}
	if r := f.resources[0]; r.bytes != 40_000_000 {
		t.Errorf("%d bytes have passed the memory, want 40 MB", r.bytes)
	}
}

// The parts of a blend add up to the whole, and no class is made twice.
func TestBlendsAddUp(t *testing.T) {
	b := blends{number: make(map[string]int32)}
	for _, weights := range [][]int64{{1}, {1, 1, 1}, {1, 1000}, {7, 5, 3, 1}, {1 << 40, 3 << 40}} {
		parts := make([]part, len(weights))
		for i := range parts {
			parts[i].to = int32(i)
		}
		n := b.mixed(parts, weights)
		sum := int64(0)
		for _, p := range b.of[n] {
			sum += p.parts
		}
		if sum != blendParts {
			t.Errorf("weights %d: parts %v, want a sum of %d", weights, b.of[n], blendParts)
		}
		again := make([]part, len(weights))
		for i := range again {
			again[i].to = int32(i)
		}
		if m := b.mixed(again, weights); m != n {
			t.Errorf("weights %d: blend %d, and then %d", weights, n, m)
		}
	}
}

// Whatever flows begin and end, a resource knows what its flows add up to, and its capacity for
// them.
func TestResourcesKnowTheirFlows(t *testing.T) {
	f := testFabric([3]int64{10, 20, 40}, [4]int64{9, 5, 7, 3}, flatIdle(100))
	f.resources[0].fixed = 0
	for k := range f.resources[0].curve {
		f.resources[0].curve[k] = [][2]int64{{1000, 4_000_000}, {4000, 9_000_000 - int64(k)*1_000_000}}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	now, flows := Time(0), 0
	for range 2000 {
		if flows < 12 {
			parts := []part{{rnd.Int32N(2), false, rnd.Int64N(31), blendParts / 4}, {2, false, rnd.Int64N(31), blendParts / 4 * 3}}
			f.start(new(thread), now, rnd.Int32N(3), f.blends.find(parts[rnd.IntN(2):]), 1+rnd.Int64N(1<<20), 1000, 0)
			flows++
		}
		f.share(now)
		if e := f.q.heap[0]; rnd.IntN(2) == 0 {
			now = e.at
			f.q.clear(e.id)
			f.finish(f.byActor[e.id], now, func(*thread) { flows-- })
			f.share(now)
		}
		for i := range f.resources {
			r := &f.resources[i]
			var active, mixes, weights int64
			for _, c := range r.members {
				for _, h := range c.route {
					if int(h.resource) == i {
						n := int64(len(c.flows))
						active, mixes, weights = active+n*h.active, mixes+n*h.active*h.mix, weights+n*h.weight
					}
				}
			}
			if r.active != active || r.mixes != mixes || r.weights != weights {
				t.Fatalf("resource %s has %d, %d, %d; want %d, %d, %d", r.name, r.active, r.mixes, r.weights, active, mixes, weights)
			}
			if want := r.capacity(active, mixes/max(1, active)); r.room != 0 && r.room != want {
				t.Fatalf("resource %s has room for %d, want %d", r.name, r.room, want)
			}
		}
	}
}
