package sim

import (
	"fmt"
	"math/bits"

	"numasched/sched"
	"numasched/sched/internal/machine"
)

// touch adds up what one piece of Work asks of the memory.
type touch struct {
	near    Time        // from the first-level cache: overlaps with everything else
	hit     Time        // from other caches
	alone   Time        // likewise, of atomic operations: overlaps with nothing
	ideal   Time        // everything, if memory were near and idle
	latency Time        // of first accesses
	fault   Time        // in the kernel
	faults  int64       // pages
	mapping *kernelLock // of a buffer that they are of
	from    []traffic   // by memory's node, then by owner's node for dirty data
	chains  []chain
	found   [4]int64 // sectors of the last touchBlock by the cache level that had them; memory is last
	changed int64    // of those in the L3: sectors whose newest copy another core has
	parts   []part   // scratch of streams and chain
	weights []int64
}

type traffic struct {
	bytes, writes int64 // all that passes, and the part that is written
}

// A chain counts random accesses to one node's memory: first those that wait for each
// other, then those that do not.
type chain [2]int64

// chunk is how many bytes of each span a Work touches before others may go on.
const chunk = 256 << 10

// strides is how many steps it takes to walk a chunk.
const strides = 32

// Work implements sched.Machine: arithmetic and streaming overlap, dependent
// accesses add up.
func (k *Machine) Work(m *machine.M, w *sched.Work, part int64, kernel func()) (next int64) {
	t := threadOf(m)
	if t == nil {
		return 0
	}
	if next = k.work(t, w, part); next == 0 {
		k.paths.works(t, k.arithmetic(w))
	}
	return next
}

// A Work is done in parts. Between two parts other threads get their turn on the CPU, and
// the scheduler takes the P from a G whose time slice is over.
const (
	partTime = Millisecond // no part computes for longer
	partsMax = 1 << 16     // but for very long Works
)

// arithmetic is the least time that w takes: on a core of its own, with all its data in
// the first cache.
func (k *Machine) arithmetic(w *sched.Work) Time {
	ops := w.Ops
	if cycles, ok := k.preset.Kernels.Value[w.Kernel]; ok {
		ops = mulDiv(ops, int64(cycles), 1000)
	}
	return Time(mulDiv(ops, int64(k.preset.Cycle.ps()), 1))
}

// work does w from the given part on. It returns 0 when w is done, and else the part at
// which t's G is to give way.
func (k *Machine) work(t *thread, w *sched.Work, part int64) (next int64) {
	before := t.onCPU()
	ops := k.arithmetic(w)
	longest := int64(0)
	for _, list := range [2][]sched.Span{w.Reads, w.Writes} {
		for i := range list {
			size := list[i].Len
			if list[i].Accesses > 0 {
				size = list[i].Accesses * 64
			}
			longest = max(longest, size)
		}
	}
	n := max(min((longest+chunk-1)/chunk, 64), int64(ops/partTime), 1)
	n = min(n, partsMax)
	if longest == 0 && n == 1 {
		if !k.compute(t, ops) {
			k.pause(t)
		}
		return 0
	}
	if part == 0 {
		k.stats.works++
	}
	k.idleRuns = 0
	compute := k.beside(t, ops)
	for c := part; c < n; c++ {
		if c > part && t.m != nil && t.m.Preempted() {
			next = c
			break
		}
		t.ops += share(ops, c, n)
		if longest == 0 {
			t.clock += share(compute, c, n)
			t.ideal += share(compute, c, n)
			if c+1 < n && (t.clock >= k.q.next.at || t.clock >= t.sliceEnd) {
				k.pause(t)
			}
			continue
		}
		from := t.clock
		k.sync(t)
		k.chunk(t, w, c, n)
		inside := max(compute/Time(n), t.span.near)
		t.clock = max(t.clock, from+inside) + t.span.alone
		t.ideal += max(t.span.ideal, inside) + t.span.alone
		if t.clock >= t.sliceEnd {
			k.preempt(t)
		}
		if t.os.moveTo != 0 {
			k.moved(t)
		}
	}
	k.record(t, 3<<40)
	t.work += t.onCPU() - before
	if t.clock >= k.q.next.at || t.clock >= t.sliceEnd {
		k.pause(t)
	}
	return next
}

