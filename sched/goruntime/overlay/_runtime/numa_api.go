//go:build linux && (amd64 || arm64)

package runtime

import (
	"internal/runtime/syscall/linux"
	"unsafe"
)

// What package runtime/numa asks for.

//go:linkname numa_nodes
func numa_nodes() int {
	if !numa.on {
		return 1
	}
	return int(numa.n)
}

//go:linkname numa_home
func numa_home() int {
	switch gp := getg(); {
	case numa.confined:
		return int(numaConfinedTo.os)
	case !numa.on:
		return -1
	case gp.numaHome == 0: // a locked one on a thread that it had before
		return int(numa.nodes[numaHere()].os)
	default:
		return int(numa.nodes[gp.numaHome-1].os)
	}
}

//go:linkname numa_here
func numa_here() int {
	switch {
	case numa.confined:
		return int(numaConfinedTo.os)
	case !numa.on:
		return -1
	default:
		return int(numa.nodes[numaHere()].os)
	}
}

// The kernel's call moves pages, or without a list of nodes tells where they are.
//
//go:linkname numa_nodeOf
func numa_nodeOf(p unsafe.Pointer) int {
	page, status := uintptr(p)&^(physPageSize-1), int32(-1)
	_, _, e := linux.Syscall6(numaSysMovePages, 0, 1, uintptr(unsafe.Pointer(&page)), 0, uintptr(unsafe.Pointer(&status)), 0)
	if e != 0 || status < 0 {
		return -1
	}
	return int(status)
}

//go:linkname numa_heapNodeOf
func numa_heapNodeOf(p unsafe.Pointer) int {
	if !numaHeap.on {
		return -1
	}
	if s := spanOf(uintptr(p)); s == nil || s.state.get() == mSpanDead {
		return -1
	}
	return int(numa.nodes[numaArenaNode(uintptr(p))].os)
}

//go:linkname numa_read
func numa_read(all *[numaCounters + 1]uint64) {
	sum := numaSum()
	copy(all[:], sum[:])
	all[numaCounters] = uint64(numaLate.Load())
}
