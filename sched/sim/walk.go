package sim

import "numasched/sched"

// A chunk walks its spans side by side in small steps, as a loop does. So it touches each block
// several times, and blocks of other spans in between. Most walks need not be made step by step:
// all touches of one block are a bout, which is made at once at the time of the last of them.
//
// What comes of it is the same. A cache keeps what was touched last, as much of it as fits. So
// which entries it holds in the end depends on the order of their last touches and on their
// sizes, and not on how touches were mixed before. This holds under three conditions, and a walk
// that does not meet them goes step by step:
//
//   - No block is touched by two spans, or by two steps in the same sector. Nothing is placed or
//     marked by a touch. All that a bout needs of its block is in one place, and is dirty or is
//     not.
//   - No block is given up between its first touch and its last: the blocks that spans are on at
//     a time fit into the cache, twice.
//   - No block is given up before its first touch: it is in none of the caches that may give up
//     something. For a block that is written that includes the last cache, which writes back
//     what it gives up, even if a nearer cache has the block.
//
// A walk of one span keeps its order, so that it needs the first condition only, and that block by
// block.

// A strand is what a chunk touches of one span.
type strand struct {
	sp      *sched.Span
	b       *buffer
	write   bool
	at, end int64 // of the buffer: what comes next, and the end
	stop    int64 // the end of the bout
	most    int64 // bytes of a step, at most
	// Without the cut at lines, the step ends at pos + rem/total. It moves on by size + more/total.
	pos, rem, size, more int64

	bout *bout // that it is in, or nil
	one  bout
	next []bout // those to come, if all are known
}

// A bout is all that a walk touches of one block.
type bout struct {
	block   int32
	level   int      // that has all of it; 0: it is touched piece by piece
	want    uint64   // sectors
	entries [3]int32 // of the block in the core's caches
	each    uint8    // caches, by level, that are too small for the block: filled piece by piece
	foreign bool     // dirty in another L3
	fresh   bool     // not dirty
	owner   int32    // if foreign: its node
	head    int64    // bytes of the first piece
	bytes   int64
	length  int64 // of the piece that took
	took    Time
	wait    Time // for a cache
}

// strandsMax is how many spans are walked block by block.
const strandsMax = 8

// walk touches the c-th of n pieces of every span of w block by block. It returns false and has
// done nothing if that may not be.
func (k *Machine) walk(t *thread, w *sched.Work, c, n int64) bool {
	m := &k.mem
	all := m.strands[:0]
	total := n * strides
	for kind, list := range [2][]sched.Span{w.Reads, w.Writes} {
		for i := range list {
			sp := &list[i]
			b, ok := sp.Buf.Local.(*buffer)
			if sp.Accesses > 0 || !ok || len(all) == strandsMax {
				return false
			}
			lo, hi := sp.Len*(c*strides)/total&^63, sp.Len*((c+1)*strides)/total&^63
			if c+1 == n {
				hi = sp.Len
			}
			if hi <= lo {
				continue
			}
			sector := b.size / sectors
			if lo+sp.Off < 0 || hi+sp.Off > sp.Buf.Bytes || sp.Off%sector != 0 || sector > 64 && sp.Len%(total*sector) != 0 {
				return false
			}
			all = append(all, strand{sp: sp, b: b, write: kind == 1, at: sp.Off + lo, end: sp.Off + hi,
				pos: sp.Len * (c * strides) / total, rem: sp.Len * (c * strides) % total, size: sp.Len / total, more: sp.Len % total, most: sp.Len/total + 65})
		}
	}
	m.strands = all
	if len(all) > 1 && !k.foresee(t, all) {
		return false
	}
	for step := range int64(strides) {
		for i := range all {
			s := &all[i]
			s.pos += s.size
			if s.rem += s.more; s.rem >= total {
				s.rem -= total
				s.pos++
			}
			hi := s.sp.Off + s.pos&^63
			if step+1 == strides {
				hi = s.end
			}
			if hi > s.at {
				k.follow(t, s, hi)
			}
		}
	}
	return true
}

