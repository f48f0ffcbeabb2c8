package numa

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	futexWait = 0 | 128 // FUTEX_WAIT | FUTEX_PRIVATE_FLAG
	futexWake = 1 | 128 // FUTEX_WAKE | FUTEX_PRIVATE_FLAG
)

// FutexWait blocks the calling thread while *addr == val, until a [FutexWake] of the
// same address or until timeoutNs nanoseconds have passed. A negative timeoutNs waits
// for ever. FutexWait returns at once if *addr differs. It may return early for no
// reason, so callers test their condition in a loop. addr must not be on a
// goroutine's stack if another goroutine wakes it.
//
// It tells Go's scheduler that it blocks (Syscall, not RawSyscall). So another thread
// may get its P, and the goroutine may go on on another thread.
func FutexWait(addr *uint32, val uint32, timeoutNs int64) {
	var ts unix.Timespec
	var tp unsafe.Pointer
	if timeoutNs >= 0 {
		ts = unix.NsecToTimespec(timeoutNs)
		tp = unsafe.Pointer(&ts)
	}
	// EAGAIN (changed), EINTR (signal) and ETIMEDOUT all mean: look again.
	syscall.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(addr)), futexWait, uintptr(val), uintptr(tp), 0, 0)
}

// FutexWake wakes at most n threads that wait on addr and returns how many. The caller
// changes *addr first, so that no waiter is missed. The call takes a few µs if it
// wakes a thread and 0.3 µs if it does not, so keep a flag that says whether anybody
// waits.
func FutexWake(addr *uint32, n int) int {
	// RawSyscall: it does not block.
	woken, _, errno := syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(addr)), futexWake, uintptr(n), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(woken)
}
