package sched

import "fmt"

// The event seam. The scheduler says what it does to Gs, Ps and Ms in one place, by
// values of type [Event], to whoever wants to know: a recorder, the critical path of
// simulated machines, the explorer, a validator. While nobody does, an event costs a
// load of a word of the M and a branch that is never taken. Stats is no such consumer: its
// counters must always count, and to add to a counter of the own P costs less than a call.
//
// # Order
//
// One M's events come in the order in which it does things. An event whose Seq is not 0 is
// also the Seq-th of its object, which is its G, its P or the M that it names: see the kinds.
// Whoever has the object, or holds the lock that protects it, counts. So the events of all
// Ms can be merged into one order in which nothing comes before its cause: package trace
// does that.

// An Event is something that an M has done, or is just about to do.
type Event struct {
	Kind EventKind
	M    int32  // the M's ID; -1: a caller from outside
	P    int32  // the P of the event; for events of Gs and Ms the P that the M holds; or -1
	G    uint32 // the name of the event's G, see [G.ID]; 0: none
	Seq  uint32 // the event is the Seq-th of its object; 0: no order is known
	Arg  uint64 // see the kinds
}

// An EventKind says what an event is.
type EventKind uint8

const (
	// Events of the G that they name. Seq counts the events of that G, over all its lives.

	EventSpawn   EventKind = iota // a G has been made; the G that runs on M, if any, has made it. It is not queued yet
	EventStart                    // M is about to run G, from the scheduling loop, for the first time or again
	EventInline                   // M is about to run G, a fresh one, inside the join of the G that runs on M, until G ends
	EventPark                     // G, which M runs, is about to leave its stack. Arg is the WaitReason
	EventReady                    // G, which has parked, can go on, because of what M does; or, if Arg is 1, because it is time, or a device says so. It is not queued yet
	EventRequeue                  // G, which has just parked on M, can go on at once: it yields, its wait is over already, or it comes from a system call and found no P
	EventEnd                      // G, which M runs, has returned. Arg names its Group, or is 0. Who joins it has not heard of it yet
	EventJoin                     // G, a child that ended outside its parent's join, has been joined by the G that runs on M
	EventWait                     // G, which M runs, has waited for the Group that Arg names, of which some members ended outside its Wait
	EventSteal                    // M has taken Gs from another P or Node: see Event.Theft. G is the one that it runs next; 0 if it was stolen in turn
	EventSyscall                  // G, which M runs, is about to enter a system call. P can be retaken from now on
	EventSysexit                  // G has returned from the system call, on M, and looks for a P

	// Events of the P that they name. Seq counts those.

	EventAcquire // M holds P from now on. Arg is how many events of M, as the named, came before
	EventRelease // M does not hold P any more. Nobody does
	EventRetake  // M, which is sysmon, has taken P from an M in a system call. Nobody holds P
	EventIdle    // P, which nobody holds, is put on the idle list of its Node, whose lock M has
	EventUnidle  // M takes P off that list. Nobody holds P
	EventHandoff // M looks for another M to hold P, which nobody holds

	// Events of the M that Arg is the ID of. Seq counts those.

	EventNewM  // M starts another M
	EventSleep // M is put on the idle list of its Node, and will sleep
	EventWake  // M takes an M, which may be itself, off that list, to wake it

	// Events of no object.

	EventEndM // M has ended
	EventStop // M stops the scheduler: from now on Gs may be cancelled

	NumEventKinds
)

var eventKinds = [...]string{"spawn", "start", "inline", "park", "ready", "requeue", "end", "join", "wait", "steal", "syscall", "sysexit",
	"acquire", "release", "retake", "idle", "unidle", "handoff", "newm", "sleep", "wake", "endm", "stop"}

func (k EventKind) String() string {
	if k >= NumEventKinds {
		return fmt.Sprintf("EventKind(%d)", k)
	}
	return eventKinds[k]
}

// OfG reports whether events of kind k are those of the G that they name.
func (k EventKind) OfG() bool { return k <= EventSysexit }

// OfP reports whether events of kind k are those of the P that they name.
func (k EventKind) OfP() bool { return k >= EventAcquire && k <= EventHandoff }

// OfM reports whether events of kind k are those of the M that Arg names.
func (k EventKind) OfM() bool { return k >= EventNewM && k <= EventWake }

