package numa

import (
	"errors"
	"fmt"
	"math"
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
	home  uint16 // nodeHeap.home of its owner
}

// homes records which home numbers are taken. A number belongs to one node of
// one heap of the process while that heap is open, so that a block tells whose
// it is. 0 is never given out: it is what a block without an owner has.
var homes struct {
	sync.Mutex
	taken []bool
}

// takeHomes returns the first of n numbers in a row that nobody has.
func takeHomes(n int) (base uint16, err error) {
	homes.Lock()
	defer homes.Unlock()
	if homes.taken == nil {
		homes.taken = []bool{true}
	}
	first := 1
	for i := 1; i < len(homes.taken) && i-first < n; i++ {
		if homes.taken[i] {
			first = i + 1
		}
	}
	if first+n-1 > math.MaxUint16 {
		return 0, fmt.Errorf("numa: no heap on %d nodes: the heaps that are open have %d already, and %d is the limit; close some", n, len(homes.taken)-1, math.MaxUint16)
	}
	for len(homes.taken) < first+n {
		homes.taken = append(homes.taken, false)
	}
	for i := range n {
		homes.taken[first+i] = true
	}
	return uint16(first), nil
}

func giveHomes(base uint16, n int) {
	homes.Lock()
	defer homes.Unlock()
	clear(homes.taken[base:][:n])
}

// Anywhere stands for a node ID in HeapOptions.Nodes and in [Heap.NewCache]. Its
// memory is on no node in particular: it is not bound, and lies where it is first
// touched.
const Anywhere = -1

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
	Nodes []int // node IDs, the kernel's; pretended ones with Unbound; or Anywhere
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
	base  uint16 // home of nodes[0]; the others follow
	nodes []*nodeHeap
	index map[int]int // node ID -> position in nodes
	debug *debugHeap  // nil unless debugging
	opt   HeapOptions

	mu       sync.Mutex
	warnings []string
	closed   bool
}

type nodeHeap struct {
	heap    *Heap
	home    uint16                // Heap.base and the position in Heap.nodes
	asked   bool                  // whether binding has been tried; under Heap.mu
	arena   atomic.Pointer[Arena] // bound, if it could be; spare until a cache asks for the node
	spare   *Arena                // unbound: grows when arena cannot
	warned  atomic.Bool
	skip    atomic.Int32 // allocations that go to spare before arena is asked again
	classes [numClasses]central
	large   atomic.Int64 // bytes of large objects
}

// NewHeap returns a heap for the given nodes. The first cache on a node makes its
// arena. A node on which memory cannot be bound gets an unbound arena, and
// [Heap.Warnings] says so.
//
// Errors: no node, or one named twice or negative, or 65,535 nodes in the heaps
// that are open.
func NewHeap(opt HeapOptions) (*Heap, error) {
	h := &Heap{opt: opt, index: map[int]int{}}
	if len(opt.Nodes) == 0 {
		return nil, errors.New("numa: a heap needs at least one node")
	}
	if opt.Debug {
		h.debug = &debugHeap{live: map[unsafe.Pointer]int{}, freed: map[unsafe.Pointer]int{}}
	}
	for i, id := range opt.Nodes {
		if _, twice := h.index[id]; twice || id < Anywhere {
			return nil, fmt.Errorf("numa: nodes %v: node %d is negative or named twice", opt.Nodes, id)
		}
		h.index[id] = i
	}
	base, err := takeHomes(len(opt.Nodes))
	if err != nil {
		return nil, err
	}
	h.base = base
	for i, id := range opt.Nodes {
		n := &nodeHeap{heap: h, home: base + uint16(i), asked: opt.Unbound || id == Anywhere}
		n.spare, _ = NewArena(id, ArenaOptions{Unbound: true})
		n.arena.Store(n.spare)
		for k := range n.classes {
			n.classes[k].node, n.classes[k].class = n, k
		}
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

// bind makes the node's arena, if none has tried yet.
func (n *nodeHeap) bind() {
	h := n.heap
	h.mu.Lock()
	defer h.mu.Unlock()
	if n.asked {
		return
	}
	n.asked = true
	if bound, err := NewArena(n.spare.node, ArenaOptions{Pages: h.opt.Pages}); err == nil {
		n.arena.Store(bound)
	} else {
		n.warnLocked(err)
	}
}

// warn tells once for each node that memory of it is not bound.
func (n *nodeHeap) warn(err error) {
	if n.warned.Load() {
		return
	}
	n.heap.mu.Lock()
	defer n.heap.mu.Unlock()
	n.warnLocked(err)
}

func (n *nodeHeap) warnLocked(err error) {
	if !n.warned.Swap(true) {
		n.heap.warnings = append(n.heap.warnings, fmt.Sprintf(
			"memory for node %d is not bound to it and lies where it is touched first: %v", n.spare.node, err))
	}
}

// alloc takes bytes from the node's arena, or from unbound memory if the node
// has no more.
func (n *nodeHeap) alloc(bytes int) (mem []byte, unbound bool, err error) {
	// A node that is full is asked again only now and then: asking is dear.
	if arena := n.arena.Load(); arena != n.spare && n.skip.Add(-1) < 0 {
		if mem, err = arena.Alloc(bytes); err == nil {
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
		n.arena.Load().Free(mem)
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
		for _, a := range n.arenas() {
			bytes += a.Scavenge()
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
		all := Proof{Node: n.spare.node, Pages: map[int]int{}}
		for _, a := range n.arenas() {
			p, err := a.Prove()
			if err != nil {
				return proofs, err
			}
			for node, pages := range p.Pages {
				all.Pages[node] += pages
			}
			all.Absent += p.Absent
		}
		proofs = append(proofs, all)
	}
	return proofs, nil
}

// Close gives all memory back to the kernel. Whoever still uses an object
// faults.
func (h *Heap) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	for _, n := range h.nodes {
		n.asked = true
		for _, a := range n.arenas() {
			a.Close()
		}
	}
	giveHomes(h.base, len(h.nodes))
}

// arenas returns the node's arenas: the unbound one and, if there is one, the
// bound one.
func (n *nodeHeap) arenas() []*Arena {
	if a := n.arena.Load(); a != n.spare {
		return []*Arena{a, n.spare}
	}
	return []*Arena{n.spare}
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
			Node: n.spare.node, Bound: n.arena.Load().Bound() && !n.warned.Load(),
			Unbound: n.spare.Stats().Resident, Large: n.large.Load(),
		}
		for _, a := range n.arenas() {
			st := a.Stats()
			s.Arena.Mapped += st.Mapped
			s.Arena.Resident += st.Resident
			s.Arena.InUse += st.InUse
			s.Arena.Peak += st.Peak
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
