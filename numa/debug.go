package numa

import (
	"fmt"
	"sync"
	"unsafe"
)

// A FreeError is what a wrong call of Free panics with.
type FreeError struct {
	Pointer unsafe.Pointer
	Why     string
}

func (e *FreeError) Error() string { return fmt.Sprintf("numa: Free(%p): %s", e.Pointer, e.Why) }

// A debugHeap knows every object that is out. A heap in debug mode is checked against
// it.
type debugHeap struct {
	mu    sync.Mutex
	live  map[unsafe.Pointer]int // object -> size asked for
	freed map[unsafe.Pointer]int // object -> size, of those not given out again
}

func (d *debugHeap) allocated(p unsafe.Pointer, size int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if was, twice := d.live[p]; twice {
		panic(fmt.Sprintf("numa: the heap gave %p out twice, for %d and %d bytes: its free lists are corrupt (a write after a free?)", p, was, size))
	}
	d.live[p] = size
	delete(d.freed, p)
}

// release panics unless p is out.
func (d *debugHeap) release(h *Heap, p unsafe.Pointer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	size, ok := d.live[p]
	if !ok {
		_, before := d.freed[p]
		switch {
		case before:
			panic(&FreeError{p, "it has been freed before"})
		case h.owns(p):
			panic(&FreeError{p, "it points into this heap's memory, but not to an object that was allocated"})
		default:
			panic(&FreeError{p, "it is not this heap's memory"})
		}
	}
	delete(d.live, p)
	d.freed[p] = size
}

// owns reports whether p lies in any arena of the heap.
func (h *Heap) owns(p unsafe.Pointer) bool {
	for _, n := range h.nodes {
		for _, a := range n.arenas() {
			if a.owns(p) {
				return true
			}
		}
	}
	return false
}
