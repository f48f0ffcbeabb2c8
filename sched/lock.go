package sched

import (
	"sync/atomic"

	"numasched/sched/policy"
)

// Locks and notes on futexes, after the Go runtime's lock_futex.go.

// A mutex protects a few words for a few tens of nanoseconds. Its key is
//
//	mutexUnlocked -> mutexLocked -> mutexUnlocked   nobody else came
//	mutexLocked -> mutexSleeping                    an M sleeps, or is about to
//
// An M that takes the lock after sleeping leaves mutexSleeping behind, because it
// cannot know whether it was the only sleeper.
type mutex struct{ key word32 }

const (
	mutexUnlocked = iota
	mutexLocked
	mutexSleeping
)

// lock and unlock are so small that they are inlined: what they call is 4 of 14 ns of a channel
// operation that need not wait. On a simulated machine they take the slow way at once, which
// charges for every access.
func (l *mutex) lock(m *M) {
	if m.memory != nil || !atomic.CompareAndSwapUint32(&l.key.v, mutexUnlocked, mutexLocked) {
		l.lockSlow(m)
	}
}

func (l *mutex) lockSlow(m *M) {
	if m.memory != nil && l.key.cas(m, mutexUnlocked, mutexLocked) {
		return
	}
	for i, how := uint32(0), policy.SpinFor(0); how != policy.SleepOnLock; how = policy.SpinFor(i) {
		if l.key.load(m) == mutexUnlocked && l.key.cas(m, mutexUnlocked, mutexLocked) {
			return
		}
		switch how {
		case policy.PauseCPU:
			m.s.machine.Procyield(&m.M)
		case policy.YieldThread:
			m.s.machine.Osyield(&m.M)
		}
		i++
	}
	for l.key.swap(m, mutexSleeping) != mutexUnlocked {
		m.s.machine.Futexsleep(&m.M, l.key.futex(), mutexSleeping, -1)
	}
}

func (l *mutex) unlock(m *M) {
	if m.memory != nil || atomic.SwapUint32(&l.key.v, mutexUnlocked) == mutexSleeping {
		l.unlockSlow(m)
	}
}

func (l *mutex) unlockSlow(m *M) {
	if m.memory == nil || l.key.swap(m, mutexUnlocked) == mutexSleeping {
		m.s.machine.Futexwakeup(&m.M, l.key.futex(), 1)
	}
}

// A note is a one-shot event between one sleeper and one waker. A wakeup that
// comes before the sleep is not lost; each sleep consumes one wakeup.
type note struct{ key word32 }

const (
	noteClear = iota
	noteSignalled
	noteSleeping
)

func (n *note) sleep(m *M) {
	for !n.key.cas(m, noteSignalled, noteClear) {
		if n.key.load(m) == noteSleeping || n.key.cas(m, noteClear, noteSleeping) {
			m.s.machine.Futexsleep(&m.M, n.key.futex(), noteSleeping, -1)
		}
	}
}

// sleepFor is sleep for at most about ns nanoseconds. It reports whether it has
// consumed a wakeup.
func (n *note) sleepFor(m *M, ns int64) bool {
	if n.key.cas(m, noteClear, noteSleeping) {
		m.s.machine.Futexsleep(&m.M, n.key.futex(), noteSleeping, ns)
		if n.key.cas(m, noteSleeping, noteClear) {
			return false
		}
	}
	n.key.store(m, noteClear) // it is signalled
	return true
}

func (n *note) wakeup(m *M) {
	if n.key.swap(m, noteSignalled) == noteSleeping {
		m.s.machine.Futexwakeup(&m.M, n.key.futex(), 1)
	}
}
