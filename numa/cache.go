package numa

import (
	"fmt"
	"unsafe"
)

// A Cache gives one owner, such as a P of the scheduler, access to a [Heap]. It
// allocates on its node and frees objects of every node. One goroutine at a time may
// use it: it has no lock, and its owner must order the calls. Almost every call is a
// hit, which takes a table look-up and a stack operation, no atomic instruction and
// no shared cache line.
//
// For each class it holds at most two magazines of free objects (Bonwick's scheme).
// So an owner that crosses the boundary of a magazine back and forth goes to the
// central once for each magazine, not at every call.
type Cache struct {
	classes [numClasses]local
	home    uint16
	node    *nodeHeap
	heap    *Heap
	debug   *debugHeap

	// Objects of other nodes on their way home, by position of the node in
	// Heap.nodes; nil until there is one.
	away []*[numClasses]local
}

// A local is the cache of one class. n is 0 while mag is nil; limit is 0 until
// both magazines exist.
type local struct {
	mag    *magazine // the first n slots are free objects
	n      int
	limit  int // n may grow to this
	spare  *magazine
	nspare int
}

// NewCache returns an empty cache that allocates on the given node.
//
// Errors: the heap has no such node.
func (h *Heap) NewCache(node int) (*Cache, error) {
	i, ok := h.index[node]
	if !ok {
		return nil, fmt.Errorf("numa: the heap has no node %d: it has %v", node, h.opt.Nodes)
	}
	h.nodes[i].bind()
	return &Cache{
		home: h.nodes[i].home, node: h.nodes[i], heap: h, debug: h.debug,
		away: make([]*[numClasses]local, len(h.nodes)),
	}, nil
}

// Node returns the ID of the node that the cache allocates on.
func (c *Cache) Node() int { return c.node.spare.node }

// Alloc returns size bytes on the cache's node. They begin at a multiple of 16, or of
// 64 if size is a multiple of 64, and hold whatever was there before. More than 32 KB
// take a lock and blocks of 64 KB.
//
// Errors: size is negative, or the kernel has no more memory. If only the node is
// full, the memory comes from elsewhere and [Heap.Warnings] says so.
func (c *Cache) Alloc(size int) (unsafe.Pointer, error) {
	if uint(size) > maxSmall {
		return c.allocLarge(size)
	}
	l := &c.classes[classOf(size)%numClasses]
	n := l.n - 1
	if uint(n) >= magazineSlots { // it is -1
		return c.allocSlow(size)
	}
	l.n = n
	p := l.mag[n]
	if c.debug != nil {
		c.debug.allocated(p, size)
	}
	return p, nil
}

// Free takes back what Alloc of any cache of the heap returned. p must not be used
// afterwards. An object of another node goes home with the next full magazine.
//
// Free panics with a [*FreeError] if it sees that p is another heap's. It does not see
// every wrong p unless [HeapOptions] say Debug.
func (c *Cache) Free(p unsafe.Pointer) {
	if c.debug != nil {
		c.debug.release(c.heap, p)
	}
	b := headerOf(p).info[blockOf(p)]
	l := &c.classes[b.class%numClasses]
	if b.home != c.home || l.n >= l.limit || b.class >= numClasses {
		c.freeSlow(p, b)
		return
	}
	l.mag[l.n&(magazineSlots-1)] = p
	l.n++
}

func (c *Cache) allocLarge(size int) (unsafe.Pointer, error) {
	if size < 0 {
		return nil, fmt.Errorf("numa: cannot allocate %d bytes", size)
	}
	p, err := c.node.allocLarge(size)
	if err == nil && c.debug != nil {
		c.debug.allocated(p, size)
	}
	return p, err
}

