package policy

const (
	// SliceTime is how long a G may keep its P while others wait for it, in nanoseconds: Go's
	// forcePreemptNS. sysmon sees a slice at one look and asks for the P at another one, so a
	// slice lasts for one to two of these.
	SliceTime = 10_000_000

	// SpawnLooks and InlineLooks are how many Gs a G starts, and how many it runs inside its
	// joins, before it looks whether its time slice is over: once in about ten
	// microseconds, so that a loop of nothing else gives way. A look after each would cost
	// a load that a fork of 20 ns can feel.
	SpawnLooks  = 1024
	InlineLooks = 1024
)

// An Ask is how sysmon decides whether to ask a G for its P, whose time slice is over. To
// switch costs, so it asks only if somebody waits for the P. What runs next there waits
// only if no other P is idle, which would have stolen it: mostly it is the partner of the G
// that runs, and to ask would part the two.
//
// Every value but the last two is a question. Next is told the answer.
type Ask uint8

const (
	RingWaits  Ask = iota // is there a G in the P's ring?
	QueueWaits            // in its Node's queue?
	NextWaits             // is there one that runs next?
	NoneIdle              // is every P of the Node busy?
	TimerWaits            // is a timer of the Node due?
	AskForP               // ask
	LeaveSlice            // let the G go on; sysmon looks again soon
)

// Next returns the step that follows.
func (a Ask) Next(yes bool) Ask {
	switch a {
	case NextWaits:
		if yes {
			return NoneIdle
		}
		return TimerWaits
	case RingWaits:
		if !yes {
			return QueueWaits
		}
	case QueueWaits:
		if !yes {
			return NextWaits
		}
	case NoneIdle:
		if !yes {
			return TimerWaits
		}
	case TimerWaits:
		if !yes {
			return LeaveSlice
		}
	}
	return AskForP
}
