package policy

// These numbers are Go's. Others were not measured here.

// HalfRing is how many Gs move at most between a ring of the given size and a queue. A
// full ring gives half to the queue, as in Go, so that the next half a ring of pushes
// takes no lock. Who takes from a queue fills half its ring at most, so that it can push
// what these spawn.
func HalfRing(ring uint32) uint32 { return ring / 2 }

// QueueBatch is how many of the Gs that are queued at a Node one of its procs Ps takes:
// its fair share, as in Go.
func QueueBatch(queued, procs, ring uint32) uint32 {
	return min(queued/max(procs, 1)+1, HalfRing(ring))
}

// StealHalf is how many of n Gs a thief takes: half, rounded up, as in Go.
func StealHalf(n uint32) uint32 { return n - n/2 }