// allocSlow fills the magazine and tries again.
func (c *Cache) allocSlow(size int) (unsafe.Pointer, error) {
	k := classOf(size)
	l := &c.classes[k]
	l.mag, l.n, l.spare, l.nspare = l.spare, l.nspare, l.mag, l.n
	if l.n == 0 {
		m, n, err := c.node.classes[k].exchange(l.mag)
		if err != nil {
			return nil, err
		}
		l.mag, l.n = m, n
		c.prepare(l, k)
	}
	return c.Alloc(size)
}

// prepare makes sure that both magazines exist.
func (c *Cache) prepare(l *local, class int) {
	if l.limit == 0 {
		l.limit = batchOf(class)
		if l.mag == nil {
			l.mag = new(magazine)
		}
		if l.spare == nil {
			l.spare = new(magazine)
		}
	}
}

// freeSlow frees an object that the magazine at hand cannot take.
func (c *Cache) freeSlow(p unsafe.Pointer, b blockInfo) {
	at := int(b.home) - int(c.heap.base)
	switch {
	case b.class == 0:
		panic(&FreeError{p, "this heap did not allocate it, or its span is free"})
	case at < 0 || at >= len(c.heap.nodes):
		panic(&FreeError{p, "it is another heap's: free it with a cache of the heap that allocated it"})
	}
	n := c.heap.nodes[at]
	if b.class == largeClass {
		n.freeLarge(p)
		return
	}
	if b.home != c.home {
		c.freeAway(n, at, p, int(b.class))
		return
	}
	l := &c.classes[b.class]
	c.prepare(l, int(b.class))
	if l.n == l.limit {
		if l.nspare > 0 {
			l.spare = n.classes[b.class].put(l.spare, l.nspare, false)
		}
		l.mag, l.n, l.spare, l.nspare = l.spare, 0, l.mag, l.n
	}
	l.mag[l.n] = p
	l.n++
}

// freeAway keeps an object of another node, which is nodes[at] of the heap, until a
// magazine is full.
func (c *Cache) freeAway(n *nodeHeap, at int, p unsafe.Pointer, class int) {
	if c.away[at] == nil {
		c.away[at] = new([numClasses]local)
	}
	l := &c.away[at][class]
	if l.mag == nil {
		l.mag, l.limit = new(magazine), batchOf(class)
	}
	l.mag[l.n] = p
	l.n++
	if l.n == l.limit {
		l.mag, l.n = n.classes[class].put(l.mag, l.n, true), 0
	}
}

// Flush gives all objects that the cache holds back to their nodes. The cache stays
// usable.
func (c *Cache) Flush() {
	for k := range c.classes {
		l := &c.classes[k]
		if l.n > 0 {
			l.mag, l.n = c.node.classes[k].put(l.mag, l.n, false), 0
		}
		if l.nspare > 0 {
			l.spare, l.nspare = c.node.classes[k].put(l.spare, l.nspare, false), 0
		}
	}
	for i, away := range c.away {
		if away == nil {
			continue
		}
		for k := range away {
			if l := &away[k]; l.n > 0 {
				l.mag, l.n = c.heap.nodes[i].classes[k].put(l.mag, l.n, true), 0
			}
		}
	}
}

// A Pool hands out objects of type T from a [Cache].
type Pool[T any] struct{ size int }

// NewPool returns a pool of T.
//
// Errors: T holds a pointer, so it cannot lie outside Go's heap. The error names the
// field.
func NewPool[T any]() (*Pool[T], error) {
	if err := checkPointerless[T](); err != nil {
		return nil, err
	}
	return &Pool[T]{sizeOf[T]()}, nil
}

// New returns a zeroed T on the cache's node. Errors: as [Cache.Alloc].
func (p *Pool[T]) New(c *Cache) (*T, error) {
	mem, err := c.Alloc(p.size)
	if err != nil {
		return nil, err
	}
	clear(unsafe.Slice((*byte)(mem), p.size))
	return (*T)(mem), nil
}

// Free takes back what New of any cache of c's heap returned.
func (p *Pool[T]) Free(c *Cache, x *T) { c.Free(unsafe.Pointer(x)) }
