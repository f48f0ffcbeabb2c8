package sim

import (
	"fmt"
	"maps"
	"math/bits"
	"slices"

	"numasched/sched"
	"numasched/topology"
)

// memory holds the blocks of all buffers, and where copies of them are.
type memory struct {
	*hardware
	caches caches
	blocks []block
	free   map[int32][]int32 // first blocks of freed buffers, by number of blocks
	pages  []int32           // nodes that have memory, for interleaving

	scan     Time // see OSPolicy
	epoch    int32
	migrated int64

	elsewhere map[int]int // nodes without memory that buffers were asked for on, and where those lie; kernel IDs

	near, far int64 // bytes that came from the accessing node's memory, and from others'
	// touched[c][m] counts bytes from memory of node m to CPUs of node c.
	touched [][]int64
}

// A buffer is a sched.Buffer's Local: the machine's blocks from first to first+n.
type buffer struct {
	first, n int32
	size     int64 // bytes of a block
}

// touch adds up what one piece of Work asks of the memory.
type touch struct {
	near    Time      // from the first-level cache: overlaps with everything else
	hit     Time      // from other caches
	ideal   Time      // everything, if memory were near and idle
	latency Time      // of first accesses
	fault   Time      // in the kernel
	from    []traffic // by memory's node, then by owner's node for dirty data
	chains  []chain
	found   [4]int64 // sectors of the last touchBlock by the cache level that had them; memory is last
}

type traffic struct {
	bytes, writes int64 // all that passes, and the part that is written
}

// A chain counts random accesses to one node's memory: first those that wait for each
// other, then those that do not.
type chain [2]int64

func (m *memory) init(h *hardware) {
	m.hardware = h
	m.free = make(map[int32][]int32)
	m.elsewhere = make(map[int]int)
	m.caches.init()
	place := func(level int, sets []struct {
		cpus  []int32
		bytes int64
	}) {
		for _, s := range sets {
			id := int32(-1)
			for _, cpu := range s.cpus {
				core := &h.cores[h.cpus[cpu].core]
				if core.caches[level] < 0 {
					if id < 0 {
						id = m.caches.add(s.bytes)
					}
					core.caches[level] = id
				}
			}
		}
	}
	for level, list := range [][]topologyCache{cachesOf(h, 0), cachesOf(h, 1), cachesOf(h, 2)} {
		place(level, list)
	}
	for i := range h.nodes {
		m.touched = append(m.touched, make([]int64, len(h.nodes)))
		if h.nodes[i].memory && len(h.nodes[i].cpus) > 0 {
			m.pages = append(m.pages, int32(i))
		}
	}
	if len(m.pages) == 0 {
		m.pages = []int32{h.nodes[0].store}
	}
}

type topologyCache = struct {
	cpus  []int32
	bytes int64
}

// cachesOf lists the caches of one level whose size is known, with their online CPUs.
func cachesOf(h *hardware, level int) []topologyCache {
	var list []topologyCache
	if len(h.topo.L1d)+len(h.topo.L2)+len(h.topo.L3) == 0 {
		if level >= len(h.preset.Caches.Value) {
			return nil
		}
		bytes := int64(h.preset.Caches.Value[level]) << 10 / 1000
		if level == 2 {
			for _, g := range h.l3s {
				list = append(list, topologyCache{g.cpus, bytes})
			}
			return list
		}
		for _, c := range h.cores {
			list = append(list, topologyCache{c.cpus, bytes})
		}
		return list
	}
	for _, c := range [][]topology.Cache{h.topo.L1d, h.topo.L2, h.topo.L3}[level] {
		one := topologyCache{bytes: c.Bytes}
		for cpu := range c.CPUs.All() {
			if cpu < len(h.cpus) && h.cpus[cpu].core >= 0 {
				one.cpus = append(one.cpus, int32(cpu))
			}
		}
		if one.bytes > 0 && len(one.cpus) > 0 {
			list = append(list, one)
		}
	}
	return list
}

