package sched

import (
	"fmt"
	"reflect"
	"runtime"
	"unsafe"

	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// Work describes once what a G does to the machine, for machines that do it
// and for machines that only charge for it.
type Work struct {
	Ops    int64  // arithmetic operations, one per cycle
	Kernel string // names the loop, for machines that know how many cycles its operations take; or ""
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
	// Atomic accesses at random offsets that a cache holds do not overlap with
	// arithmetic. Nothing else is different about them.
	Atomic bool
}

// A Buffer is memory whose pages have home nodes.
type Buffer struct {
	Bytes int64
	Base  unsafe.Pointer // first byte, page aligned; nil on a simulated machine
	Local any            // the Machine's own
}

// Slice returns a real Buffer's memory as n values of type T, or nil on a
// simulated machine. It panics if n is negative, if they do not fit, or if T
// holds pointers: the garbage collector does not see the memory of Buffers.
func Slice[T any](b *Buffer, n int) []T {
	t := reflect.TypeFor[T]()
	if hasPointers(t) {
		panic(fmt.Sprintf("sched: Slice of %v: want a type without pointers: the garbage collector does not see the memory of Buffers", t))
	}
	if size := int64(t.Size()); n < 0 || size > 0 && int64(n) > b.Bytes/size {
		panic(fmt.Sprintf("sched: Slice of %d values of %d bytes: want 0 to %d values, which the Buffer's %d bytes hold", n, size, b.Bytes/max(size, 1), b.Bytes))
	}
	if b.Base == nil {
		return nil
	}
	return unsafe.Slice((*T)(b.Base), n)
}

// hasPointers reports whether values of type t hold pointers that the garbage
// collector must see.
func hasPointers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return t.Len() > 0 && hasPointers(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if hasPointers(t.Field(i).Type) {
				return true
			}
		}
		return false
	}
	return t.Kind() >= reflect.Chan // kinds are in order: numbers, arrays, then what points
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
// kernel ID. NewBuffer returns an error if the machine has no such node. A G that is sent
// to a node that the machine does not have, or that has no CPUs for this process, runs
// where it was started, and [Sched.Warnings] says so.
func OnNode(id int) Placement { return Placement{placeNode, id} }

// Node returns the node ID of an [OnNode] placement, and false for others.
func (p Placement) Node() (id int, ok bool) { return p.node, p.kind == placeNode }

// Interleaved reports whether p is [Interleave].
func (p Placement) Interleaved() bool { return p.kind == placeInterleave }

// Allocated tells a simulated machine that g has made a number of small objects on Go's
// heap, closures most of all: it charges for them. On a real machine they have cost
// what they cost, and Allocated does nothing.
func (g *G) Allocated(objects int) {
	if g.m.memory == nil {
		return
	}
	for range objects {
		g.m.spend(machine.CostObject)
	}
}

// Work does w: on a real machine it calls kernel, on a simulated one it charges for w
// instead. See [Machine]. Under arms that bind threads kernel stays on its thread: it
// must not use g in a way that may block it.
func (g *G) Work(w Work, kernel func()) {
	m := g.preemptible()
	if w.Ops >= policy.LongWork {
		m.share() // a P that becomes idle meanwhile finds g's children
	}
	rest := g.needRest()
	rest.work = w // not &w, which would be an object of the heap
	held := m.s.arm.Bind && m.memory == nil
	if held {
		// The pages that kernel is the first to touch lie where it runs, and stay there.
		// Go's runtime may bring a goroutine to another thread at any time: it preempts
		// one that has run for 10 ms, or seems to have on a computer that is busy. So the
		// thread is held while kernel runs, and checked once it is held.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	for part := int64(0); ; m = g.preemptible() {
		m.checkBinding(held)
		if part = m.s.machine.Work(&m.M, &rest.work, part, kernel); part == 0 {
			break
		}
	}
	rest.trail.Worked()
	m = g.m // on a host, and if no thread is bound, kernel may have blocked g
	if m.atHome(g) {
		m.worked(&rest.work)
	}
}

// atHome reports whether what g does on m counts as done on its home node.
func (m *M) atHome(g *G) bool {
	return m.s.rules.Homes && g.home.Load() == int32(m.p.domain.index)
}

// worked notes that a G at home on m's node has done w there.
func (m *M) worked(w *Work) {
	lines, accesses := int64(0), int64(0)
	for _, spans := range [...][]Span{w.Reads, w.Writes} {
		for i := range spans {
			if accesses += spans[i].Accesses; spans[i].Accesses == 0 {
				lines += (spans[i].Len + lineSize - 1) / lineSize
			}
		}
	}
	n := m.p.node
	was := n.light.load(m)
	if is := m.p.pol.Worked(w.Ops, lines, accesses, was != 0); is != (was != 0) {
		n.light.store(m, was^1)
	}
}
