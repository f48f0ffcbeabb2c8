package workload

import (
	"syscall"
	"time"
)

// blockFor blocks the thread in the kernel.
func blockFor(d time.Duration) {
	left := syscall.NsecToTimespec(int64(d))
	for syscall.Nanosleep(&left, &left) == syscall.EINTR {
	}
}
