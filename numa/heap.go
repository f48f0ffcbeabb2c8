package numa

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

// The allocator has three layers, as Go's own has (mcache, mcentral, mheap):
//
//	Cache    one owner at a time; magazines of free objects; no lock, no atomic
//	central  one per node and class; full magazines and spans; a lock
//	Arena    one per node; blocks of 64 KB; a lock
//
// A span is a run of blocks cut into objects of one class. What is known of it
// lies in the header of its chunk, which is found by masking an object's
// address.
//
// Invariants:
//
//   - An object is in exactly one place: with the user, in a magazine, in a
//     span's free list, or in the part of a span that was never cut.
//   - span.out counts those with the user or in a magazine. It is under the
//     lock of the span's central, like everything in a span.
//   - An object never leaves its node: magazines of a central hold its own
//     objects only, and a Cache hands objects of other nodes to their owner's
//     central.
//   - A span is in its central's list if and only if it has a free object.
//   - blockInfo changes only while no object of the block is out, so that who
//     holds an object reads it without a lock.
//
// Locks: central before Arena. Nothing else is held.

// A blockInfo says what a block of a chunk is. Class 0 is none of the heap's.
type blockInfo struct {
	class uint8
	first uint8  // the first block of the span or large object
	home  uint16 // position of its node in Heap.nodes
}

// A chunkHeader begins every chunk. The infos are read at every free and
// written when a span is made or dissolved; they share no line with what
// changes often.
type chunkHeader struct {
	info  [blocksPerChunk]blockInfo
	spans [blocksPerChunk]span
}

var _ [headerBytes - unsafe.Sizeof(chunkHeader{})]byte // it fits

type span struct {
	next, prev *span
	free       unsafe.Pointer // objects given back, linked through their first word
	mem        unsafe.Pointer
	out        int32 // objects with users and in magazines
	cut        int32 // objects that were ever cut off
	objects    int32 // objects in the span
	blocks     int16
	unbound    bool // its blocks are of nodeHeap.spare
	listed     bool
	large      int // bytes of the object, in a span that is one large object
}

func headerOf(p unsafe.Pointer) *chunkHeader {
	return (*chunkHeader)(unsafe.Pointer(uintptr(p) &^ (chunkBytes - 1)))
}

func blockOf(p unsafe.Pointer) uintptr { return uintptr(p) / blockBytes % blocksPerChunk }

// HeapOptions say what a [NewHeap] is made of.
type HeapOptions struct {
	Nodes []int // node IDs, the kernel's; pretended ones with Unbound
	Pages PageKind

	// Unbound does not try to bind memory. This is for pretended nodes.
	Unbound bool

	// Debug finds double frees and frees of what the heap never gave out, and
	// panics with a [*FreeError]. Each operation takes a lock and 100 ns and
	// more.
	Debug bool
}

// A Heap hands out memory that lies on a node the caller names. It is made of
// one [Arena] for each node and used through a [Cache] for each owner. Memory
// of a Heap is outside Go's: it must hold no pointers into Go's heap.
type Heap struct {
	nodes []*nodeHeap
	index map[int]int // node ID -> position in nodes
	debug *debugHeap  // nil unless debugging
	opt   HeapOptions

	mu       sync.Mutex
	warnings []string
}

type nodeHeap struct {
	heap    *Heap
	home    uint16 // position in Heap.nodes
	arena   *Arena // bound, if it could be
	spare   *Arena // unbound: grows when arena cannot
	warned  atomic.Bool
	skip    atomic.Int32 // allocations that go to spare before arena is asked again
	classes [numClasses]central
	large   atomic.Int64 // bytes of large objects
}

