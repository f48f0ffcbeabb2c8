package host

import "golang.org/x/sys/unix"

// osyield lets another thread have the CPU. It returns soon, so the Go runtime
// need not know.
func osyield() { unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