// foresee finds all bouts of several strands. It returns false if the walk does not meet the
// conditions.
func (k *Machine) foresee(t *thread, all []strand) bool {
	m := &k.mem
	var grow, held, active [3]int64 // bytes that come, blocks that are there, bytes that are in use at a time
	m.bouts = m.bouts[:0]
	for i := range all {
		s := &all[i]
		for j := range i {
			if o := &all[j]; o.b == s.b && s.at/s.b.size <= (o.end-1)/s.b.size && o.at/s.b.size <= (s.end-1)/s.b.size {
				return false
			}
		}
		from := len(m.bouts)
		for at := s.at; at < s.end; {
			v := k.boutAt(t, s, at)
			if v.level == 0 || v.each != 0 {
				return false
			}
			for l, e := range v.entries {
				if e >= 0 && (l < v.level || s.write && k.cores[t.core].last(l)) {
					held[l]++
				}
				if l+1 < v.level {
					grow[l] += s.b.size
				}
			}
			m.bouts = append(m.bouts, v)
			at = (at/s.b.size + 1) * s.b.size
		}
		s.next = m.bouts[from:]
		for l := range active {
			active[l] += (s.most/s.b.size + 2) * s.b.size
		}
	}
	for l, id := range k.cores[t.core].caches {
		if id < 0 || grow[l] == 0 {
			continue
		}
		if c := &m.caches.all[id]; c.used+grow[l] > c.bytes && (held[l] > 0 || active[l] > c.bytes) {
			return false
		}
	}
	return true
}

// boutAt looks at the block at a place of a strand.
func (k *Machine) boutAt(t *thread, s *strand, at int64) (v bout) {
	m := &k.mem
	size := s.b.size
	first := at / size
	end := min(s.end, (first+1)*size)
	s0, s1 := at%size/(size/sectors), (end-1)%size/(size/sectors)
	v.block = s.b.first + int32(first)
	v.want = ^uint64(0) >> (63 - (s1 - s0)) << s0
	blk := &m.blocks[v.block]
	if blk.home < 0 || m.scan.epoch > 0 && !blk.bound && m.scan.epoch > m.marks[v.block].epoch {
		return v
	}
	core := &k.cores[t.core]
	v.entries = m.caches.find(core.caches, v.block, blk)
	level := 4
	for l, i := range v.entries {
		if i < 0 {
			continue
		}
		if got := m.caches.entries[i].mask & v.want; got == v.want {
			level = l + 1
			break
		} else if got != 0 {
			return v
		}
	}
	dirty := blk.dirty & v.want
	if dirty != 0 && dirty != v.want {
		return v
	}
	if level == 4 && dirty != 0 && blk.owner >= 0 && k.cores[blk.owner].l3 != core.l3 {
		v.foreign, v.owner = true, k.cores[blk.owner].node
	}
	v.fresh = dirty == 0
	for l, id := range core.caches {
		if id < 0 || l+1 >= level {
			continue
		}
		e := entry{cache: id, mask: v.want}
		if i := v.entries[l]; i >= 0 {
			e.mask |= m.caches.entries[i].mask
		}
		if c := &m.caches.all[id]; m.caches.charge(&e, blk) > c.bytes {
			v.each |= 1 << l
		}
	}
	v.level = level
	return v
}

// follow touches a strand up to hi.
func (k *Machine) follow(t *thread, s *strand, hi int64) {
	first := s.at == s.sp.Off
	deepest, far := 0, int32(0)
	for s.at < hi {
		if s.bout == nil {
			k.begun(t, s)
		}
		v := s.bout
		end := min(hi, s.stop)
		bytes := max(64, end-s.at)
		level, home := v.level, int32(0)
		switch blk := &k.mem.blocks[v.block]; {
		case level == 0:
			sector := s.b.size / sectors
			s0, s1 := s.at%s.b.size/sector, (end-1)%s.b.size/sector
			level, home = k.touchBlock(t, v.block, ^uint64(0)>>(63-(s1-s0))<<s0, bytes, s.b.size, s.write)
		case v.foreign:
			home = v.owner
		default:
			home = blk.home
		}
		if v.level > 0 {
			k.piece(t, s, v, end, bytes)
		}
		if level > deepest {
			deepest, far = level, home
		}
		s.at = end
		if end == s.stop {
			if v.level > 0 {
				k.finish(t, s, v)
			}
			s.bout = nil
		}
	}
	if t.span.faults > 0 {
		t.span.mapping = &s.b.mapping
	}
	if first {
		t.span.latency += k.latency(t, deepest, far)
	}
}

