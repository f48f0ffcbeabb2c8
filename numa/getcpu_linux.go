package numa

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// getcpu asks the kernel. It returns -1, -1 if the call is refused.
func getcpu() (cpu, node int) {
	var c, n uint32
	_, _, errno := syscall.RawSyscall(unix.SYS_GETCPU,
		uintptr(unsafe.Pointer(&c)), uintptr(unsafe.Pointer(&n)), 0)
	if errno != 0 {
		return -1, -1
	}
	return int(c), int(n)
}
