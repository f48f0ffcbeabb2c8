package policy

// These numbers are Go's. In the four (doc.go) a thief that takes one G instead of half makes
// wakestorm take 1.01 and 2.49 of the time, and fib 0.26 and 0.38; triad takes 1.22 and 0.91,
// pingpong 1.00 and 0.99. So neither is better in all. A batch of one from the Node's queue
// changes nothing there. Other sizes of HalfRing were not measured.

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