// begun begins the bout of a strand at the block that is next.
func (k *Machine) begun(t *thread, s *strand) {
	if len(s.next) > 0 {
		s.bout, s.next = &s.next[0], s.next[1:]
	} else {
		s.one = k.boutAt(t, s, s.at)
		s.bout = &s.one
	}
	s.stop = min(s.end, (s.at/s.b.size+1)*s.b.size)
	if v := s.bout; v.level > 0 && !s.write {
		if blk := &k.mem.blocks[v.block]; blk.sole != t.core {
			if blk.sole = -1; blk.holders < 0 {
				blk.sole = t.core
			}
		}
	}
}

// piece counts a piece of a bout.
func (k *Machine) piece(t *thread, s *strand, v *bout, end, bytes int64) {
	if v.bytes == 0 {
		v.head = bytes
	}
	v.bytes += bytes
	if v.level < 4 {
		if bytes != v.length {
			rates := [3]Milli{k.preset.L1BW.Value, k.preset.L2BW.Value, k.preset.L3BW.Value}
			v.length, v.took = bytes, Time(mulDiv(bytes, 1_000_000, int64(rates[v.level-1])))
		}
		v.wait += v.took
	}
	if v.each == 0 {
		return
	}
	m := &k.mem
	core := &k.cores[t.core]
	sector := s.b.size / sectors
	s0, s1 := s.at%s.b.size/sector, (end-1)%s.b.size/sector
	want := ^uint64(0) >> (63 - (s1 - s0)) << s0
	for l := range v.entries {
		if v.each>>l&1 != 0 {
			if v.entries[l] >= 0 {
				m.caches.toFront(core.caches[l], v.entries[l])
			}
			v.entries[l] = m.caches.fill(core.caches[l], v.block, v.entries[l], m.blocks, want, core.last(l))
		}
	}
}

// finish does at the end of a bout what touchBlock does for each piece.
func (k *Machine) finish(t *thread, s *strand, v *bout) {
	m := &k.mem
	blk := &m.blocks[v.block]
	core := &k.cores[t.core]
	node := k.cpus[t.cpu].node
	from := t.span.from
	written := v.bytes
	switch {
	case v.level == 1:
		t.span.near += v.wait
	case v.level < 4:
		t.span.hit += v.wait
	case !v.foreign:
		from[blk.home].bytes += v.bytes
		m.count(node, blk.home, v.bytes)
	default:
		// From the first piece that it writes on, the core owns the block. So the others come
		// from memory.
		far := v.bytes
		if s.write {
			far = v.head
			written = v.head
		}
		from[len(k.nodes)+int(v.owner)].bytes += far
		m.count(node, v.owner, far)
		blk.dirty &^= v.want
		if rest := v.bytes - far; rest > 0 {
			from[blk.home].bytes += rest
			m.count(node, blk.home, rest)
		}
	}
	if s.write {
		if v.fresh || v.foreign {
			from[blk.home].bytes += written
			from[blk.home].writes += written
		}
		if blk.sole != t.core {
			blk.sole = -1
			if m.caches.invalidate(v.block, m.blocks, v.want, core.caches) {
				blk.sole = t.core
			}
		}
		blk.dirty |= v.want
		blk.owner = t.core
	}
	for l, id := range core.caches {
		switch {
		case id < 0 || v.each>>l&1 != 0:
		case l+1 < v.level:
			m.caches.put(id, v.block, v.entries[l], m.blocks, v.want, core.last(l))
		case l+1 == v.level:
			m.caches.toFront(id, v.entries[l])
		}
	}
}
