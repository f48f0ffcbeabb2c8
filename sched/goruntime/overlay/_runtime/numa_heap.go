//go:build linux && (amd64 || arm64)

package runtime

import (
	"internal/cpu"
	"internal/runtime/atomic"
	"internal/runtime/syscall/linux"
	"unsafe"
)

// The heap by node, with GONUMA=on,heap. A P gets memory of its node: pages and spans.
//
// Invariants
//
//   - An arena belongs to one node for ever. Its heapArena says which: never its address.
//     The arenas from before schedinit read the environment say 0, and belong to numa.first.
//   - Each node has a tree of summaries of its own free pages. In a node's tree all pages of
//     other nodes are in use, so no run of free pages crosses from one node to another.
//   - mheap_.pages and mheap_.curArena are those of the node numaHeap.at. Whoever holds
//     mheap_.lock and reads or changes a summary, the search address or curArena has
//     selected the node first. The bitmaps of pages, the ranges in use and the scavenger's
//     index are one for all nodes.
//   - Every tree maps its summary of every growth. Stock maps a summary unless the ranges in
//     use show that it is mapped, and these ranges are of all nodes.
//   - A span is in the central lists of the node of its arena. An allocating P takes from
//     its node's lists. The sweeper takes from all.
//   - Nothing here allocates, or has a write barrier.
//
// Stacks are in numa_stacks.go. What is Go's own still: the descriptors of free goroutines,
// the collector's work buffers and mark bits, and the arenas of GOEXPERIMENT=arenas.

// numaHeap does not change after schedinit, but for what says so.
var numaHeap struct {
	_     cpu.CacheLinePad // see numa
	on    bool
	bind  bool // the kernel is told which node a page is for
	nodes [numaMaxNodes]numaHeapNode

	// Under mheap_.lock.
	at     int32 // the node that mheap_.pages is of
	borrow int32 // the node that the next pages come from although they are for another, from 1; 0 is none

	refused atomic.Int32 // times that the kernel did not bind
}

type numaHeapNode struct {
	sets *numaCentral // nil for numa.first, whose lists are stock's
	mask [16]uint64   // the node's bit, for the kernel

	// While another node is selected.
	summary    [summaryLevels]notInHeapSlice
	searchAddr offAddr
	arena      struct{ base, end uintptr } // mheap_.curArena

	pages atomic.Uintptr // in its arenas, free ones included
}

// numaCentral are the central lists of a node: partial ones and full ones, two of each.
type numaCentral [numSpanClasses]struct {
	sets [4]spanSet
	_    [192 - 4*unsafe.Sizeof(spanSet{})%192]byte
}

// numaHeapInit gives what there is of the heap to numa.first, and nothing to the other nodes,
// or says why not. There is one thread yet.
func numaHeapInit(pretended bool) (why string) {
	if !pretended && !numa.bind {
		return "threads are not bound, since the program uses cgo"
	}
	for i := int32(0); i < numa.n; i++ {
		nd, os := &numaHeap.nodes[i], numa.nodes[i].os
		if int(os/64) >= len(nd.mask) {
			return "a node's number is above 1023"
		}
		nd.mask[os/64] = 1 << (os % 64)
	}
	numaHeap.bind = !pretended
	numaHeap.at = numa.first
	pages := &mheap_.pages
	ranges := pages.inUse.ranges
	for _, r := range ranges {
		numaHeap.nodes[numa.first].pages.Add(r.size() / pageSize)
		numaMbind(numa.first, r.base.addr(), r.size())
	}
	for i := int32(0); i < numa.n; i++ {
		if i == numa.first {
			continue
		}
		numaSelect(i)
		pages.sysInit(false)
		// sysGrow skips what the ranges in use say is mapped.
		for k, r := range ranges {
			pages.inUse.ranges = ranges[:k]
			pages.sysGrow(r.base.addr(), r.limit.addr())
		}
		pages.inUse.ranges = ranges
		pages.searchAddr = maxSearchAddr()
		// A base of 0 would tell grow that it is the very first time.
		mheap_.curArena.base, mheap_.curArena.end = 1, 1
		numaHeap.nodes[i].sets = (*numaCentral)(persistentalloc(unsafe.Sizeof(numaCentral{}), 64, &memstats.gcMiscSys))
		for class := range numaHeap.nodes[i].sets {
			for k := range numaHeap.nodes[i].sets[class].sets {
				lockInit(&numaHeap.nodes[i].sets[class].sets[k].spineLock, lockRankSpanSetSpine)
			}
		}
	}
	numaStacksInit()
	numaHeap.on = true
	return ""
}

// numaSelect makes mheap_.pages and mheap_.curArena those of a node.
func numaSelect(node int32) {
	if node == numaHeap.at {
		return
	}
	h := &mheap_
	// As slices of memory that is not Go's: without write barriers.
	summary := (*[summaryLevels]notInHeapSlice)(unsafe.Pointer(&h.pages.summary))
	nd := &numaHeap.nodes[numaHeap.at]
	nd.summary, nd.searchAddr = *summary, h.pages.searchAddr
	nd.arena.base, nd.arena.end = h.curArena.base, h.curArena.end
	nd = &numaHeap.nodes[node]
	*summary, h.pages.searchAddr = nd.summary, nd.searchAddr
	h.curArena.base, h.curArena.end = nd.arena.base, nd.arena.end
	numaHeap.at = node
}

// numaArenaNode is the node of the arena of an address in the heap.
func numaArenaNode(addr uintptr) int32 {
	ai := arenaIndex(addr)
	if k := mheap_.arenas[ai.l1()][ai.l2()].numa; k != 0 {
		return int32(k) - 1
	}
	return numa.first
}