// NewBuffer implements sched.Machine. It also charges for the later FreeBuffer. What is
// asked for on a node without memory lies on the nearest node that has some, as with
// the kernel's list of fallbacks, and Warnings says so.
func (k *Machine) NewBuffer(bytes int64, where sched.Placement) (*sched.Buffer, error) {
	if bytes <= 0 {
		return nil, fmt.Errorf("sim: buffer of %d bytes: want at least 1", bytes)
	}
	home := int32(-1)
	if id, ok := where.Node(); ok {
		for i := range k.nodes {
			if k.nodes[i].id == id {
				home = k.nodes[i].store
			}
		}
		if home < 0 {
			return nil, fmt.Errorf("sim: buffer on node %d: %s has no such node", id, k.topo.Origin)
		}
		if n := k.nodes[home]; n.id != id {
			k.mem.elsewhere[id] = n.id
		}
	}
	b := &buffer{size: k.block}
	for bytes > b.size*blocksMax {
		b.size *= 2
	}
	b.n = int32((bytes + b.size - 1) / b.size)
	if free := k.mem.free[b.n]; len(free) > 0 {
		b.first = free[len(free)-1]
		k.mem.free[b.n] = free[:len(free)-1]
	} else {
		b.first = int32(len(k.mem.blocks))
		k.mem.blocks = append(k.mem.blocks, make([]block, b.n)...)
	}
	if k.cur != nil {
		k.cur.clock += k.preset.Map.ps()
	}
	for i := range b.n {
		h := home
		if where.Interleaved() {
			h = k.mem.pages[int(i)%len(k.mem.pages)]
		}
		k.mem.blocks[b.first+i] = block{home: h, holders: -1, sole: -1, owner: -1}
	}
	return &sched.Buffer{Bytes: bytes, Local: b}, nil
}

// Warnings returns, in words for the user, what the machine was asked for and does not
// have.
func (k *Machine) Warnings() (all []string) {
	for _, id := range slices.Sorted(maps.Keys(k.mem.elsewhere)) {
		all = append(all, fmt.Sprintf("memory for node %d lies on node %d, the nearest with any: node %d has none", id, k.mem.elsewhere[id], id))
	}
	return all
}

// FreeBuffer implements sched.Machine. The next buffer with the same number of blocks
// reuses them.
func (k *Machine) FreeBuffer(sb *sched.Buffer) {
	b := sb.Local.(*buffer)
	for id := b.first; id < b.first+b.n; id++ {
		for i := k.mem.blocks[id].holders; i >= 0; i = k.mem.blocks[id].holders {
			k.mem.caches.remove(i, k.mem.blocks)
		}
	}
	k.mem.free[b.n] = append(k.mem.free[b.n], b.first)
	sb.Local = nil
}

// chunk is how many bytes of each span a Work touches before others may go on.
const chunk = 256 << 10

// strides is how many steps it takes to walk a chunk.
const strides = 32

// Work implements sched.Machine: arithmetic and streaming overlap, dependent
// accesses add up.
func (k *Machine) Work(m *sched.M, w *sched.Work, kernel func()) {
	if t := threadOf(m); t != nil {
		k.work(t, w)
		k.paths.works(t, k.arithmetic(w))
	}
}

// arithmetic is the least time that w takes: on a core of its own, with all its data in
// the first cache.
func (k *Machine) arithmetic(w *sched.Work) Time {
	ops := w.Ops
	if cycles, ok := k.preset.Kernels.Value[w.Kernel]; ok {
		ops = mulDiv(ops, int64(cycles), 1000)
	}
	return Time(mulDiv(ops, int64(k.preset.Cycle.ps()), 1))
}

