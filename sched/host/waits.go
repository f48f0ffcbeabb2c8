package host

import (
	"runtime"
	"strings"
)

const (
	waitsBytes      = 1 << 20 // of all stacks that are looked at
	waitsGoroutines = 20_000  // with more than these it takes too long
)

// NativeWaits implements [sched.Machine]. It reads the stacks of all goroutines, and
// stops the world for it. It returns those of Gs that block: not those that run, are
// ready, or are coroutines that have been left.
func (m *Machine) NativeWaits() (waits []string) {
	if runtime.NumGoroutine() > waitsGoroutines {
		return nil
	}
	buf := make([]byte, waitsBytes)
	all := string(buf[:runtime.Stack(buf, true)])
	for stack := range strings.SplitSeq(all, "\n\n") {
		if blocksInG(stack) {
			waits = append(waits, strings.TrimSpace(stack))
		}
	}
	return waits
}

// blocksInG reports whether a goroutine's stack, as [runtime.Stack] gives it, is that of
// a G which has blocked by means of Go's own.
func blocksInG(stack string) bool {
	// goroutine 7 [sync.Mutex.Lock, 2 minutes]:
	header, frames, _ := strings.Cut(stack, "\n")
	_, state, _ := strings.Cut(header, "[")
	state, _, _ = strings.Cut(state, "]")
	state, _, _ = strings.Cut(state, ",")
	switch state {
	case "running", "runnable", "coroutine":
		return false
	}
	sleeps := strings.Contains(frames, "numa.FutexWait(") && // the scheduler's own sleep, but not
		!strings.Contains(frames, "sched.(*Sched).Run(") // that of a Run, which a G must not call
	return !sleeps && strings.Contains(frames, "sched.(*G).invoke(") && // it runs a G
		!strings.Contains(frames, "host.(*Machine).Syscall(") // and not a system call that says so
}
