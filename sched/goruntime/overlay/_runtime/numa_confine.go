//go:build linux && (amd64 || arm64)

package runtime

import (
	"internal/runtime/syscall/linux"
	"unsafe"
)

// GONUMA=confine keeps the whole process on one node: its threads, its Ps, its memory. The
// scheduler is stock's. There is one thread yet, and all others have its mask and its
// memory policy. What the process starts does not: it runs where stock would run it.

const (
	numaDefault   = 0 // MPOL_DEFAULT
	numaPreferred = 1 // MPOL_PREFERRED: another node's memory is better than none
)

// numaMemory is the bit mask of the node that we are confined to, for up to 1024 nodes.
var numaMemory [16]uint64

var numaConfinedTo *numaNode

// numaStartConfine confines the process to a node, by the kernel's number, or to the best
// one if that is negative.
func numaStartConfine(number int32) (why string) {
	if number >= 0 {
		numaCheckNode(number)
	}
	switch {
	case numaNarrowed():
		return "somebody narrowed the CPU mask, and confine leaves that alone"
	case numaPolicySet():
		return "somebody set a memory policy, and confine leaves that alone"
	case numa.n < 2:
		return numaOneNode
	}
	// The kernel has just put us on the idlest CPU. Its node it is, unless another one has
	// twice as much free memory.
	best := numaStartNode()
	for i := int32(0); i < numa.n; i++ {
		if numa.nodes[i].os == number || number < 0 && numa.nodes[i].free/2 > numa.nodes[best].free {
			best = i
		}
	}
	nd := &numa.nodes[best]
	if nd.os/64 >= int32(len(numaMemory)) {
		return "the node's number is above 1023"
	}
	numaMemory[nd.os/64] = 1 << (nd.os % 64)
	numaConfinedTo = nd
	if !numaConfineThread() {
		numaUnconfine()
		return "the kernel refuses to bind"
	}
	numa.confined = true
	numaFetchPages()
	numCPUStartup = nd.ncpu // GOMAXPROCS follows from it
	if gogetenv("GOMEMLIMIT") == "" && nd.memory != 0 {
		// The kernel and others need some of the node's memory.
		gcController.memoryLimit.Store(int64(nd.memory / 10 * 9))
		gcController.commit(true)
	}
	return ""
}

// numaFetchPages moves what the program has touched so far, some MB, to its node. Where the
// kernel refuses, it stays.
func numaFetchPages() {
	var others [len(numaMemory)]uint64
	for i := int32(0); i < numa.n; i++ {
		if nd := &numa.nodes[i]; nd != numaConfinedTo && nd.os/64 < int32(len(others)) {
			others[nd.os/64] |= 1 << (nd.os % 64)
		}
	}
	linux.Syscall6(numaSysMigratePages, 0, uintptr(len(others))*64+1, uintptr(unsafe.Pointer(&others)), uintptr(unsafe.Pointer(&numaMemory)), 0, 0)
}

// numaCheckNode stops the program if nobody can be confined to a node.
func numaCheckNode(number int32) {
	for i := int32(0); i < numa.n; i++ {
		if numa.nodes[i].os == number {
			return
		}
	}
	print("gonuma: GONUMA=confine=", number, ": want a node that has CPUs for this program:")
	for i := int32(0); i < numa.n; i++ {
		print(" ", numa.nodes[i].os)
	}
	print("\n")
	exit(2)
}

// numaConfineThread confines the calling thread. Where a container forbids memory policies,
// pages still lie where they are touched first.
func numaConfineThread() bool {
	numaSetMempolicy(numaPreferred)
	return numaSetaffinity(&numaConfinedTo.mask)
}

//go:nosplit
func numaUnconfine() {
	numaSetaffinity(&numa.all)
	numaSetMempolicy(numaDefault)
}

//go:nosplit
func numaSetMempolicy(mode uintptr) bool {
	bits, mask := uintptr(0), uintptr(0)
	if mode != numaDefault {
		// The kernel wants one more than the number of bits.
		bits, mask = uintptr(len(numaMemory))*64+1, uintptr(unsafe.Pointer(&numaMemory))
	}
	_, _, e := linux.Syscall6(numaSysSetMempolicy, mode, mask, bits, 0, 0, 0)
	return e == 0
}
