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

	// A theft of at most SmallTheft Gs from a P of the own node shows that the node has
	// little left. After SmallThefts of these in a row a thief first looks at FarProbes
	// Ps of other nodes, at random. Without this the Ps of a poor node rob each other of
	// ever smaller Gs while another node has whole trees. UTS then took up to 1.9 times
	// the time of flat, on simulated machines of four nodes.
	SmallTheft  = 4
	SmallThefts = 2
	FarProbes   = 4

	// RemoteBacklog is the least number of Gs for which a thief from another node robs a
	// queue before its last round. The victim's own node will soon run fewer.
	RemoteBacklog = 2
)

// StealHalf is how many of n Gs a thief takes: half, rounded up.
func StealHalf(n uint32) uint32 { return n - n/2 }

// Grace is how long a thief sleeps, in nanoseconds, before it takes a G that is at
// home on another node, when it has found nothing else. That is long enough for the
// other node to run the G itself. It is also about what it takes to fetch the memory
// that the G would leave behind (4000 lines at 12 ns each). The thief sleeps as an idle
// P, so that work of its own wakes it at once.
const Grace = 50_000

// A thief takes one G after its first Grace. So a node that will have work of its own a
// little later takes no more than one away. A node that keeps coming back takes twice
// as many each time, until what it takes keeps it busy for HungerBusy. After HungerRest
// it begins with one again. If each took one G after every Grace, tasks of 20 us that
// are all at home on one node took 3.3 to 5.6 times as long as under flat, on simulated
// machines of four and eight nodes. With doubling they take 1.1 to 1.5 times as long.
const (
	MaxHunger  = 128
	HungerBusy = 8 * Grace  // nanoseconds
	HungerRest = 64 * Grace // nanoseconds
)

// Hunger is how many Gs that are at home on other nodes a node may take after a Grace.
// Last time it was last Gs, and that was ago nanoseconds ago.
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

// StealRemote is how many of n Gs, oldest first, a thief takes from another node, when
// the oldest free of them have no home. It takes half, but only Gs without a home,
// which have nothing to lose. It takes Gs that are at home there only after its Grace,
// and then as many as its hunger, but at most half. So work is conserved, and homes
// count.
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
