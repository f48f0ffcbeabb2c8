//go:build linux && !amd64

package numa

// CurrentCPU returns the CPU that the calling thread is on and that CPU's NUMA
// node, as they were at some moment during the call. The thread may have moved
// by the time the caller looks, unless it is bound. It allocates nothing and
// does not enter Go's scheduler. It returns -1, -1 where the kernel does not
// tell. On this architecture it is a system call, 0.1 to 0.3 µs.
func CurrentCPU() (cpu, node int) { return getcpu() }
