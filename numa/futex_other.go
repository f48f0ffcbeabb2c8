//go:build !linux

package numa

var waiters futexTable

// FutexWait blocks the calling goroutine while *addr == val, until a [FutexWake] of
// the same address or until timeoutNs nanoseconds have passed. A negative timeoutNs
// waits for ever. FutexWait returns at once if *addr differs. It may return early for
// no reason, so callers test their condition in a loop.
func FutexWait(addr *uint32, val uint32, timeoutNs int64) { waiters.wait(addr, val, timeoutNs) }

// FutexWake wakes at most n goroutines that wait on addr and returns how many. The
// caller changes *addr first, so that no waiter is missed.
func FutexWake(addr *uint32, n int) int { return waiters.wake(addr, n) }
