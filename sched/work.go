package sched

import "unsafe"

// Work describes once what a G does to the machine, for machines that do it
// and for machines that only charge for it.
type Work struct {
	Ops    int64 // arithmetic operations, one per cycle
	Reads  []Span
	Writes []Span
}

// A Span is a piece of a [Buffer] that some Work reads or writes.
type Span struct {
	Buf      *Buffer
	Off, Len int64 // bytes
	// Accesses is the number of accesses at random offsets of the span. 0 means
	// the span is streamed through once, in order.
	Accesses int64
	// Independent accesses have their addresses from elsewhere, so that a core has
	// several under way; otherwise each waits for the last one.
	Independent bool
}

// A Buffer is memory whose pages have home nodes.
type Buffer struct {
	Bytes int64
	Base  unsafe.Pointer // first byte, page aligned; nil on a simulated machine
	Local any            // the Machine's own
}

// Slice returns a real Buffer's memory as n values of type T, which must hold
// no pointers, or nil on a simulated machine. It panics if they do not fit.
func Slice[T any](b *Buffer, n int) []T {
	var zero T
	if int64(n)*int64(unsafe.Sizeof(zero)) > b.Bytes {
		panic("sched: Slice is larger than its Buffer")
	}
	if b.Base == nil {
		return nil
	}
	return unsafe.Slice((*T)(b.Base), n)
}

// A Placement says where pages or Gs go.
type Placement struct {
	kind placementKind
	node int
}

type placementKind uint8

const (
	placeDefault placementKind = iota
	placeNode
	placeInterleave
)

// Default is the zero Placement: pages go to the node that first touches them,
// a G starts on its parent's node and its home is where it first runs.
var Default Placement

// Interleave spreads pages over the nodes in turn. It means nothing for a G.
var Interleave = Placement{kind: placeInterleave}

// OnNode puts pages on, or makes its G at home on, the NUMA node with the given
// kernel ID.
func OnNode(id int) Placement { return Placement{placeNode, id} }

// Node returns the node ID of an [OnNode] placement, and false for others.
func (p Placement) Node() (id int, ok bool) { return p.node, p.kind == placeNode }

// Interleaved reports whether p is [Interleave].
func (p Placement) Interleaved() bool { return p.kind == placeInterleave }

// Work does w: on a real machine it calls kernel, on a simulated one it
// charges for w instead. See [Machine].
func (g *G) Work(w Work, kernel func()) {
	g.work = w // not &w, which would be an object of the heap
	// Before and not after: the pages that kernel is the first to touch lie where
	// it runs, and what g did since its last turn, a system call most of all, may
	// have brought it to another thread.
	g.m.checkBinding()
	g.m.s.machine.Work(g.m, &g.work, kernel)
	g.away = 0 // it has memory to stay with, see policy.FollowAfter
}
