package sim

import (
	"fmt"
	"maps"
	"math/bits"
	"slices"

	"numasched/sched"
)

// A buffer is a sched.Buffer's Local: the machine's blocks from first to first+n.
type buffer struct {
	first, n int32
	size     int64 // bytes of a block
	mapping  kernelLock
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
		k.mem.marks = append(k.mem.marks, make([]mark, b.n)...)
	}
	k.mem.bytes += bytes
	if k.cur != nil {
		k.cur.clock += k.preset.Map.ps()
	}
	shift := uint8(bits.TrailingZeros64(uint64(b.size / sectors)))
	for i := range b.n {
		h := home
		if where.Interleaved() {
			h = k.mem.pages[int(i)%len(k.mem.pages)]
		}
		k.mem.blocks[b.first+i] = block{home: h, holders: -1, sole: -1, owner: -1, shift: shift}
		k.mem.marks[b.first+i] = mark{}
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
	if !k.mem.blocks[b.first].bound {
		k.mem.bytes -= sb.Bytes
	}
	k.mem.free[b.n] = append(k.mem.free[b.n], b.first)
	sb.Local = nil
}
