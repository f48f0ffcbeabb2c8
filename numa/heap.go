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
// A span is a run of blocks that is cut into objects of one class. It is described
// in the header of its chunk, which is found by masking an object's address.
//
// Invariants:
//
//   - An object is in exactly one place: with the user, in a magazine, in a
//     span's free list, or in the part of a span that was never cut.
//   - span.out counts the objects with the user or in a magazine. The lock of the
//     span's central protects it, like everything in a span.
//   - An object never leaves its node: the magazines of a central hold only its own
//     objects, and a Cache hands objects of other nodes to the central that owns
//     them.
//   - A span is in its central's list if and only if it has a free object.
//   - A blockInfo changes only while no object of the block is out. So whoever holds
//     an object reads it without a lock.
//
// Locks: a central's is taken before an Arena's. No other lock is held with them.

// A blockInfo describes a block of a chunk. Class 0: the block is not in use.
type blockInfo struct {
	class uint8
	first uint8  // the first block of the span or large object
	home  uint16 // nodeHeap.home of its owner
}

// homes records which home numbers are taken. While a heap is open, each of its
// nodes has a number that nothing else in the process has, so that a block tells
// who owns it. 0 is never given out: it stands for no owner.
var homes struct {
	sync.Mutex
	taken []bool
}

// takeHomes takes n consecutive free numbers and returns the first.
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

// A chunkHeader begins every chunk. Every free reads an info; infos are written when
// a span is made or dissolved. They share no cache line with what changes often.
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

	// Unbound memory is not bound to nodes. It serves pretended nodes.
	Unbound bool

	// Debug finds double frees and frees of memory that the heap never gave out, and
	// panics with a [*FreeError]. Each operation then takes a lock and at least
	// 100 ns.
	Debug bool
}

// A Heap hands out memory on the node that the caller names. It has one [Arena] for
// each node and is used through one [Cache] for each owner. Its memory is outside
// Go's heap, and must hold no pointers into Go's heap.
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

// Warnings returns which memory is not bound to its node, and why, in words for the
// user. The list grows while the heap is used. A result that was measured with the
// heap should show it.
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
	// Asking a node that is full is expensive, so it is asked only now and then.
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

// newSpan makes a span of a class. The central's lock is held.
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

// dissolve gives a span's blocks back. None of its objects is out.
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

// Scavenge returns the memory of spans without objects to the kernel, and returns the
// number of bytes. Objects in caches count as used, so [Cache.Flush] the caches first.
// Scavenge takes every central's lock, one after another.
func (h *Heap) Scavenge() int64 { return h.scavenge((*Arena).Scavenge) }

// ScavengeIdle is Scavenge of what has been free ever since the last ScavengeIdle, as
// [Arena.ScavengeIdle] has it.
func (h *Heap) ScavengeIdle() int64 { return h.scavenge((*Arena).ScavengeIdle) }

func (h *Heap) scavenge(arena func(*Arena) int64) int64 {
	var bytes int64
	for _, n := range h.nodes {
		for k := range n.classes {
			n.classes[k].scavenge()
		}
		for _, a := range n.arenas() {
			bytes += arena(a)
		}
	}
	return bytes
}

// Prove asks the kernel where the pages of each node's memory lie; see [Arena.Prove].
// Unbound memory counts too. The proofs are in the order of Nodes.
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

// Close gives all memory back to the kernel. Later accesses to objects fault.
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
	Out     int   // objects with users and in caches
	Stashed int   // objects in full magazines between caches; they count in Out, too
	Refills int64 // magazines handed to caches
	Returns int64 // magazines handed back by caches of the node
	Homing  int64 // magazines handed back by caches of other nodes
}

// Stats returns the counts of every node, in the order of Nodes. It leaves out
// classes that were never used.
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
