package policy

// A Walk visits the numbers 0 to n-1 once each, in an order that differs from
// walk to walk: from a random start, in steps of a number coprime to n. It is
// how Go's randomOrder visits Ps.
type Walk struct {
	left, pos, step, n uint32
}

// NewWalk starts a walk over 0 to n-1. coprimes are the numbers from 1 to n
// that are coprime to n; rnd is random.
func NewWalk(n uint32, coprimes []uint32, rnd uint32) Walk {
	return Walk{left: n, pos: rnd % n, step: coprimes[rnd/n%uint32(len(coprimes))], n: n}
}

// Next returns the next number, and false after the last.
func (w *Walk) Next() (i uint32, ok bool) {
	if w.left == 0 {
		return 0, false
	}
	i = w.pos
	w.left--
	w.pos = (w.pos + w.step) % w.n
	return i, true
}

const (
	// StealRounds is how often a searcher goes over its victims, as in Go.
	StealRounds = 4

	// Patience is how many of the rounds stay on the searcher's own node, in
	// arms that steal near first.
	Patience = 1

	// A theft of at most Crumb Gs from a P of the own node is a crumb: the node has
	// little left. After Crumbs of them in a row a thief first looks at FarProbes
	// Ps of other nodes, at random. Without this the Ps of a poor node rob each
	// other of ever smaller Gs while another node has whole trees: up to 1.9 times
	// the time of flat on UTS, on simulated machines of four nodes.
	Crumb     = 4
	Crumbs    = 2
	FarProbes = 4

	// RemoteBacklog is the least number of Gs for which a thief from another
	// node robs a queue before its last round: what is less, the victim's own
	// node will run soon.
	RemoteBacklog = 2
)

// StealHalf is how many of n Gs a thief takes: half, rounded up.
func StealHalf(n uint32) uint32 { return n - n/2 }

// Grace is how long a thief sleeps, in nanoseconds, when it has found nothing
// but Gs that are at home on another node, before it takes one: long enough for
// their own node to run them, or for memory to be fetched that a G would leave
// behind (4000 lines at 12 ns each). It sleeps as an idle P: work of its own wakes
// it at once.
const Grace = 50_000

// A node that gets work of its own a little later loses one G to another. One that
// has all the work shares it: what the other takes at once doubles until that keeps
// it busy for HungerBusy, several times its Grace, and begins with one again after
// HungerRest. When each took one G after every Grace, tasks of 20 us that are all at
// home on one node took 3.3 to 5.6 times as long as under flat on simulated machines
// of four and eight nodes; so they take 1.1 to 1.5 times as long.
const (
	MaxHunger  = 128
	HungerBusy = 8 * Grace  // nanoseconds
	HungerRest = 64 * Grace // nanoseconds
)

// Hunger is how many Gs that are at home on other nodes a node may take after a
// Grace, if it was last that many, so many nanoseconds ago.
func Hunger(last uint32, ago int64) uint32 {
	switch {
	case last == 0 || ago > HungerRest:
		return 1
	case ago < HungerBusy:
		return min(2*last, MaxHunger)
	default:
		return last
	}
}

// StealRemote is how many of n Gs, oldest first, a thief takes from another
// node, when the oldest free of them have no home: half, but only of those; they
// have nothing to lose. Gs at home there it takes only after its Grace, and then
// as many as its hunger, or half: so work is conserved, and homes count.
func StealRemote(n, free uint32, last bool, hunger uint32) uint32 {
	switch {
	case free == 0 && hunger > 0:
		return min(StealHalf(n), hunger)
	case n < RemoteBacklog && !last:
		return 0
	default:
		return min(StealHalf(n), free)
	}
}
