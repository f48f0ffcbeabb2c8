package numa

import (
	"sync"
	"unsafe"
)

const (
	magazineSlots = 64

	maxStash = 8
)

// stashOf is how many full magazines of a class a central keeps for other caches
// before it takes one apart: 16 KB worth, from 2 to 8. So a cache that only frees
// passes full magazines on to a cache that only allocates, and nobody touches the
// objects.
func stashOf(class int) int {
	return min(max((16<<10)/(batchOf(class)*int(classSize[class])), 2), maxStash)
}

// A magazine is a stack of free objects of one class and node. Whoever has it keeps
// count of the objects.
type magazine [magazineSlots]unsafe.Pointer

// A central has the free objects of one class and node that are in no cache. See
// heap.go for its invariants.
type central struct {
	node  *nodeHeap
	class int

	mu    sync.Mutex
	full  [maxStash]*magazine // full magazines
	nfull int
	spare [maxStash]*magazine // empty magazines, to be used again
	nfree int
	spans *span // those with a free object

	tally ClassStats
	_     [64]byte // the lock of the next central is on another cache line
}

// exchange takes a cache's empty magazine, which may be nil, and returns one
// with n > 0 objects.
func (c *central) exchange(empty *magazine) (m *magazine, n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nfull > 0 {
		c.nfull--
		c.keep(empty)
		c.tally.Refills++
		return c.full[c.nfull], batchOf(c.class), nil
	}
	m = c.empty(empty)
	for want := batchOf(c.class); n < want; {
		s := c.spans
		if s == nil {
			if n > 0 {
				break
			}
			if s, err = c.node.newSpan(c.class); err != nil {
				return m, 0, err
			}
			c.tally.Spans++
			c.tally.Objects += int(s.objects)
			c.list(s)
		}
		n = c.fill(m, n, want, s)
	}
	c.tally.Refills++
	c.tally.Out += n
	return m, n, nil
}

// fill moves objects of s into m until it holds want or s has no more.
func (c *central) fill(m *magazine, n, want int, s *span) int {
	before := n
	for n < want && s.free != nil {
		m[n] = s.free
		s.free = *(*unsafe.Pointer)(s.free)
		n++
	}
	size := int(classSize[c.class])
	for n < want && s.cut < s.objects {
		m[n] = unsafe.Add(s.mem, int(s.cut)*size)
		s.cut++
		n++
	}
	s.out += int32(n - before)
	if s.free == nil && s.cut == s.objects {
		c.unlist(s)
	}
	return n
}

// put takes a cache's magazine of n objects and returns an empty one. far: the cache
// is on another node.
func (c *central) put(m *magazine, n int, far bool) *magazine {
	c.mu.Lock()
	defer c.mu.Unlock()
	if far {
		c.tally.Homing++
	} else {
		c.tally.Returns++
	}
	if n == batchOf(c.class) && c.nfull < stashOf(c.class) {
		c.full[c.nfull] = m
		c.nfull++
		return c.empty(nil)
	}
	c.drain(m, n)
	return m
}

// drain gives objects back to their spans. Spans that then have all their objects go
// back to the arena, unless no other span has free objects.
func (c *central) drain(m *magazine, n int) {
	c.tally.Out -= n
	for _, p := range m[:n] {
		h := headerOf(p)
		s := &h.spans[h.info[blockOf(p)].first]
		*(*unsafe.Pointer)(p) = s.free
		s.free = p
		s.out--
		if !s.listed {
			c.list(s)
		}
		if s.out == 0 && (s.next != nil || s.prev != nil) {
			c.dissolve(s)
		}
	}
}

// scavenge takes the stash apart and dissolves spans without an object out.
func (c *central) scavenge() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.nfull > 0 {
		c.nfull--
		c.drain(c.full[c.nfull], batchOf(c.class))
		c.keep(c.full[c.nfull])
	}
	for s := c.spans; s != nil; {
		next := s.next
		if s.out == 0 {
			c.dissolve(s)
		}
		s = next
	}
}

func (c *central) dissolve(s *span) {
	c.unlist(s)
	c.tally.Spans--
	c.tally.Objects -= int(s.objects)
	c.node.dissolve(s)
}

func (c *central) list(s *span) {
	s.prev, s.next = nil, c.spans
	if s.next != nil {
		s.next.prev = s
	}
	c.spans, s.listed = s, true
}

func (c *central) unlist(s *span) {
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		c.spans = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.next, s.prev, s.listed = nil, nil, false
}

// empty returns m, or another empty magazine if m is nil.
func (c *central) empty(m *magazine) *magazine {
	if m != nil {
		return m
	}
	if c.nfree > 0 {
		c.nfree--
		return c.spare[c.nfree]
	}
	return new(magazine)
}

// keep keeps an empty magazine for later.
func (c *central) keep(m *magazine) {
	if m != nil && c.nfree < maxStash {
		c.spare[c.nfree] = m
		c.nfree++
	}
}

func (c *central) count() ClassStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.tally
	s.Size = int(classSize[c.class])
	s.Stashed = c.nfull * batchOf(c.class)
	return s
}