// NewHeap returns a heap with an arena on each of the nodes. A node on which
// memory cannot be bound gets an unbound arena, and [Heap.Warnings] says so.
//
// Errors: no node, or one named twice or negative.
func NewHeap(opt HeapOptions) (*Heap, error) {
	h := &Heap{opt: opt, index: map[int]int{}}
	if len(opt.Nodes) == 0 {
		return nil, errors.New("numa: a heap needs at least one node")
	}
	if opt.Debug {
		h.debug = &debugHeap{live: map[unsafe.Pointer]int{}, freed: map[unsafe.Pointer]int{}}
	}
	for _, id := range opt.Nodes {
		if _, twice := h.index[id]; twice || id < 0 {
			return nil, fmt.Errorf("numa: nodes %v: node %d is negative or named twice", opt.Nodes, id)
		}
		n := &nodeHeap{heap: h, home: uint16(len(h.nodes))}
		n.spare, _ = NewArena(id, ArenaOptions{Unbound: true})
		n.arena = n.spare
		if !opt.Unbound {
			bound, err := NewArena(id, ArenaOptions{Pages: opt.Pages})
			if err == nil {
				n.arena = bound
			} else {
				n.warn(err)
			}
		}
		for k := range n.classes {
			n.classes[k].node, n.classes[k].class = n, k
		}
		h.index[id] = len(h.nodes)
		h.nodes = append(h.nodes, n)
	}
	return h, nil
}

// Nodes returns the heap's node IDs. Do not change the slice.
func (h *Heap) Nodes() []int { return h.opt.Nodes }

// Warnings returns, in words for the user, what was asked of the heap and
// could not be had: memory that is not bound to its node, and why. It grows
// while the heap is used; a result measured with it should show it.
func (h *Heap) Warnings() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.warnings)
}

// warn tells once for each node that memory of it is not bound.
func (n *nodeHeap) warn(err error) {
	if n.warned.Swap(true) {
		return
	}
	h := n.heap
	h.mu.Lock()
	defer h.mu.Unlock()
	h.warnings = append(h.warnings, fmt.Sprintf(
		"memory for node %d is not bound to it and lies where it is touched first: %v", n.arena.node, err))
}

// alloc takes bytes from the node's arena, or from unbound memory if the node
// has no more.
func (n *nodeHeap) alloc(bytes int) (mem []byte, unbound bool, err error) {
	// A node that is full is asked again only now and then: asking is dear.
	if n.arena != n.spare && n.skip.Add(-1) < 0 {
		if mem, err = n.arena.Alloc(bytes); err == nil {
			n.skip.Store(0)
			return mem, false, nil
		}
		n.warn(err)
		n.skip.Store(64)
	}
	mem, err = n.spare.Alloc(bytes)
	return mem, true, err
}

func (n *nodeHeap) release(mem []byte, unbound bool) {
	if unbound {
		n.spare.Free(mem)
	} else {
		n.arena.Free(mem)
	}
}

// newSpan cuts blocks for a class. The central's lock is held.
func (n *nodeHeap) newSpan(class int) (*span, error) {
	blocks := spanBlocks(class)
	mem, unbound, err := n.alloc(blocks * blockBytes)
	if err != nil {
		return nil, err
	}
	p := unsafe.Pointer(&mem[0])
	h, first := headerOf(p), blockOf(p)
	for i := range uintptr(blocks) {
		h.info[first+i] = blockInfo{class: uint8(class), first: uint8(first), home: n.home}
	}
	s := &h.spans[first]
	*s = span{
		mem: p, blocks: int16(blocks), unbound: unbound,
		objects: int32(blocks*blockBytes) / classSize[class],
	}
	return s, nil
}

// dissolve gives a span's blocks back. No object of it is out.
func (n *nodeHeap) dissolve(s *span) {
	h, first := headerOf(s.mem), blockOf(s.mem)
	for i := range uintptr(s.blocks) {
		h.info[first+i] = blockInfo{}
	}
	n.release(unsafe.Slice((*byte)(s.mem), int(s.blocks)*blockBytes), s.unbound)
}

