package machine

import "fmt"

// An Event is something that an M has done, or is just about to do.
type Event struct {
	Kind EventKind
	M    int32  // the M's ID; -1: a caller from outside
	P    int32  // the P of the event; for events of Gs and Ms the P that the M holds; or -1
	G    uint32 // the name of the event's G, see sched.G.ID; 0: none
	Seq  uint32 // the event is the Seq-th of its object; 0: no order is known
	Arg  uint64 // see the kinds
}

// An EventKind says what an event is.
type EventKind uint8

const (
	// Events of the G that they name. Seq counts the events of that G, over all its lives.

	EventSpawn   EventKind = iota // a G has been made; the G that runs on M, if any, has made it. It is not queued yet. Of a child on a real machine: it is about to become public, see sched/runq.go
	EventStart                    // M is about to run G, from the scheduling loop, for the first time or again
	EventInline                   // M is about to run G, a fresh one, inside the join of the G that runs on M, until G ends. Where run queues are rings on a real machine it ends at once, unless Config.Debug is set: what it does is told of the G that joins it
	EventPark                     // G, which M runs, is about to leave its stack. Arg is the sched.WaitReason
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
	EventDismiss // P, which nobody holds, goes: there are to be fewer
	EventAdmit   // P comes, which M has in its hands

	// Events of the M that Arg is the ID of. Seq counts those.

	EventNewM  // M starts another M
	EventSleep // M is put on the idle list of its Node, and will sleep
	EventWake  // M takes an M, which may be itself, off that list, to wake it

	// Events of no object.

	EventEndM // M has ended
	EventStop // M stops the scheduler: from now on Gs may be cancelled

	// EventStuck is what M, which is sysmon, has found when it reports that Gs keep their Ps
	// and wait natively, while others are ready. Arg is how many Gs. P, which nobody need
	// hold any more, is the one that made it ask; M does not hold it.
	EventStuck

	NumEventKinds
)

var eventKinds = [...]string{"spawn", "start", "inline", "park", "ready", "requeue", "end", "join", "wait", "steal", "syscall", "sysexit",
	"acquire", "release", "retake", "idle", "unidle", "handoff", "dismiss", "admit", "newm", "sleep", "wake", "endm", "stop", "stuck"}

func (k EventKind) String() string {
	if k >= NumEventKinds {
		return fmt.Sprintf("EventKind(%d)", k)
	}
	return eventKinds[k]
}

// OfG reports whether events of kind k are those of the G that they name.
func (k EventKind) OfG() bool { return k <= EventSysexit }

// OfP reports whether events of kind k are those of the P that they name.
func (k EventKind) OfP() bool { return k >= EventAcquire && k <= EventAdmit }

// OfM reports whether events of kind k are those of the M that Arg names.
func (k EventKind) OfM() bool { return k >= EventNewM && k <= EventWake }

// ReasonName names the Arg of an EventPark, a sched.WaitReason. Package sched sets it.
var ReasonName func(arg uint64) string

// String says what has happened, as in "M0: park G 1 [chan send]".
func (e Event) String() string {
	who := fmt.Sprintf("M%d", e.M)
	if e.M == -1 {
		who = "a caller"
	}
	switch {
	case e.Kind == EventPark:
		return fmt.Sprintf("%s: park G %d [%s]", who, e.G, ReasonName(e.Arg))
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
	case e.Kind == EventStuck:
		return fmt.Sprintf("%s: stuck: %d Gs wait natively, asked because of P%d", who, e.Arg, e.P)
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

// An EventSink is told of events. It is called on the M of the event, in the middle of what
// the M does: it must not call the scheduler, nor wait.
type EventSink interface {
	Event(m *M, e Event)
}
