package sim

import "math/bits"

// An entryIndex finds the entry of a block in a cache: most of a streaming access is
// such look-ups, so it is a table of open addressing and not a map. Nobody walks over it,
// so where something lies in it plays no part in a simulation.
//
// Invariants: a power of two of slots, at most half of them in use. Between the slot that
// a key hashes to and the slot that it lies in, none is free.
type entryIndex struct {
	slots []indexSlot
	used  int
}

type indexSlot struct {
	key   uint64
	entry int32 // plus one; 0: free
}

const indexLeast = 1 << 10 // slots of an empty index

func (x *entryIndex) init() { *x = entryIndex{slots: make([]indexSlot, indexLeast)} }

func cacheKey(cache, block int32) uint64 { return uint64(uint32(cache))<<32 | uint64(uint32(block)) }

// hash returns the slot that key lies in if it is alone.
func (x *entryIndex) hash(key uint64) int {
	hi, lo := bits.Mul64(key, 0x9E3779B97F4A7C15)
	return int(hi^lo) & (len(x.slots) - 1)
}

// find returns the slot of key, or the free one that it would have.
func (x *entryIndex) find(key uint64) *indexSlot {
	mask := len(x.slots) - 1
	for i := x.hash(key); ; i = (i + 1) & mask {
		if s := &x.slots[i]; s.key == key || s.entry == 0 {
			return s
		}
	}
}

// get returns the entry of key, or -1.
func (x *entryIndex) get(key uint64) int32 {
	if s := x.find(key); s.key == key {
		return s.entry - 1
	}
	return -1
}

// put adds the entry of a key that has none.
func (x *entryIndex) put(key uint64, entry int32) {
	if 2*(x.used+1) > len(x.slots) {
		old := x.slots
		x.slots = make([]indexSlot, 2*len(old))
		for _, s := range old {
			if s.entry != 0 {
				*x.find(s.key) = s
			}
		}
	}
	x.used++
	*x.find(key) = indexSlot{key, entry + 1}
}

// remove takes out a key that has an entry.
func (x *entryIndex) remove(key uint64) {
	x.used--
	mask := len(x.slots) - 1
	free := x.hash(key)
	for x.slots[free].key != key || x.slots[free].entry == 0 {
		free = (free + 1) & mask
	}
	// Those behind it that may lie in the free slot move there, so that none is lost.
	for i := (free + 1) & mask; x.slots[i].entry != 0; i = (i + 1) & mask {
		if (i-x.hash(x.slots[i].key))&mask >= (i-free)&mask {
			x.slots[free] = x.slots[i]
			free = i
		}
	}
	x.slots[free] = indexSlot{}
}