// beside is how long t computes for what takes d on a core of its own.
func (k *Machine) beside(t *thread, d Time) Time {
	if k.kernel.busy[t.core] > 1 {
		d = d * 1000 / Time(k.preset.SMT.Value)
	}
	return d
}

// compute does a Work that takes t's core of its own d, needs no memory and has one part. It
// returns false if t may have to let others run then.
func (k *Machine) compute(t *thread, d Time) bool {
	k.stats.works++
	k.idleRuns = 0
	took := k.beside(t, d)
	t.ops += d
	t.clock += took
	t.ideal += took
	t.work += took
	k.record(t, 3<<40)
	return t.clock < k.q.next.at && t.clock < t.sliceEnd
}

// share is the c-th of n parts of d.
func share(d Time, c, n int64) Time {
	if c < int64(d)%n {
		return d/Time(n) + 1
	}
	return d / Time(n)
}

// chunk touches the c-th of n pieces of every span of w, and waits for the data that
// the caches do not have.
func (k *Machine) chunk(t *thread, w *sched.Work, c, n int64) {
	s := &t.span
	nodes := len(k.nodes)
	if s.from == nil {
		s.from = make([]traffic, 2*nodes)
		s.chains = make([]chain, nodes)
	}
	s.near, s.hit, s.alone, s.latency, s.fault, s.faults = 0, 0, 0, 0, 0, 0
	clear(s.from)
	clear(s.chains)
	if !k.walk(t, w, c, n) {
		k.steps(t, w, c, n)
	}
	k.lockMapping(t)
	t.clock += s.hit + s.latency + s.fault
	own := k.cpus[t.cpu].node
	s.ideal = s.hit + s.fault
	for i := range s.from {
		if tr := &s.from[i]; tr.bytes > 0 {
			rate := k.fabric.coreRate(own, k.nodes[own].store, min(tr.writes*60/tr.bytes, 30))
			s.ideal += Time(mulDiv(tr.bytes, 1_000_000_000, rate))
		}
	}
	for i := range s.chains {
		idle := k.idle[own][k.nodes[own].store]
		s.ideal += Time(s.chains[i][0])*idle + k.overlapped(Time(s.chains[i][1])*idle)
	}
	share := int64(1000)
	for _, cpu := range k.cores[t.core].cpus {
		if o := k.kernel.cpus[cpu].cur; o != nil && o != t && o.flow != nil {
			share = 500
		}
	}
	k.streams(t, share)
	k.chain(t, 0, share)
	k.chain(t, 1, share)
}

// steps touches the c-th of n pieces of every span of w step by step.
func (k *Machine) steps(t *thread, w *sched.Work, c, n int64) {
	// Spans are walked side by side in small steps, as a loop does: a span finds in
	// the first-level cache what another has brought there.
	total := n * strides
	for step := c * strides; step < (c+1)*strides; step++ {
		for kind, list := range [2][]sched.Span{w.Reads, w.Writes} {
			for i := range list {
				sp := &list[i]
				if sp.Accesses > 0 {
					if step == c*strides {
						k.random(t, sp, sp.Accesses*(c+1)/n-sp.Accesses*c/n, kind == 1)
					}
					continue
				}
				// Cut at lines, so that no line is touched twice.
				lo, hi := sp.Len*step/total&^63, sp.Len*(step+1)/total&^63
				if step+1 == total {
					hi = sp.Len
				}
				if hi > lo {
					k.stream(t, sp, sp.Off+lo, sp.Off+hi, kind == 1, lo == 0)
				}
			}
		}
	}
}

