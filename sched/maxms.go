package sched

import "fmt"

// The number of Ms is bounded, as the number of threads is in Go (SetMaxThreads): a program
// whose Gs block in system calls without end should fail before the computer does. Ms that
// have nothing to do stay, as in Go: they sleep on a futex, each with the few kilobytes of
// its stacks, and a burst of system calls that came once may come again.

// defaultMaxMs is how many Ms there may be if Config.MaxMs is 0: Go's number.
const defaultMaxMs = 10_000

// A TooManyMsError says that a scheduler wanted more Ms than it may have.
type TooManyMsError struct {
	Max       int // [Config.MaxMs]
	InSyscall int // Ms in system calls whose P was needed elsewhere
	Idle      int // Ms that had nothing to do, but could not be had for this P
	Locked    int // Ms of Gs that are locked to them
	Procs     int // Ps
}

func (e *TooManyMsError) Error() string {
	return fmt.Sprintf("sched: more than %d Ms are needed, which is Config.MaxMs: %d are in system calls for long, %d belong to locked Gs, "+
		"%d are idle, and there are %d Ps and sysmon", e.Max, e.InSyscall, e.Locked, e.Idle, e.Procs)
}

// tooManyMs returns the error, with what holds Ms at the moment.
func (m *M) tooManyMs() *TooManyMsError {
	s := m.s
	e := &TooManyMsError{Max: s.maxMs, InSyscall: int(s.nretaken.load(m)), Procs: m.count().procs()}
	s.lock.lock(m)
	e.Locked = len(s.lockedMs())
	s.lock.unlock(m)
	for _, n := range m.nodes() {
		n.lock.lock(m)
		e.Idle += n.midle.len()
		n.lock.unlock(m)
	}
	return e
}
