package host

import (
	"runtime"
	"slices"
	"strings"
	"time"
)

const (
	waitsBytes      = 1 << 20 // of all stacks that are looked at
	waitsGoroutines = 20_000  // with more than these it takes too long
)

// waitsPause lies between the two looks of NativeWaits.
const waitsPause = 50 * time.Millisecond

// NativeWaits implements [sched.Machine]. It reads the stacks of all goroutines twice,
// and stops the world each time. It returns those of Gs that block in the same place
// both times.
func (m *Machine) NativeWaits() []string {
	if runtime.NumGoroutine() > waitsGoroutines {
		return nil
	}
	before := blockedGs()
	if len(before) == 0 {
		return nil
	}
	time.Sleep(waitsPause)
	return slices.DeleteFunc(blockedGs(), func(stack string) bool { return !slices.Contains(before, stack) })
}

// blockedGs returns the stacks of Gs that block.
func blockedGs() (waits []string) {
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
	case "sync.Mutex.Lock", "sync.RWMutex.Lock", "sync.RWMutex.RLock", "sync.WaitGroup.Wait", "sync.Cond.Wait",
		"chan receive", "chan send", "chan receive (nil chan)", "chan send (nil chan)", "select", "select (no cases)",
		"sleep", "IO wait", "syscall":
	default:
		return false // it runs, is ready, is a coroutine that was left, or waits for the runtime's own
	}
	sleeps := strings.Contains(frames, "numa.FutexWait(") && // the scheduler's own sleep, but not
		!strings.Contains(frames, "sched.(*Sched).Run(") // that of a Run, which a G must not call
	runs := strings.Contains(frames, "sched.(*G).invoke(") || strings.Contains(frames, "sched.(*G).Join(") ||
		strings.Contains(frames, "sched.(*G).runInline") || strings.Contains(frames, "sched.Forked[")
	return !sleeps && runs && // it runs a G
		!strings.Contains(frames, "host.(*Machine).Syscall(") // and not a system call that says so
}
