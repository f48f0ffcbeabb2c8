package sched

import (
	"sync"
	"sync/atomic"

	"numasched/sched/internal/threadlock"
)

// Which G runs on the calling goroutine. A method of net.Conn, which gets no *G, has to
// know. Every carrier is one goroutine for as long as it lives, and enters itself here.
//
// Goroutines that are no Gs ask as well, as often: each connection of an HTTP server whose
// handlers are Gs. So both answers take a load, as long as carriers are few.
//
// Invariant: a slot is nil if no carrier lives whose goroutine has that slot, the carrier
// if one does, and crowded if there may be several. Then they are in the map of the slot's
// shard. A carrier writes its own goroutine, so nobody takes it for another's.

const currentSlots = 1 << 12

var currents [currentSlots]atomic.Pointer[carrier]

var crowded = new(carrier)

// crowds are the carriers in crowded slots, in shards. A lock also protects the writing of
// the shard's slots.
var crowds [64]struct {
	sync.Mutex
	carriers map[uintptr]*carrier
	in       [currentSlots / 64]int32 // how many of them have a slot
}

// slotOf returns the slot of a goroutine. The lowest bits are those of its shard.
func slotOf(self uintptr) int { return int(uint64(self) * 0x9E3779B97F4A7C15 >> 52) }

// enterCurrent notes that c lives on the calling goroutine.
func (c *carrier) enterCurrent() {
	self := threadlock.Self()
	if self == 0 {
		return
	}
	c.self.Store(self)
	slot := slotOf(self)
	shard := &crowds[slot%len(crowds)]
	shard.Lock()
	defer shard.Unlock()
	switch first := currents[slot].Load(); first {
	case nil:
		currents[slot].Store(c)
		return
	case crowded:
	default:
		if shard.carriers == nil {
			shard.carriers = make(map[uintptr]*carrier)
		}
		shard.carriers[first.self.Load()] = first
		shard.in[slot/len(crowds)]++
		currents[slot].Store(crowded)
	}
	shard.carriers[self] = c
	shard.in[slot/len(crowds)]++
}

// leaveCurrent takes it back.
func (c *carrier) leaveCurrent() {
	self := threadlock.Self()
	if self == 0 {
		return
	}
	slot := slotOf(self)
	shard := &crowds[slot%len(crowds)]
	shard.Lock()
	defer shard.Unlock()
	if currents[slot].Load() == c {
		currents[slot].Store(nil)
		return
	}
	delete(shard.carriers, self)
	if in := &shard.in[slot/len(crowds)]; *in > 1 {
		*in--
	} else {
		*in = 0
		currents[slot].Store(nil)
	}
}

// Current returns the G that the calling goroutine runs, or nil if it runs none, or one
// that may not ask the scheduler for anything at the moment: in the function of a
// [G.Syscall], or after it was cancelled. It costs some 10 ns; whoever has a *G should use
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
	slot := slotOf(self)
	switch c := currents[slot].Load(); c {
	case nil:
		return nil
	case crowded:
		shard := &crowds[slot%len(crowds)]
		shard.Lock()
		c := shard.carriers[self]
		shard.Unlock()
		return c
	default:
		if c.self.Load() != self {
			return nil
		}
		return c
	}
}
