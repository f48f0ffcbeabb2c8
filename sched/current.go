package sched

import (
	"sync"

	"numasched/sched/internal/threadlock"
)

// Which G runs on the calling goroutine. A method of net.Conn, which gets no *G, has to
// know. Every carrier is one goroutine for as long as it lives, and enters itself here.

// currents are the living carriers by goroutine, in shards.
var currents [64]struct {
	sync.Mutex
	carriers map[uintptr]*carrier
}

func shardOf(self uintptr) int { return int(self>>9^self>>15) % len(currents) }

// enterCurrent notes that c lives on the calling goroutine.
func (c *carrier) enterCurrent() {
	self := threadlock.Self()
	shard := &currents[shardOf(self)]
	shard.Lock()
	if shard.carriers == nil {
		shard.carriers = make(map[uintptr]*carrier)
	}
	shard.carriers[self] = c
	shard.Unlock()
}

// leaveCurrent takes it back.
func (c *carrier) leaveCurrent() {
	self := threadlock.Self()
	shard := &currents[shardOf(self)]
	shard.Lock()
	delete(shard.carriers, self)
	shard.Unlock()
}

// Current returns the G that the calling goroutine runs, or nil if it runs none, or one
// that may not ask the scheduler for anything at the moment: in the function of a
// [G.Syscall], or after it was cancelled. It costs some 20 ns; whoever has a *G should use
// that. On 386, arm, mips, wasm and s390 goroutines do not know themselves, and Current
// always returns nil.
func Current() *G {
	c := currentCarrier()
	if c == nil || c.runs == nil || c.runs.barred == cancelled || c.runs.barred == busyInSyscall {
		return nil
	}
	return c.runs
}

// Cancelled reports whether the calling goroutine runs a G that was cancelled, because its
// scheduler stops. Its deferred functions must not wait for other Gs, which may be unwound after
// it.
func Cancelled() bool {
	c := currentCarrier()
	return c != nil && c.runs != nil && c.runs.barred == cancelled
}

// currentCarrier returns the carrier that the calling goroutine is, or nil.
func currentCarrier() *carrier {
	self := threadlock.Self()
	if self == 0 {
		return nil
	}
	shard := &currents[shardOf(self)]
	shard.Lock()
	c := shard.carriers[self]
	shard.Unlock()
	return c
}
