//go:build linux && (amd64 || arm64)

package runtime

import (
	"internal/cpu"
	"internal/runtime/atomic"
)

// A NUMA-aware scheduler inside Go's. Stock's protocol of wake-ups stays: one sched.lock,
// one count of spinning Ms, wakep as it is. What differs is which queue, P, M or victim
// is chosen. With GONUMA=off no function here does anything but what stock does.
//
// Vocabulary. A node has CPUs, and the Ps that procresize gave it. A goroutine's home is
// the node where it ran first. An M is bound to its P's node: its thread runs on that
// node's CPUs only. One that a goroutine was locked to is bound a millisecond later (numa_bind.go).
//
// Invariants
//
//   - A goroutine waits in the queue of its home, or of the node that queued it if it has
//     no home. No queue of a node without Ps has anything in it.
//   - A spinning M that gives up its P looks at everything once more (checkRunqsNoP). It
//     leaves work to another node only if it has woken an idle P there, or if a P there is
//     busy. In the second case it dozes for a Grace and then takes some of the work. A doze that
//     ends early because of other work counts: an M that is woken again and again takes some, too.
//     If all Ps there are in system calls it takes some at once.
//     So no P stays idle for long while there is work, as in stock, and no wake-up is lost:
//     work is published before a waker looks for spinning Ms, and a spinning M stops
//     counting as one before its last look.
//   - The M that counts as dozing may do so for up to LongDoze, if all that it has come for of late was a Morsel each
//     time and its node had nothing else to do. It wakes for the first timer of all, and a timer that is
//     started meanwhile wakes its node: the timer is published before its maker looks for such an
//     M, and that says so before it looks at timers. No such doze begins while the collector marks,
//     or if the network may have news and nobody waits there. If either begins during a doze, it may
//     have to wait for the end of that, for 400 us (LongDoze) at most.
//   - A waker leaves a node alone where an M dozes, unless the waker belongs to that node.
//     That is the same protocol once more: work is published before the waker looks for
//     dozing Ms, and an M stops counting as one before it looks again. An M counts from when it
//     makes its P idle and still counts as spinning. If it counted from its doze on, two goroutines
//     that talk to each other would wake it while it looks, again and again. One M counts for its
//     node, so that a bit says it: when that one leaves, another that dozes there does not count,
//     and so the node's Ps may be woken in vain, never too late.
//   - An M that was not spinning may go idle beside another node's work: then another M is
//     spinning, which has its last look before it.
//   - State that the scheduler writes without a P holds no pointers.
//   - The thread of a locked goroutine, and what a process starts, runs where stock would
//     run it. The affinity of a thread is set by that thread only.
//
// The decisions are package policy's, in the files numa_policy_*.go.

const (
	numaMaxNodes = 64
	numaMaxCPUs  = 8192
)

type numaMask [numaMaxCPUs / 8]byte

//go:nosplit
func (s *numaMask) has(i int32) bool { return s[i>>3]&(1<<(i&7)) != 0 }
func (s *numaMask) add(i int32)      { s[i>>3] |= 1 << (i & 7) }

func (s *numaMask) count() (n int32) {
	for i := int32(0); i < numaMaxCPUs; i++ {
		if s.has(i) {
			n++
		}
	}
	return n
}

// numa does not change after schedinit, but for what says so. With GONUMA=off stock's functions
// read "on" all the time: so no variable of stock's may lie in the same cache line, and none of
// ours that changes.
var numa struct {
	_        cpu.CacheLinePad
	on       bool // nodes are told apart
	bind     bool // threads are bound; cleared for good when the kernel keeps refusing, or somebody changes the process's mask
	confined bool // the whole process is on one node
	trace    bool

	n       int32    // nodes
	first   int32    // where the first Ps go: the node of the CPU that we started on
	masklen uintptr  // bytes of a CPU mask in this kernel
	all     numaMask // the CPUs that we started with
	why     string   // why on is false
	nodes   [numaMaxNodes]numaNode

	// Sets of nodes. Whoever makes a goroutine ready reads both, so they share a cache line.
	idle   uint64 // those with idle Ps; written with sched.lock held
	dozing uint64 // those where an M counts as dozing: see numaDozing

	procs   int32         // of the last procresize
	maskTid atomic.Uint32 // a thread that is never bound; set once
	refused atomic.Int32  // times that the kernel did not bind
}

type numaNode struct {
	os     int32  // the kernel's number
	ncpu   int32  // CPUs that we may use
	memory uint64 // bytes
	free   uint64 // bytes, when we started
	mask   numaMask
	dist   [numaMaxNodes]int32
	order  [numaMaxNodes]uint8 // the other nodes, nearest first

	// Since the last procresize.
	lo, hi  int32               // the ids of its Ps
	tiers   []Tier              // its Ps' victims: a tier for its own Ps, then one for each other node with Ps
	victims [numaMaxNodes]uint8 // the nodes of these tiers

	npidle   atomic.Int32 // idle Ps; written with sched.lock held
	appetite Appetite     // under sched.lock

	// When the M that counts as dozing wakes, if it dozes for longer than a Grace; else 0.
	until atomic.Int64
}

// numaP is what each P has.
type numaP struct {
	policy P
	node   int32
	hunger uint32   // what its M may take from other nodes, in the next search
	prev   puintptr // in the list of idle Ps, which is doubly linked
	count  [numaCounters]uint64
}

// numaM is what each M has.
type numaM struct {
	node    int32  // the node that its thread is bound to, from 1; 0 is none
	left    int32  // the node of the P that it made idle last; its thread may be bound elsewhere
	idle    int32  // the list of idle Ms that it is on, from 1; 0 is none
	dozing  bool   // its node counts as one where an M dozes because of it
	fed     bool   // its last search was a hungry one, and it has run nothing since
	ate     int64  // when it took from a P of another node, if not long ago
	dozed   int64  // for how long, since its last Grace was over or it saw no work elsewhere
	vain    bool   // it has looked everywhere in vain, and has run nothing since
	took    int64  // when it took from another node, if it has not searched since
	taken   uint32 // how many goroutines
	ran     uint32 // how many it has run since its last search after that, or its last doze
	lean    uint32 // how often in a row it has come for other nodes' work and got a Morsel at most
	freed   bool   // a goroutine was locked to it since it was bound
	loose   int64  // when it ran another goroutine after that, or 0
	execs   bool   // its goroutine is locked to it because it is to become another program
	foreign bool   // its thread has a mask that the user gave it: it is left alone
}

// numaBit is the set of one node.
//
//go:nosplit
func numaBit(node int32) uint64 { return 1 << (uint32(node) % numaMaxNodes) }

// numaHere is the node that the calling thread works for.
//
//go:nosplit
func numaHere() int32 {
	mp := getg().m
	if pp := mp.p.ptr(); pp != nil {
		return pp.numa.node
	}
	if mp.numa.node > 0 {
		return mp.numa.node - 1
	}
	return numa.first
}
