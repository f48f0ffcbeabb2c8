package sim

import "numasched/topology"

// memory holds the blocks of all buffers, and where copies of them are.
type memory struct {
	*hardware
	caches caches
	blocks []block
	marks  []mark            // by block
	free   map[int32][]int32 // first blocks of freed buffers, by number of blocks
	pages  []int32           // nodes that have memory, for interleaving

	bytes int64 // of all buffers that no memory policy binds
	scan  pageScan

	strands []strand // scratch of walk
	bouts   []bout

	elsewhere map[int]int // nodes without memory that buffers were asked for on, and where those lie; kernel IDs

	near, far int64 // bytes that came from the accessing node's memory, and from others'
	// touched[c][m] counts bytes from memory of node m to CPUs of node c.
	touched [][]int64
}

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
func (k *Machine) touchBlock(t *thread, id int32, want uint64, bytes, size int64, write bool) (level int, home int32) {
	m := &k.mem
	blk := &m.blocks[id]
	core := &k.cores[t.core]
	node := k.cpus[t.cpu].node
	if blk.home < 0 {
		blk.home = k.nodes[node].store
		if k.policy != nil {
			blk.home = k.policy.allocate(t, blk.home, size)
		}
		t.span.faults += max(1, size/4096)
		t.span.fault += Time(k.preset.Fault.Value) * Time(max(1, size/4096))
	}
	if m.scan.epoch > 0 && !blk.bound && m.scan.epoch > m.marks[id].epoch {
		k.faulted(t, id, node, size)
	}
	all := popcount(want)
	part := func(mask uint64) int64 { return bytes * popcount(mask) / all }
	rates := [3]Milli{k.preset.L1BW.Value, k.preset.L2BW.Value, k.preset.L3BW.Value}
	left := want
	entries := m.caches.find(core.caches, id, blk)
	t.span.found, t.span.changed = [4]int64{}, 0
	for l := range 3 {
		i := entries[l]
		if i < 0 || left == 0 {
			continue
		}
		m.caches.toFront(core.caches[l], i)
		if got := m.caches.entries[i].mask & left; got != 0 {
			d := Time(mulDiv(part(got), 1_000_000, int64(rates[l])))
			if l == 0 {
				t.span.near += d
			} else {
				t.span.hit += d
			}
			left &^= got
			level = l + 1
			t.span.found[l] = popcount(got)
			if l == 2 && blk.owner >= 0 && blk.owner != t.core {
				if private := k.cores[blk.owner].caches[1]; private >= 0 {
					t.span.changed = popcount(got & blk.dirty & m.caches.has(private, id, blk))
				}
			}
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
			m.caches.fill(c, id, entries[l], m.blocks, want, core.last(l))
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
