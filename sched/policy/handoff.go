package policy

// A Handoff is what becomes of a P whose M leaves it: because it is in a long system call,
// or belongs to one G that has parked. Go's handoffp has the same order: work of the P's
// own first, then its queue, then idleness.
//
// While the P was not idle yet, nobody may have heard of new work, or of timers, because
// who publishes these looks for idle Ps. An M that waited for timers may have found no P
// then. So the last step is a last look, as in a [Rest]. The order was not measured against
// others: the last look is there so that no work is missed.
//
// Every value but the last three is a question, or an act that may fail. Next is told the
// answer, or whether the act was done.
type Handoff uint8

const (
	HasOwn    Handoff = iota // is there work in the P's own queues?
	HasQueued                // in its Node's queue?
	MakeIdle                 // make the P idle, unless something was queued at its Node meanwhile
	AnyWork                  // is there work anywhere that an M of the Node may take?
	AnyTimers                // has the Node timers, or Gs at its poller, for which no M waits?
	GiveToM                  // have an M hold the P
	WakeM                    // wake an M of the Node to search
	StayIdle                 // nothing is left to do
)

// Next returns the step that follows.
func (h Handoff) Next(yes bool) Handoff {
	switch h {
	case HasOwn, HasQueued:
		if !yes {
			return h + 1
		}
	case MakeIdle:
		if yes {
			return AnyWork
		}
	case AnyWork:
		if yes {
			return WakeM
		}
		return AnyTimers
	case AnyTimers:
		if yes {
			return WakeM
		}
		return StayIdle
	}
	return GiveToM
}