// String says what has happened, as in "M0: park G 1 [chan send]".
func (e Event) String() string {
	who := fmt.Sprintf("M%d", e.M)
	if e.M == -1 {
		who = "a caller"
	}
	switch {
	case e.Kind == EventPark:
		return fmt.Sprintf("%s: park G %d [%s]", who, e.G, WaitReason(e.Arg))
	case e.Kind == EventSteal:
		if t := e.Theft(); t.Victim < 0 {
			return fmt.Sprintf("%s: steal %d from node %d, G %d first", who, t.Gs, t.Node, e.G)
		} else {
			return fmt.Sprintf("%s: steal %d from P%d, G %d first", who, t.Gs, t.Victim, e.G)
		}
	case e.Kind.OfG():
		return fmt.Sprintf("%s: %s G %d", who, e.Kind, e.G)
	case e.Kind.OfP():
		return fmt.Sprintf("%s: %s P%d", who, e.Kind, e.P)
	case e.Kind.OfM():
		return fmt.Sprintf("%s: %s M%d", who, e.Kind, int32(e.Arg))
	}
	return fmt.Sprintf("%s: %s", who, e.Kind)
}

// A Theft is what an EventSteal is about.
type Theft struct {
	Gs     int // that were taken
	Victim int // index of the P that they were taken from; -1: from the queue of a Node
	Node   int // index of the Node that they were taken from, if Victim is -1
}

// Theft returns what an EventSteal is about.
func (e *Event) Theft() Theft {
	t := Theft{Gs: int(uint32(e.Arg)), Victim: int(int32(e.Arg >> 32)), Node: -1}
	if t.Victim < 0 {
		t.Victim, t.Node = -1, ^t.Victim
	}
	return t
}

// theft returns the Arg of an EventSteal of n Gs from a P, or, if from is negative, from
// the queue of Node ^from.
func theft(n uint32, from int) uint64 { return uint64(uint32(int32(from)))<<32 | uint64(n) }

// An EventSink is told of events. It is called on the M of the event, in the middle of what
// the M does: it must not call the scheduler, nor wait.
type EventSink interface {
	Event(m *M, e Event)
}

// both is two sinks.
type both [2]EventSink

// Event implements [EventSink].
func (b *both) Event(m *M, e Event) {
	b[0].Event(m, e)
	b[1].Event(m, e)
}

// eventsOf returns who is told of m's events, or nil.
func (s *Sched) eventsOf(m *M) EventSink {
	sink := s.machine.EventSink(m)
	also := func(second EventSink) {
		switch {
		case sink == nil:
			sink = second
		case second != nil:
			sink = &both{sink, second}
		}
	}
	if s.events != nil {
		also(s.events(m))
	}
	if s.view != nil {
		also(s.view)
	}
	return sink
}

// ID returns the number that events name g by: that of the cache line of its join word, of
// which every G has one of its own. A G that is reused keeps it.
func (g *G) ID() uint32 { return uint32(g.joined.line) }

// eventG says that m does something to gp.
func (m *M) eventG(kind EventKind, gp *G, arg uint64) {
	if m.events != nil {
		m.tellG(kind, gp, arg)
	}
}

// eventP says that m does something to p.
func (m *M) eventP(kind EventKind, p *P) {
	if m.events != nil {
		m.tellP(kind, p)
	}
}

// eventM says that m does something to mp.
func (m *M) eventM(kind EventKind, mp *M) {
	if m.events != nil {
		m.tellM(kind, mp)
	}
}

//go:noinline
func (m *M) tellG(kind EventKind, gp *G, arg uint64) {
	e := Event{Kind: kind, M: int32(m.ID), P: int32(m.P()), Arg: arg}
	if gp != nil {
		gp.seq++
		e.G, e.Seq = gp.ID(), gp.seq
	}
	m.events.Event(m, e)
}

//go:noinline
func (m *M) tellP(kind EventKind, p *P) {
	p.seq++
	e := Event{Kind: kind, M: int32(m.ID), P: int32(p.id), Seq: p.seq}
	if kind == EventAcquire {
		e.Arg = uint64(m.seq)
	}
	m.events.Event(m, e)
}

//go:noinline
func (m *M) tellM(kind EventKind, mp *M) {
	e := Event{Kind: kind, M: int32(m.ID), P: int32(m.P()), Arg: uint64(mp.ID)}
	if kind.OfM() {
		mp.seq++
		e.Seq = mp.seq
	}
	m.events.Event(m, e)
}
