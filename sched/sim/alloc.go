package sim

import (
	"unsafe"

	"numasched/sched"
)

// NewCache implements [sched.Machine]. Objects are Go's own: they are real
// memory for whoever writes to it, and take neither simulated time nor a place.
func (k *Machine) NewCache(int) (sched.Cache, error) { return make(objects), nil }

// objects keeps what Alloc has returned alive until it is freed. It may be freed
// through another cache; then it stays until the simulation ends.
type objects map[unsafe.Pointer][][2]uint64

func (o objects) Alloc(size int) (unsafe.Pointer, error) {
	mem := make([][2]uint64, size/16+1)
	p := unsafe.Pointer(unsafe.SliceData(mem))
	o[p] = mem
	return p, nil
}

func (o objects) Free(p unsafe.Pointer) { delete(o, p) }
