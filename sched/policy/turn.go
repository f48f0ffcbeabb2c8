package policy

// In each turn of the scheduling loop a P first looks at what was made ready on it last,
// then in its own ring, then in its Node's queue. These are cheap to take from, and
// caches are warm. With that order alone others could wait for ever, so in some turns
// something else comes first. That is for fairness, and not for speed. In the four (doc.go)
// triad and pingpong are as fast without FairTicks, and without RingTick. Fib and wakestorm change
// no more than with another seed.
const (
	// FairTicks: in every 61st turn the Node's queue comes first, as in Go. Ps that always
	// find something of their own would never look there.
	FairTicks = 61

	// RingTick: 30 turns later the ring comes before what was made ready last. Two Gs that
	// keep waking each other would keep the ring waiting. Go lets such Gs share one time
	// slice and then preempts them. Here the ring has a turn.
	RingTick = 30

	// FarTicks: in every 488th turn the queue of another Node comes before even that. The
	// Ps of that Node may all be busy for long.
	FarTicks = 8 * FairTicks

	// BindingTicks: in every 16th turn the M looks whether its thread is bound. A goroutine
	// does not own its thread: Go's runtime preempts one that has run for 10 ms, and
	// another thread may take it up.
	BindingTicks = 16
)

// A Look is one place to look for a G.
type Look uint8

const (
	Own       Look = iota + 1 // what was made ready on the P last, then its ring
	RingFirst                 // its ring, then what was made ready on it last
	Queue                     // the queue of its Node: a batch, see [QueueBatch]
	QueueOne                  // the queue of its Node: one G
	FarOne                    // the queue of the Node that [P.FarNode] says: one G
	PollNet                   // the Node's netpoller, if nobody waits there; if anything has come, a new turn begins
	StealWork                 // elsewhere, if the M may search: see [MaySearch], [Search]
	PollNode                  // the timers of the Node's other Ps; likewise
	GoIdle                    // nowhere: see [Rest]
)

// A Turn is where a P looks in one turn of the scheduling loop, in order. Before, the P runs
// those of its timers that are due: they make Gs ready, which the turn then finds. A Turn
// is a number with 4 bits for each Look, the next one lowest, so that it costs next to
// nothing.
type Turn uint32

const (
	usualTurn = Turn(Own) | elsewhere<<4
	ringTurn  = Turn(RingFirst) | elsewhere<<4
	fairTurn  = Turn(QueueOne) | usualTurn<<4
	farTurn   = Turn(FarOne) | fairTurn<<4
	elsewhere = Turn(Queue) | Turn(PollNet)<<4 | Turn(StealWork)<<8 | Turn(PollNode)<<12 | Turn(GoIdle)<<16

	// Without queues of their own Ps have one queue for all.
	sharedTurn     = Turn(Queue) | Turn(PollNet)<<4 | Turn(PollNode)<<8 | Turn(GoIdle)<<12
	sharedFairTurn = Turn(QueueOne) | sharedTurn<<4
)

// Look is where to look now. In an empty Turn, which is 0, that is nowhere.
func (t Turn) Look() Look { return Look(t & 15) }

// Next is the Turn without its first Look.
func (t Turn) Next() Turn { return t >> 4 }

// Tick begins a turn. It reports whether the M must look at its binding in this turn.
func (p *P) Tick() (binding bool) {
	p.tick++
	return p.tick%BindingTicks == 0
}

// Ticks returns how many turns p has begun. Others may ask, for a trace.
func (p *P) Ticks() uint32 { return p.tick }

// BindSoon has the next turn look at the binding.
func (p *P) BindSoon() { p.tick = BindingTicks - 1 }

// Turn returns where p looks in the turn that has begun.
func (p *P) Turn() Turn {
	switch at := p.tick % FairTicks; {
	case !p.Local:
		if at == 0 {
			return sharedFairTurn
		}
		return sharedTurn
	case at == 0:
		if p.tick%FarTicks == 0 && p.Queues > 1 {
			return farTurn
		}
		return fairTurn
	case at == RingTick:
		return ringTurn
	}
	return usualTurn
}

// Peek returns where p will look first in its next turn: [Own] or [RingFirst], or 0 if that
// is somewhere else. When a G parks and another is at hand, that one follows without a
// pass through the scheduling loop.
func (p *P) Peek() Look {
	switch at := (p.tick + 1) % FairTicks; {
	case !p.Local || at == 0:
		return 0
	case at == RingTick:
		return RingFirst
	}
	return Own
}

// FarNode returns which other Node a [FarOne] looks at, in order of distance from 1.
func (p *P) FarNode() uint32 { return 1 + p.Rand.Next()%(p.Queues-1) }
