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

// FollowOdds says how rarely a home moves. When a G is woken from another node that woke it the last
// time, too, and it has done no Work in between, its home moves there in one of so many cases. Two Gs
// that only talk to each other across nodes pay for every message. A G that works on memory between
// messages would pay for the memory instead. Go has no homes.
//
// It is chance and not a count, because Gs that pass a message round all count alike. Each would follow
// the one before it just when that one moves on, and their homes would go round and round. With a
// count of 16, a message in 64 rings of 8 Gs took 12 us on skx-8s and 16 us on snb, no matter how long the rings
// ran. With chance the Gs of a ring come together: over the first 2000 rounds a message takes
// 1.1 us on both, and under flat 0.3 and 0.5 us. With 8 instead it takes 0.7 and 0.5 us. But in numago sockets lost
// locality with 8, and so the mean stays about what it was. These are simulated runs with one seed.
const FollowOdds = 16

// A Trail is where a G was made ready the last time, if it has done no Work since.
type Trail struct {
	from int32 // the node, from 1; 0 is none
}

// Ready decides where a G goes that is at home on node home and was made ready on node
// here.
func (t *Trail) Ready(r *Rand, home, here int32) Where {
	again := t.from == here+1
	t.from = here + 1
	return Ready(r, home, here, again)
}

// Worked notes that the G has memory to stay with.
func (t *Trail) Worked() { t.from = 0 }

// Ready decides where a G goes that is at home on node home and was made ready
// on node here. again says whether it was made ready there the last time, too, and has done no Work
// since. A negative home is none.
func Ready(r *Rand, home, here int32, again bool) Where {
	switch {
	case home < 0 || home == here:
		return Here
	case again && r.Next()%FollowOdds == 0:
		return Move
	default:
		return AtHome
	}
}
