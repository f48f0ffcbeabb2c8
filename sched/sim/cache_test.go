package sim

import (
	"math/rand/v2"
	"testing"
	"unsafe"
)

// Two blocks fit into a line of the host's cache, and two entries.
func TestBlocksAndEntriesAreHalfALine(t *testing.T) {
	if b, e := unsafe.Sizeof(block{}), unsafe.Sizeof(entry{}); b != 32 || e != 32 {
		t.Errorf("a block has %d bytes and an entry %d, want 32", b, e)
	}
}

// Whatever caches take in and give up, of a block that few of them hold or many: each entry is
// found in its cache and in no other, by a walk or by the index, as the invariants of cache.go say.
func TestEntriesAreFoundWithAndWithoutAnIndex(t *testing.T) {
	const n, blocks, shift = 12, 10, 6
	var c caches
	c.init()
	for range n {
		c.add(6 * sectors << shift)
	}
	b := make([]block, blocks)
	for i := range b {
		b[i] = block{holders: -1, sole: -1, owner: -1, shift: shift}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	indexed, walked := 0, 0
	for step := range 50_000 {
		id, blk := rnd.Int32N(n), rnd.Int32N(blocks)
		if rnd.IntN(8) != 0 {
			c.fill(id, blk, c.find([3]int32{id, -1, -1}, blk, &b[blk])[0], b, rnd.Uint64()|1, false)
		} else {
			c.invalidate(blk, b, ^uint64(0), [3]int32{id, -1, -1})
		}
		blk = rnd.Int32N(blocks)
		held := map[int32]int32{} // entries by cache
		for i := b[blk].holders; i >= 0; i = c.entries[i].down {
			e := &c.entries[i]
			if _, twice := held[e.cache]; twice || e.block != blk || e.mask == 0 {
				t.Fatalf("step %d: entry %+v of block %d", step, *e, blk)
			}
			held[e.cache] = i
		}
		if int(b[blk].count) != len(held) || len(held) > fewHolders && !b[blk].indexed || len(held) == 0 && b[blk].indexed {
			t.Fatalf("step %d: block %d has %d holders, counts %d, indexed: %v", step, blk, len(held), b[blk].count, b[blk].indexed)
		}
		if b[blk].indexed {
			indexed++
		} else if len(held) > 0 {
			walked++
		}
		ids := [3]int32{rnd.Int32N(n), -1, rnd.Int32N(n)}
		if ids[0] == ids[2] {
			continue
		}
		for l, i := range c.find(ids, blk, &b[blk]) {
			want := int32(-1)
			if e, ok := held[ids[l]]; ok {
				want = e
			}
			if i != want {
				t.Fatalf("step %d: entry %d of block %d in cache %d, want %d (indexed: %v)", step, i, blk, ids[l], want, b[blk].indexed)
			}
		}
	}
	if indexed < 1000 || walked < 1000 {
		t.Errorf("blocks were looked up %d times by the index and %d times without: this test needs both", indexed, walked)
	}
}
