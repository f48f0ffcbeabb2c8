package sim

import "math/bits"

// Data lies in blocks, and caches hold blocks. A block is a page of 4 KiB; in a large
// buffer it is larger, so that the buffer has at most blocksMax of them. A block has
// one home node. A cache keeps a mask of 64 sectors for each block that it holds, so
// that a piece of a block does not count as all of it.
//
// Caches evict the least recently used block, by bytes. A store removes the block's
// sectors from all caches but those of the core that stores (write-invalidate). The
// block knows its dirty sectors and the core that wrote them, until they leave that
// core's L3.
//
// Few caches hold a block that is streamed, so an entry is found by a walk over the block's
// holders. Only where many do there is an index.
//
// Invariants: an entry is on its cache's LRU list and on its block's holder list, or it is on the
// free list. Its mask is not empty. It is in the index if its block is indexed. A block that has
// more than fewHolders is.

const (
	blockMin  = 4 << 10
	blocksMax = 1 << 14
	sectors   = 64
)

// A stream visits blocks and entries once each, so most of its time goes to fetch them from the
// host's own caches. A block and an entry are half a line there, and what few need is elsewhere.
type block struct {
	dirty   uint64
	home    int32 // node position, or -1 before the first touch
	holders int32 // first entry that holds a part of it, or -1
	count   int32 // of them
	sole    int32 // the only core that has used it, or -1
	owner   int32 // the core that dirtied it
	shift   uint8 // a sector has 1<<shift bytes
	bound   bool  // by a memory policy: NUMA balancing leaves it alone
	indexed bool  // its holders are in the index
}

type cache struct {
	bytes, used int64
	head, tail  int32 // LRU list: head is the most recent
}

type entry struct {
	cache, block int32
	mask         uint64
	prev, next   int32 // LRU
	up, down     int32 // holders
}

type caches struct {
	all     []cache
	entries []entry
	free    int32
	index   entryIndex
}

func (c *caches) init() {
	c.index.init()
	c.free = -1
}

func (c *caches) add(bytes int64) int32 {
	c.all = append(c.all, cache{bytes: bytes, head: -1, tail: -1})
	return int32(len(c.all) - 1)
}

// fewHolders is how many entries are looked at one by one. The caches of one core are three.
const fewHolders = 4

// find returns the entries of a block in some caches, of which none is there twice, or -1.
func (c *caches) find(ids [3]int32, blk int32, b *block) (found [3]int32) {
	found = [3]int32{-1, -1, -1}
	if b.indexed {
		for l, id := range ids {
			if id >= 0 {
				found[l] = c.index.get(cacheKey(id, blk))
			}
		}
		return found
	}
	for i := b.holders; i >= 0; {
		e := &c.entries[i]
		switch e.cache {
		case ids[0]:
			found[0] = i
		case ids[1]:
			found[1] = i
		case ids[2]:
			found[2] = i
		}
		i = e.down
	}
	return found
}

// has returns the sectors of a block that the cache holds.
func (c *caches) has(id, blk int32, b *block) uint64 {
	if i := c.find([3]int32{id, -1, -1}, blk, b)[0]; i >= 0 {
		return c.entries[i].mask
	}
	return 0
}

// hold puts a new entry of the block on the list of its holders.
func (c *caches) hold(i int32, b *block) {
	e := &c.entries[i]
	e.up, e.down = -1, b.holders
	if b.holders >= 0 {
		c.entries[b.holders].up = i
	}
	b.holders = i
	b.count++
	switch {
	case b.indexed:
		c.index.put(cacheKey(e.cache, e.block), i)
	case b.count > fewHolders:
		b.indexed = true
		for ; i >= 0; i = c.entries[i].down {
			c.index.put(cacheKey(c.entries[i].cache, c.entries[i].block), i)
		}
	}
}