// allocLarge gives an object blocks of its own.
func (n *nodeHeap) allocLarge(size int) (unsafe.Pointer, error) {
	mem, unbound, err := n.alloc(size)
	if err != nil {
		return nil, err
	}
	p := unsafe.Pointer(&mem[0])
	h, first := headerOf(p), blockOf(p)
	h.info[first] = blockInfo{class: largeClass, first: uint8(first), home: n.home}
	h.spans[first] = span{mem: p, unbound: unbound, large: size}
	n.large.Add(int64(size))
	return p, nil
}

func (n *nodeHeap) freeLarge(p unsafe.Pointer) {
	h, first := headerOf(p), blockOf(p)
	size, unbound := h.spans[first].large, h.spans[first].unbound
	h.info[first] = blockInfo{}
	n.large.Add(int64(-size))
	n.release(unsafe.Slice((*byte)(p), size), unbound)
}

// Scavenge returns memory that no object uses to the kernel, as far as whole
// spans are free, and says how many bytes. Objects in caches count as used:
// [Cache.Flush] them first. It takes every central's lock, one after another.
func (h *Heap) Scavenge() int64 {
	var bytes int64
	for _, n := range h.nodes {
		for k := range n.classes {
			n.classes[k].scavenge()
		}
		bytes += n.arena.Scavenge()
		if n.spare != n.arena {
			bytes += n.spare.Scavenge()
		}
	}
	return bytes
}

// Prove asks the kernel where the pages of each node's memory lie; see
// [Arena.Prove]. Unbound memory is included. The proofs are in the order of
// Nodes.
func (h *Heap) Prove() ([]Proof, error) {
	var proofs []Proof
	for _, n := range h.nodes {
		p, err := n.arena.Prove()
		if err != nil {
			return proofs, err
		}
		if n.spare != n.arena {
			q, err := n.spare.Prove()
			if err != nil {
				return proofs, err
			}
			for node, pages := range q.Pages {
				p.Pages[node] += pages
			}
			p.Absent += q.Absent
		}
		proofs = append(proofs, p)
	}
	return proofs, nil
}

// Close gives all memory back to the kernel. Whoever still uses an object
// faults.
func (h *Heap) Close() {
	for _, n := range h.nodes {
		n.arena.Close()
		n.spare.Close()
	}
}

// NodeStats are the counts of one node's memory.
type NodeStats struct {
	Node    int
	Bound   bool       // new memory is held to the node
	Arena   ArenaStats // bound and unbound together
	Unbound int64      // resident bytes that are not bound
	Large   int64      // bytes of large objects that are allocated
	Classes []ClassStats
}

// ClassStats are the counts of one size class on one node.
type ClassStats struct {
	Size    int   // bytes
	Spans   int   // spans
	Objects int   // objects in these spans
	Out     int   // of these, with users and in caches
	Stashed int   // of these, in full magazines between caches
	Refills int64 // magazines handed to caches
	Returns int64 // magazines handed back by caches of the node
	Homing  int64 // magazines handed back by caches of other nodes
}

// Stats returns the counts of every node, in the order of Nodes. Classes that
// were never used are left out.
func (h *Heap) Stats() []NodeStats {
	var all []NodeStats
	for _, n := range h.nodes {
		s := NodeStats{
			Node: n.arena.node, Bound: n.arena.Bound() && !n.warned.Load(),
			Arena: n.arena.Stats(), Large: n.large.Load(),
		}
		spare := n.spare.Stats()
		s.Unbound = spare.Resident
		if n.spare != n.arena {
			s.Arena.Mapped += spare.Mapped
			s.Arena.Resident += spare.Resident
			s.Arena.InUse += spare.InUse
			s.Arena.Peak += spare.Peak
		}
		for k := 1; k < numClasses; k++ {
			if c := n.classes[k].count(); c.Refills+c.Returns+c.Homing > 0 {
				s.Classes = append(s.Classes, c)
			}
		}
		all = append(all, s)
	}
	return all
}
