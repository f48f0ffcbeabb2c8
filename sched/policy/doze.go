package policy

// To come for another node's work costs a wake-up, a look at all Ps, and the memory of what is
// taken. If all that ran for a Morsel only, the other node would have run it sooner itself. So an M
// that has come for little dozes for twice as long before it comes again, up to LongDoze, until it
// has got more than a Morsel or has had work of its own node. Only Go's own runtime does so, where
// two pretended nodes with one P each started short goroutines in 1.2 times stock's CPU time
// otherwise, one doze after each theft. package sched has not tried it.
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