// release takes an entry from the list of the block's holders.
func (c *caches) release(e *entry, b *block) {
	if b.indexed {
		c.index.remove(cacheKey(e.cache, e.block))
	}
	if e.up >= 0 {
		c.entries[e.up].down = e.down
	} else {
		b.holders = e.down
	}
	if e.down >= 0 {
		c.entries[e.down].up = e.up
	}
	b.count--
	b.indexed = b.indexed && b.count > 0
}

// fill puts sectors of a block into a cache, whose entry of the block is i, as find said.
// If last, what the cache gives up is written back. It returns the entry, or -1.
func (c *caches) fill(id, blk, i int32, b []block, want uint64, last bool) int32 {
	if int64(bits.OnesCount64(want))<<b[blk].shift > c.all[id].bytes {
		return i // streams through
	}
	return c.put(id, blk, i, b, want, last)
}

// put is fill, of sectors that may be more than the cache holds if they do not come at once.
func (c *caches) put(id, blk, i int32, b []block, want uint64, last bool) int32 {
	k := &c.all[id]
	if i < 0 {
		i = c.free
		if i < 0 {
			i = int32(len(c.entries))
			c.entries = append(c.entries, entry{})
		} else {
			c.free = c.entries[i].next
		}
		c.entries[i] = entry{cache: id, block: blk, prev: -1, next: k.head}
		c.hold(i, &b[blk])
		if k.head >= 0 {
			c.entries[k.head].prev = i
		} else {
			k.tail = i
		}
		k.head = i
	} else {
		c.toFront(id, i)
	}
	e := &c.entries[i]
	before := c.charge(e, &b[blk])
	e.mask |= want
	k.used += c.charge(e, &b[blk]) - before
	for k.used > k.bytes {
		t := k.tail
		if t == i {
			// The block alone is too large: keep the sectors that came last.
			before := c.charge(e, &b[blk])
			e.mask = want
			k.used += c.charge(e, &b[blk]) - before
			if k.used > k.bytes {
				c.remove(t, b)
				return -1
			}
			break
		}
		if last {
			b[c.entries[t].block].dirty = 0
		}
		c.remove(t, b)
	}
	return i
}

// charge is the room that an entry of b takes: its bytes, but at least an eighth of a block
// or of the cache, whichever is less. This limits the number of entries.
func (c *caches) charge(e *entry, b *block) int64 {
	if e.mask == 0 {
		return 0
	}
	least := min(sectors/8<<b.shift, c.all[e.cache].bytes/8)
	return max(int64(bits.OnesCount64(e.mask))<<b.shift, least)
}

func (c *caches) toFront(id, i int32) {
	k := &c.all[id]
	if k.head == i {
		return
	}
	e := &c.entries[i]
	c.entries[e.prev].next = e.next
	if e.next >= 0 {
		c.entries[e.next].prev = e.prev
	} else {
		k.tail = e.prev
	}
	e.prev, e.next = -1, k.head
	c.entries[k.head].prev = i
	k.head = i
}

func (c *caches) remove(i int32, b []block) {
	e := &c.entries[i]
	k := &c.all[e.cache]
	k.used -= c.charge(e, &b[e.block])
	c.release(e, &b[e.block])
	if e.prev >= 0 {
		c.entries[e.prev].next = e.next
	} else {
		k.head = e.next
	}
	if e.next >= 0 {
		c.entries[e.next].prev = e.prev
	} else {
		k.tail = e.prev
	}
	e.next = c.free
	c.free = i
}

// invalidate removes sectors of a block from all caches but mine. It reports whether no
// other cache then holds any part of the block.
func (c *caches) invalidate(blk int32, b []block, gone uint64, mine [3]int32) (alone bool) {
	alone = true
	for i := b[blk].holders; i >= 0; {
		e := &c.entries[i]
		down := e.down
		if e.cache != mine[0] && e.cache != mine[1] && e.cache != mine[2] {
			if e.mask&^gone == 0 {
				c.remove(i, b)
			} else {
				alone = false
				before := c.charge(e, &b[blk])
				e.mask &^= gone
				c.all[e.cache].used += c.charge(e, &b[blk]) - before
			}
		}
		i = down
	}
	return alone
}
