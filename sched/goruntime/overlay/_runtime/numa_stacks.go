//go:build linux && (amd64 || arm64)

package runtime

// Stacks by node, with GONUMA=on,heap. A goroutine starts on a stack of the node of the P
// that makes it, and a stack that grows becomes one of the node of the P that runs it.
//
// Invariants
//
//   - Each pool of stacks has a list of spans for each node. A span is in the list of the
//     node of its arena. stackpool[order].item.span is the list of node numaStacks.at[order].
//     Whoever holds the pool's lock and uses that list has selected the node first.
//   - The stacks that a P keeps in its cache are of its node. When procresize gives a P to
//     another node, it keeps what it has.
//   - The collector shrinks a stack on the stack's node only, because the new one is of the
//     node of the P that shrinks it. Else it leaves that to a later collection.
//   - A free goroutine keeps its stack, and any P may take it. A P that takes one with a
//     stack of another node changes the stack.
//
// The list of free goroutines that all Ps share stays one list. A P takes from it only when
// it has none of its own that have ended, and then 32 at once. What would be remote is the
// descriptor, seven cache lines, and not the stack. With a list for each node a P
// would have to look into all of them in the end: goroutines that start on one node and end on
// another would leave more and more descriptors there, which Go never frees.
// The list of free stacks of 32 KB and more stays one list, too. It has some only while the
// collector marks.
var numaStacks struct {
	at    [_NumStackOrders]int32                   // under the pool's lock, as is the rest
	lists [numaMaxNodes][_NumStackOrders]mSpanList // of nodes that are not selected
}

// numaStacksInit gives what there is to numa.first. There is one thread yet.
func numaStacksInit() {
	for order := range numaStacks.at {
		numaStacks.at[order] = numa.first
	}
}

// numaStacksSelect makes the list of a pool that of a node.
func numaStacksSelect(order uint8, node int32) {
	at := &numaStacks.at[order]
	if *at == node {
		return
	}
	list := &stackpool[order].item.span
	numaStacks.lists[*at][order] = *list
	*list = numaStacks.lists[node][order]
	*at = node
}

// numaStacksHere selects the calling M's node, which a stack is about to be taken from.
func numaStacksHere(order uint8) {
	numaStacksSelect(order, numaHere())
}

// numaStacksOf selects the node of an address in a span that is about to be put into the
// list or taken from it. That of a new span may be another one than was asked for: see
// numaBorrow.
func numaStacksOf(order uint8, addr uintptr) {
	numaStacksSelect(order, numaArenaNode(addr))
}

// numaStackFar gives a free stack of another node back to that node's list, since it may
// not be in the P's cache.
func numaStackFar(x gclinkptr, order uint8) bool {
	if valgrindenabled || numaArenaNode(uintptr(x)) == numaHere() {
		return false
	}
	lock(&stackpool[order].item.mu)
	stackpoolfree(x, order)
	unlock(&stackpool[order].item.mu)
	return true
}

// numaFreeStacks gives empty spans of all nodes but the last back to the heap. It leaves the
// last one selected for stock's code.
func numaFreeStacks(order uint8) {
	list := &stackpool[order].item.span
	for node := int32(0); node < numa.n; node++ {
		numaStacksSelect(order, node)
		var next *mspan
		for s := list.first; s != nil && node < numa.n-1; s = next {
			next = s.next
			if s.allocCount == 0 {
				list.remove(s)
				s.manualFreeList = 0
				osStackFree(s)
				mheap_.freeManual(s, spanAllocStack)
			}
		}
	}
}

// numaShrinkLater reports whether the caller is a collector that runs on another node than
// that of gp's stack.
func numaShrinkLater(gp *g) bool {
	return debug.efence == 0 && gp != getg().m.curg && gp.stack.lo != 0 &&
		numaArenaNode(gp.stack.lo) != numaHere()
}

// numaGfstack gives a free goroutine that pp has taken a stack of pp's node.
func numaGfstack(pp *p, gp *g) {
	// With efence a stack is not of the heap.
	if debug.efence != 0 || valgrindenabled || numaArenaNode(gp.stack.lo) == pp.numa.node {
		return
	}
	systemstack(func() {
		stackfree(gp.stack)
		gp.stack = stackalloc(uint32(startingStackSize))
	})
	gp.stackguard0 = gp.stack.lo + stackGuard
}
