package host

import "golang.org/x/sys/unix"

// osyield lets another thread have the CPU. It returns soon, so Go's runtime need not
// know of the call.
func osyield() { unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
