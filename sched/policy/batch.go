package policy

// These numbers are Go's. If a thief takes one G instead of half, in three seeds (doc.go), fib takes
// 0.32 to 0.35 of the time on skx-8s and 0.53 to 0.63 on rome, uts 1.10 to 1.14 and 1.09 to 1.26,
// onenode 1.14 to 1.15 and 1.09 to 1.16, and pingpong as long. So neither is better in all. A batch
// of one from the Node's queue changes nothing in the four. Other sizes of HalfRing were not
// measured.

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
