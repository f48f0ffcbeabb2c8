package policy

// To come for another node's work costs a wake-up, a look at all Ps, and the cache lines of what is
// taken. If that runs for no more than a [Morsel] in all, it was not worth coming: its own node would
// have run it sooner. An M to which this happens dozes for twice as long before it comes again, and for
// twice as long as that if it happens again, up to [LongDoze]. It is back at a [Grace] when it gets more
// than a Morsel, when it leaves more of what is at home there behind, or when its own node has work.
//
// Only Go's own runtime does so. A program that starts short goroutines took 1.2 times stock's CPU
// time there, on two pretended nodes with one P each, when an M dozed for a Grace after each theft.
// Package sched has not tried it.
const (
	Morsel   = Grace / 4
	LongDoze = 8 * Grace
)

// DozeFor returns for how long an M dozes that has come for no more than a Morsel the given number
// of times in a row.
func DozeFor(times uint32) int64 { return min(int64(Grace)<<min(times, 8), LongDoze) }

// Dozed notes that one of the Node's Ms has dozed for longer than a [Grace], in all for ns
// nanoseconds: in what is beyond, it was not busy.
func (a *Appetite) Dozed(ns int64) { a.at += max(0, ns-Grace) }
