package sim

import (
	"fmt"
	"math/bits"

	"numasched/sched"
)

// samples is how many random accesses are simulated; each stands for its share of the
// others. If a cache can hold the whole span, there is one for every block of the
// span, up to samplesMax.
const (
	samples    = 16
	samplesMax = 64
)

// overlapped is the share of a latency that counts when a core has several such
// accesses under way.
func (k *Machine) overlapped(d Time) Time {
	return Time(mulDiv(int64(d), 1000, int64(k.preset.Ahead.Value)))
}

// random touches n random lines of a span.
func (k *Machine) random(t *thread, sp *sched.Span, n int64, write bool) {
	if n == 0 || sp.Len == 0 {
		return
	}
	b, ok := sp.Buf.Local.(*buffer)
	if !ok || sp.Off < 0 || sp.Off+sp.Len > sp.Buf.Bytes {
		panic(fmt.Sprintf("sim: span [%d, %d) of a buffer of %d bytes", sp.Off, sp.Off+sp.Len, sp.Buf.Bytes))
	}
	sector := b.size / sectors
	fits := k.mem.holds(&k.cores[t.core], sp.Len)
	looks := int64(samples)
	if fits < 4 {
		looks = max(looks, min((sp.Len+b.size-1)/b.size, samplesMax))
	}
	looks = min(n, looks)
	var hit Time // in caches
	kind := 0
	if sp.Independent {
		kind = 1
	}
	t.rng = t.rng*6364136223846793005 + 1442695040888963407
	x := t.rng ^ uint64(t.actor)*0x9E3779B97F4A7C15
	for i := range looks {
		weight := n*(i+1)/looks - n*i/looks
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		lo, size := int64(0), sp.Len
		if fits < 4 && sp.Len > looks { // one look in every part of the span
			lo = sp.Len * i / looks
			size = sp.Len*(i+1)/looks - lo
		}
		hi, _ := bits.Mul64(x, uint64(size))
		at := sp.Off + lo + int64(hi)
		id := b.first + int32(at/b.size)
		s := at % b.size / sector
		// The accesses that this one stands for touch as many lines near by.
		want := uint64(1)<<s | k.spread64(x, max(1, weight*64/sector))
		before := t.span
		home := k.mem.blocks[id].home
		if home < 0 {
			home = k.nodes[k.cpus[t.cpu].node].store
		}
		saved := t.span.from[home]
		level, from := k.touchBlock(t, id, want, weight*64, b.size, write)
		found, changed := t.span.found, t.span.changed
		if t.span.faults > 0 {
			t.span.mapping = &b.mapping
		}
		// touchBlock charges for a stream; here the thread waits for each access.
		t.span.near, t.span.hit = before.near, before.hit
		t.span.from[home] = saved
		if n := len(k.nodes); from != home {
			t.span.from[n+int(from)].bytes = 0
		}
		switch {
		case fits < 4:
			// Lines are found where they are. A line that this access has brought is
			// later found in the cache that holds the span.
			all := popcount(want)
			first := min(weight, all*sector/64)
			found[2] -= changed // these come from another core's own cache
			for l := range 3 {
				hit += Time(first*found[l]) * k.latency(t, l+1, home) / Time(all)
			}
			hit += Time(first*changed) * k.lines.near / Time(all)
			t.span.chains[from][kind] += first * found[3] / all
			hit += Time(weight-first) * k.latency(t, fits, home)
		case level < 4:
			hit += Time(weight) * k.latency(t, level, from)
			t.span.fault, t.span.faults = before.fault, before.faults
		default:
			t.span.chains[from][kind] += weight
			t.span.fault, t.span.faults = before.fault, before.faults
		}
	}
	if sp.Independent {
		hit = k.overlapped(hit)
	}
	if sp.Atomic {
		t.span.alone += hit
	} else {
		t.span.hit += hit
	}
}

// holds returns the first level that can hold a number of bytes: one of a core's caches,
// or 4 for memory.
func (m *memory) holds(core *coreInfo, bytes int64) int {
	for l, id := range core.caches {
		if id >= 0 && bytes <= m.caches.all[id].bytes {
			return l + 1
		}
	}
	return 4
}

// spread64 returns a mask of n pseudo-random sectors, or fewer if some collide.
func (k *Machine) spread64(x uint64, n int64) uint64 {
	mask := uint64(0)
	for range min(n, sectors) {
		x = x*6364136223846793005 + 1442695040888963407
		mask |= 1 << (x >> 58)
	}
	return mask
}