func (k *Machine) work(t *thread, w *sched.Work) {
	k.stats.works++
	k.idleRuns = 0
	before := t.onCPU()
	compute := k.arithmetic(w)
	t.ops += compute
	if k.kernel.busy[t.core] > 1 {
		compute = compute * 1000 / Time(k.preset.SMT.Value)
	}
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
	if longest == 0 {
		t.clock += compute
		t.ideal += compute
	} else {
		n := min((longest+chunk-1)/chunk, 64)
		for c := range n {
			from := t.clock
			k.sync(t)
			k.chunk(t, w, c, n)
			inside := max(compute/Time(n), t.span.near)
			t.clock = max(t.clock, from+inside)
			t.ideal += max(t.span.ideal, inside)
			if t.clock >= t.sliceEnd {
				k.preempt(t)
			}
			if t.moveTo != 0 {
				k.moved(t)
			}
		}
	}
	k.record(t, 3<<40)
	t.work += t.onCPU() - before
	if t.clock >= k.q.next.at || t.clock >= t.sliceEnd {
		k.pause(t)
	}
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
	s.near, s.hit, s.latency, s.fault = 0, 0, 0, 0
	clear(s.from)
	clear(s.chains)
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
	// Start with the own node and go on in turn, so that threads of different nodes
	// do not all use the same node at the same time.
	for i := range 2 * nodes {
		to := (int(own) + i) % nodes
		tr := &s.from[to]
		if i >= nodes {
			tr = &s.from[nodes+to]
		}
		for tr.bytes > 0 {
			b := min(tr.bytes, 1<<30)
			mix := min(tr.writes*60/tr.bytes, 30)
			tr.writes -= mulDiv(tr.writes, b, tr.bytes)
			tr.bytes -= b
			k.flow(t, int32(to), b, mix, share, 0, i >= nodes)
		}
	}
	for i := range nodes {
		to := int32((int(own) + i) % nodes)
		for kind, left := range s.chains[to] {
			for left > 0 {
				// In pieces, so that the latency follows the load.
				part := min(left, 4096)
				left -= part
				k.sync(t)
				load := k.fabric.load(k.now, k.cpus[t.cpu].node, to)
				lat := k.idle[k.cpus[t.cpu].node][to] * Time(load/16*16+8) / 1000
				if load == 1000 {
					lat = k.idle[k.cpus[t.cpu].node][to]
				}
				if kind == 1 {
					lat = k.overlapped(lat)
				}
				k.flow(t, to, part*64, 0, share, max(1, 64_000_000_000/int64(lat)), false)
			}
		}
	}
}

// flow moves bytes between t and node to. It returns when they have been moved.
func (k *Machine) flow(t *thread, to int32, bytes, mix, share, limit int64, cached bool) {
	k.sync(t)
	k.fabric.start(t, t.clock, k.cpus[t.cpu].node, to, bytes, mix, share, limit, cached)
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
		level, home := k.touchBlock(t, b.first+int32(i), want, int32(sector), bytes, b.size, write)
		if level > deepest {
			deepest, far = level, home
		}
		at = end
	}
	if first {
		t.span.latency += k.latency(t, deepest, far)
	}
}

// latency is that of one access. level 1 to 3 is a cache; 4 is the memory of node home.
func (k *Machine) latency(t *thread, level int, home int32) Time {
	switch level {
	case 0, 1:
		return k.preset.L1.ps()
	case 2:
		return k.preset.L2.ps()
	case 3:
		return k.preset.L3.ps()
	}
	from := k.cpus[t.cpu].node
	return k.idle[from][home] * Time(k.fabric.load(k.now, from, home)) / 1000
}

