package policy

// How often who finds a lock held looks again before it sleeps. A futex sleep and its wake
// cost some microseconds, and most locks are held for some tens of nanoseconds.
const (
	ActiveSpins  = 4 // looks with a pause of the CPU before each, as in Go
	PassiveSpins = 1 // then looks with a yield to other threads before each, as in Go

	// MutexStarvation is how long a G may wait for a Mutex before it goes first, in
	// nanoseconds, as in Go. Before that the Mutex goes to whoever runs, which saves a switch
	// for each time that it is held.
	MutexStarvation = 1_000_000
)

// A Spin is what an M does that has found a lock of the scheduler held.
type Spin uint8

const (
	PauseCPU    Spin = iota // then look
	YieldThread             // then look
	SleepOnLock             // until it is free
)

// SpinFor returns what to do after n looks in vain.
func SpinFor(n uint32) Spin {
	switch {
	case n < ActiveSpins:
		return PauseCPU
	case n < ActiveSpins+PassiveSpins:
		return YieldThread
	}
	return SleepOnLock
}

// MutexMaySpin reports whether a G may look at a Mutex once more, after n looks in vain, before
// it waits, if there is nothing else for its M to do. Only a G that runs on another P can
// unlock the Mutex meanwhile: see [OthersRun]. On two CPUs, with 2 or 8 Gs that hold it for
// 100 additions, four looks save a quarter of the time (BenchmarkMutex of package host,
// median of 5 on a busy machine).
func MutexMaySpin(n uint32) bool { return n < ActiveSpins }

// OthersRun reports whether a P beside the own one is busy, if idle of procs Ps are idle.
func OthersRun(idle, procs uint32) bool { return idle+1 < procs }