// numaNewArena notes whose arena it is: that of the node that it was made for. mheap_.lock
// is held, here and below.
func numaNewArena(ha *heapArena) {
	ha.numa = uint8(numaHere() + 1)
}

// numaHeapHere selects the calling M's node.
func numaHeapHere() { numaSelect(numaHere()) }

// numaPagesHere selects the node that pages are about to be taken from: the calling M's, as
// a rule. p is another page allocator in tests.
func numaPagesHere(p *pageAlloc) {
	if p == &mheap_.pages {
		node := numaHere()
		if numaHeap.borrow != 0 {
			node, numaHeap.borrow = numaHeap.borrow-1, 0
		}
		numaSelect(node)
	}
}

// numaPagesOf selects the node of pages that are about to be freed or looked at.
func numaPagesOf(p *pageAlloc, base uintptr) {
	if p == &mheap_.pages {
		numaSelect(numaArenaNode(base))
	}
}

// numaPagesGrow runs before p gets new memory, which is mapped and has not been touched.
func numaPagesGrow(p *pageAlloc, base, size uintptr) {
	if p != &mheap_.pages {
		return
	}
	node := numaArenaNode(base)
	first, limit := alignDown(base, pallocChunkBytes), alignUp(base+size, pallocChunkBytes)
	for i := int32(0); i < numa.n; i++ {
		if i != node {
			numaSelect(i)
			p.sysGrow(first, limit)
		}
	}
	numaSelect(node)
	numaHeap.nodes[node].pages.Add(size / pageSize)
	numaMbind(node, base, size)
}

// numaBorrow looks for free pages of other nodes, as there are no addresses for more of the
// own. If there are, the next pages come from there.
func numaBorrow(npages uintptr) bool {
	node := numaHere()
	for _, k := range numa.nodes[node].order[:numa.n-1] {
		numaSelect(int32(k))
		if base, _ := mheap_.pages.find(npages); base != 0 {
			numaHeap.borrow = int32(k) + 1
			return true
		}
	}
	numaSelect(node)
	return false
}

// numaMbind tells the kernel where new pages shall lie. Another node's memory is better than
// none. Where a container forbids it, they lie where they are touched first, which is the
// same node mostly.
func numaMbind(node int32, base, size uintptr) {
	if !numaHeap.bind {
		return
	}
	mask := &numaHeap.nodes[node].mask
	// The kernel wants one more than the number of bits.
	_, _, e := linux.Syscall6(numaSysMbind, base, size, numaPreferred, uintptr(unsafe.Pointer(mask)), uintptr(len(mask))*64+1, 0)
	if e != 0 {
		numaHeap.refused.Add(1)
	}
}

// numaSpans are the central lists of one kind of a span class. It has the methods of
// spanSet, so that stock code compiles unchanged.
type numaSpans struct {
	flat  *spanSet // numa.first's, and the only one without a heap by node
	class spanClass
	kind  uint8 // of the lists in numaCentral
}

func (c *mcentral) partialUnswept(sweepgen uint32) numaSpans {
	return numaSpans{c.partialUnsweptFlat(sweepgen), c.spanclass, uint8(1 - sweepgen/2%2)}
}

func (c *mcentral) partialSwept(sweepgen uint32) numaSpans {
	return numaSpans{c.partialSweptFlat(sweepgen), c.spanclass, uint8(sweepgen / 2 % 2)}
}

func (c *mcentral) fullUnswept(sweepgen uint32) numaSpans {
	return numaSpans{c.fullUnsweptFlat(sweepgen), c.spanclass, uint8(3 - sweepgen/2%2)}
}

func (c *mcentral) fullSwept(sweepgen uint32) numaSpans {
	return numaSpans{c.fullSweptFlat(sweepgen), c.spanclass, uint8(2 + sweepgen/2%2)}
}

func (b numaSpans) of(node int32) *spanSet {
	if node == numa.first {
		return b.flat
	}
	return &numaHeap.nodes[node].sets[b.class].sets[b.kind]
}

func (b numaSpans) push(s *mspan) {
	if numaHeap.on {
		b.flat = b.of(numaArenaNode(s.base()))
	}
	b.flat.push(s)
}

// pop takes a span of the calling M's node.
func (b numaSpans) pop() *mspan {
	if numaHeap.on {
		b.flat = b.of(numaHere())
	}
	return b.flat.pop()
}

// numaPopAny takes a span of any node, the own one first: whoever sweeps it has it in the
// cache, and may want it.
func (b numaSpans) numaPopAny() *mspan {
	if !numaHeap.on {
		return b.flat.pop()
	}
	node := numaHere()
	s := b.of(node).pop()
	for k := int32(0); s == nil && k < numa.n-1; k++ {
		s = b.of(int32(numa.nodes[node].order[k])).pop()
	}
	return s
}

// reset empties the lists of all nodes. The world is stopped, and nothing is in them.
func (b numaSpans) reset() {
	b.flat.reset()
	if numaHeap.on {
		for i := int32(0); i < numa.n; i++ {
			if i != numa.first {
				b.of(i).reset()
			}
		}
	}
}

// numaSpanTaken counts the spans that Ps take to allocate from.
func numaSpanTaken(s *mspan) {
	pp := getg().m.p.ptr()
	switch {
	case pp == nil: // in schedinit
	case numaArenaNode(s.base()) == pp.numa.node:
		pp.numa.count[numaSpansNear]++
	default:
		pp.numa.count[numaSpansFar]++
	}
}