// streams waits for all that t's chunk streams from memories and from caches of other
// nodes. It comes from all of them at once.
func (k *Machine) streams(t *thread, share int64) {
	s := &t.span
	nodes := len(k.nodes)
	s.parts, s.weights = s.parts[:0], s.weights[:0]
	total := int64(0)
	for i := range s.from {
		if tr := &s.from[i]; tr.bytes > 0 {
			s.parts = append(s.parts, part{int32(i % nodes), i >= nodes, min(tr.writes*60/tr.bytes, 30), blendParts})
			s.weights = append(s.weights, tr.bytes)
			total += tr.bytes
		}
	}
	if total == 0 {
		return
	}
	blend := k.fabric.blends.mixed(s.parts, s.weights)
	for total > 0 {
		b := min(total, 1<<30)
		total -= b
		k.flow(t, blend, b, share, 0)
	}
}

// chain makes random accesses of one kind, to all memories in turn. They go in pieces, so
// that the latency follows the load.
func (k *Machine) chain(t *thread, kind int, share int64) {
	s := &t.span
	left := int64(0)
	s.parts, s.weights = s.parts[:0], s.weights[:0]
	for i := range s.chains {
		if n := s.chains[i][kind]; n > 0 {
			s.parts = append(s.parts, part{to: int32(i), parts: blendParts})
			s.weights = append(s.weights, n)
			left += n
		}
	}
	if left == 0 {
		return
	}
	all := left
	blend := k.fabric.blends.mixed(s.parts, s.weights)
	for left > 0 {
		piece := min(left, 4096)
		left -= piece
		k.sync(t)
		from := k.cpus[t.cpu].node
		var sum Time // of the latencies of all accesses
		for i := range s.chains {
			if n := s.chains[i][kind]; n > 0 {
				load := k.fabric.load(k.now, from, int32(i))
				lat := k.idle[from][i] * Time(load/16*16+8) / 1000
				if load == 1000 {
					lat = k.idle[from][i]
				}
				sum += lat * Time(n)
			}
		}
		lat := sum / Time(all)
		if kind == 1 {
			lat = k.overlapped(lat)
		}
		limit := max(1, 64_000_000_000/int64(lat))
		if len(k.fabric.blends.of[blend]) > 1 {
			limit = rounded(limit)
		}
		k.flow(t, blend, piece*64, share, limit)
	}
}

// rounded is n with six significant bits, so that flows whose limits differ by little are
// in one class.
func rounded(n int64) int64 {
	drop := max(bits.Len64(uint64(n))-6, 0)
	return (n + 1<<drop>>1) >> drop << drop
}

// flow moves bytes between t and the memories of a blend. It returns when they have been
// moved.
func (k *Machine) flow(t *thread, blend int32, bytes, share, limit int64) {
	k.sync(t)
	k.fabric.start(t, t.clock, k.cpus[t.cpu].node, blend, bytes, share, limit)
	k.yield(t)
}

// stream touches bytes [lo, hi) of a buffer in order.
func (k *Machine) stream(t *thread, sp *sched.Span, lo, hi int64, write, first bool) {
	b, ok := sp.Buf.Local.(*buffer)
	if !ok || lo < 0 || hi > sp.Buf.Bytes {
		panic(fmt.Sprintf("sim: span [%d, %d) of a buffer of %d bytes", lo, hi, sp.Buf.Bytes))
	}
	sector := b.size / sectors
	deepest := 0
	far := int32(0)
	for at := lo; at < hi; {
		i := at / b.size
		end := min(hi, (i+1)*b.size)
		// Sectors that are touched, in part or whole.
		s0, s1 := at%b.size/sector, (end-1)%b.size/sector
		want := ^uint64(0) >> (63 - (s1 - s0)) << s0
		bytes := max(64, end-at)
		level, home := k.touchBlock(t, b.first+int32(i), want, bytes, b.size, write)
		if level > deepest {
			deepest, far = level, home
		}
		at = end
	}
	if t.span.faults > 0 {
		t.span.mapping = &b.mapping
	}
	if first {
		t.span.latency += k.latency(t, deepest, far)
	}
}
