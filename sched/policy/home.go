package policy

// SpawnAhead is how many Gs for each P of a node wait in the node's queue before a G that
// goes on starting more has to let some run. Their memory, 128 KB for each P, fits into
// second-level caches. It is four rings, so that a burst passes as in Go.
// Without it nothing changes in the four (doc.go). With 64, 256 and 4096 in eight seeds spawn,
// fib-group and skynet take the same time on snb and skx-8s, where other Ps empty the queue
// before. On rome spawn takes 0.95 (0.69 to 1.30), 1.08 (0.90 to 1.29) and 0.99 (0.95 to 1.02).
const SpawnAhead = 1024

// LongWork is from how many operations on a Work is so long that its G makes its forked
// children public first. Then a P that becomes idle meanwhile can steal all of them. It
// takes some microseconds, beside which the one atomic operation is nothing. Without it nothing
// changes in the four (doc.go). With 1,000 and 100,000 nothing changes in eight seeds of triad,
// heat and cilksort.
const LongWork = 10_000

// Where is where a G goes that is ready.
type Where uint8

const (
	Here   Where = iota // to the P that made it ready; if that has woken it, it runs there next
	AtHome              // to its home node: its last P if that is idle there, else the queue
	Move                // to the P that made it ready, which is its home from now on
)

// Place decides where a G goes for which no P on node here is a better place than its home:
// it is new and was sent there, it has yielded, or a clock, a device or a caller from outside
// has woken it. Go has no homes, and leaves such a G where the event was noticed. homeHasPs
// says whether its home has Ps. A negative home, or here, is none.
func (r *Rules) Place(home, here int32, homeHasPs bool) Where {
	if r.Homes && home >= 0 && home != here && homeHasPs {
		return AtHome
	}
	return Here
}

// FollowAfter is how many consecutive wake-ups from one other node move a G's home
// there, if it has done no Work between them. Two Gs that only talk to each other
// across nodes pay for every message. A G that works on memory between messages would
// pay for the memory instead. If homes never move nothing changes in the four (doc.go). The
// number is a choice, and Go has no homes. With 4 and 64 in eight seeds pingpong and actorring
// take the same time everywhere, and wakestorm on skx-8s. On snb wakestorm takes 1.02 (0.95 to
// 1.09) and 1.28 (1.03 to 1.59), on rome 0.70 (0.46 to 1.05) and 1.15 (0.95 to 1.38). Of 18
// comparisons one speaks against 64, and none for another number.
const FollowAfter = 16

// A Trail is where a G was made ready of late.
type Trail struct {
	from  int32 // the node
	times int32 // how many times in a row, without Work in between
}

// Ready decides where a G goes that is at home on node home and was made ready on node
// here.
func (t *Trail) Ready(home, here int32) Where {
	if t.from != here {
		t.from, t.times = here, 0
	}
	t.times++
	return Ready(home, here, t.times)
}

// Worked notes that the G has memory to stay with.
func (t *Trail) Worked() { t.times = 0 }

// Ready decides where a G goes that is at home on node home and was made ready
// on node here, for the nth time in a row from there without Work in between. A
// negative home is none.
func Ready(home, here, n int32) Where {
	switch {
	case home < 0 || home == here:
		return Here
	case n >= FollowAfter:
		return Move
	default:
		return AtHome
	}
}