// touchBlock touches sectors of one block and charges for them. bytes is how much of
// them is really touched. It returns the deepest level that was needed and, for
// memory, its node.
func (k *Machine) touchBlock(t *thread, id int32, want uint64, sector int32, bytes, size int64, write bool) (level int, home int32) {
	m := &k.mem
	blk := &m.blocks[id]
	core := &k.cores[t.core]
	node := k.cpus[t.cpu].node
	if blk.home < 0 {
		blk.home = k.nodes[node].store
		t.span.fault += Time(k.preset.Fault.Value) * Time(max(1, size/4096))
	}
	if m.scan > 0 && blk.epoch != m.epoch {
		k.faulted(t, blk, node, size)
	}
	all := popcount(want)
	part := func(mask uint64) int64 { return bytes * popcount(mask) / all }
	rates := [3]Milli{k.preset.L1BW.Value, k.preset.L2BW.Value, k.preset.L3BW.Value}
	left := want
	t.span.found = [4]int64{}
	for l := range 3 {
		id2 := core.caches[l]
		if id2 < 0 || left == 0 {
			continue
		}
		if got := m.caches.hit(id2, id, left); got != 0 {
			d := Time(mulDiv(part(got), 1_000_000, int64(rates[l])))
			if l == 0 {
				t.span.near += d
			} else {
				t.span.hit += d
			}
			left &^= got
			level = l + 1
			t.span.found[l] = popcount(got)
		}
	}
	nodes := len(k.nodes)
	home = blk.home
	if left != 0 {
		level = 4
		t.span.found[3] = popcount(left)
		miss := part(left)
		if dirty := blk.dirty & left; dirty != 0 && blk.owner >= 0 && k.cores[blk.owner].l3 != core.l3 {
			// Another cache has the only valid copy; memory gets it too.
			owner := k.cores[blk.owner].node
			t.span.from[nodes+int(owner)].bytes += part(dirty)
			m.count(node, owner, part(dirty))
			miss -= part(dirty)
			blk.dirty &^= dirty
			home = owner
		}
		if miss > 0 {
			t.span.from[blk.home].bytes += miss
			m.count(node, blk.home, miss)
		}
	}
	if write {
		if fresh := want &^ blk.dirty; fresh != 0 {
			// These sectors will have to be written back.
			wb := part(fresh)
			t.span.from[blk.home].bytes += wb
			t.span.from[blk.home].writes += wb
		}
		if blk.sole != t.core {
			blk.sole = -1
			if m.caches.invalidate(id, m.blocks, want, core.caches) {
				blk.sole = t.core
			}
		}
		blk.dirty |= want
		blk.owner = t.core
	} else if blk.sole != t.core {
		if blk.holders < 0 {
			blk.sole = t.core
		} else {
			blk.sole = -1
		}
	}
	for l := range 3 {
		if l >= level {
			break // has it
		}
		if c := core.caches[l]; c >= 0 {
			last := l == 2 || core.caches[2] < 0 && l == 1
			m.caches.fill(c, id, m.blocks, want, sector, func(out int32) {
				if last {
					m.blocks[out].dirty = 0 // written back
				}
			})
		}
	}
	return level, home
}

func (m *memory) count(cpu, mem int32, bytes int64) {
	m.touched[cpu][mem] += bytes
	if cpu == mem {
		m.near += bytes
	} else {
		m.far += bytes
	}
}

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
	fits := k.holds(t, sp.Len)
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
		level, from := k.touchBlock(t, id, want, int32(sector), weight*64, b.size, write)
		found := t.span.found
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
			for l := range 3 {
				hit += Time(first*found[l]) * k.latency(t, l+1, home) / Time(all)
			}
			t.span.chains[from][kind] += first * found[3] / all
			hit += Time(weight-first) * k.latency(t, fits, home)
		case level < 4:
			hit += Time(weight) * k.latency(t, level, from)
			t.span.fault = before.fault
		default:
			t.span.chains[from][kind] += weight
			t.span.fault = before.fault
		}
	}
	if sp.Independent {
		hit = k.overlapped(hit)
	}
	t.span.hit += hit
}

// holds returns the first level that can hold a number of bytes: one of t's caches, or
// 4 for memory.
func (k *Machine) holds(t *thread, bytes int64) int {
	for l, id := range k.cores[t.core].caches {
		if id >= 0 && bytes <= k.mem.caches.all[id].bytes {
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
