// Package numa tells a program what the NUMA-aware runtime does with it. numago adds it to
// the standard library: a program that imports it builds with numago only.
//
// Nodes have the kernel's numbers. Pretended nodes (GONUMA=N) have the numbers from 0 to
// N-1, which say nothing about memory; NodeOf tells of memory and gives the kernel's even
// then.
package numa

import "unsafe"

// Nodes returns how many nodes the scheduler tells apart. It is 1 where it tells none
// apart: with GONUMA=off or confine, on a machine of one node, or where the runtime stands
// down.
func Nodes() int { return nodes() }

// Home returns the home of the calling goroutine: the node that it is woken on. A goroutine
// is at home where it ran first, until another node has woken it again and again. In
// a process that is confined to a node it is that node. It is -1 where no nodes are told
// apart.
func Home() int { return home() }

// Here returns the node that the calling goroutine runs on now: what it allocates lies
// there if the heap has a part for each node. It may run elsewhere when Here returns. It is -1
// where no nodes are told apart.
func Here() int { return here() }

// NodeOf returns the node that the page of the byte at p lies on. It is -1 if the page has
// not been touched yet, or if the kernel does not say.
func NodeOf(p unsafe.Pointer) int { return nodeOf(p) }

// HeapNodeOf returns the node whose part of the heap the object at p lies in, or the
// variable at p on a goroutine's stack, as the runtime's own books say. It is -1 if there is
// nothing of that kind at p, or if the heap has no parts for nodes: that is so unless GONUMA
// says "heap".
func HeapNodeOf(p unsafe.Pointer) int { return heapNodeOf(p) }

// Counters say what the scheduler has done since the program started. All are 0 where
// no nodes are told apart.
type Counters struct {
	RunsHome   uint64 // goroutines run at home
	RunsAway   uint64 // and elsewhere
	Handoffs   uint64 // made ready elsewhere, and handed to an idle P at home
	Queued     uint64 // made ready elsewhere, and queued at home
	Moves      uint64 // homes that moved
	StolenNear uint64 // goroutines stolen on the thief's own node
	StolenFar  uint64 // and from other nodes
	Hungry     uint64 // times that a thread had waited and then came for another node's goroutines
	Wakes      uint64 // Ps woken by others because their node had work
	Binds      uint64 // times that a thread was bound to a node
	SpansNear  uint64 // blocks of memory taken to allocate from, of the own node's part of the heap
	SpansFar   uint64 // and of other nodes'
	Late       uint64 // times that old work was found in a queue beside an idle P
}

// Read returns the counters. The program goes on meanwhile, so they need not fit together
// to the last goroutine.
func Read() (c Counters) {
	var all [13]uint64
	read(&all)
	c.RunsHome, c.RunsAway, c.Handoffs, c.Queued, c.Moves = all[0], all[1], all[2], all[3], all[4]
	c.StolenNear, c.StolenFar, c.Hungry, c.Wakes, c.Binds, c.SpansNear, c.SpansFar, c.Late = all[5], all[6], all[7], all[8], all[9], all[10], all[11], all[12]
	return c
}

// These are in package runtime.

//go:linkname nodes runtime.numa_nodes
func nodes() int

//go:linkname home runtime.numa_home
func home() int

//go:linkname here runtime.numa_here
func here() int

//go:linkname nodeOf runtime.numa_nodeOf
//go:noescape
func nodeOf(p unsafe.Pointer) int

//go:linkname heapNodeOf runtime.numa_heapNodeOf
//go:noescape
func heapNodeOf(p unsafe.Pointer) int

//go:linkname read runtime.numa_read
//go:noescape
func read(all *[13]uint64)
