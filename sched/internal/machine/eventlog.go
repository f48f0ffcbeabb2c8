package machine

import "math"

// An EventLog is an [EventSink] that keeps the events of one M. The scheduler knows it: it
// writes the most frequent events into the Open part by itself, for a call with an Event
// takes several times as long as to keep it.
type EventLog struct {
	Open

	m      int32
	clock  bool
	room   int  // how many more chunks it may have
	wraps  bool // the oldest is forgotten when there is no more room
	cut    bool // some events were not kept
	chunks []*[EventChunk]PackedEvent
}

// Open is where a log is written next.
type Open struct {
	Chunk *[EventChunk]PackedEvent // the last one
	Taken uint                     // of its slots
	P     uint64                   // the P that the M holds, as in PackedEvent.What
}

// A PackedEvent is an event as a log keeps it: in words that are stored whole. To copy a
// struct of small fields right after they are stored takes several times as long. An event
// whose Arg is long, or that has a time, takes a second one before it, of kind packedMore.
type PackedEvent struct {
	What uint64 // Kind, P+1 from bit 8, G from bit 32; of a packedMore the time from bit 8
	Rest uint64 // Seq, Arg from bit 32; of a packedMore the Arg
}

const (
	// EventChunk is how many slots a log gets at a time: a power of two.
	EventChunk = 2048

	packedMore = 0xff
	packedNone = 0xfe // the last slot of a chunk, which had no room for two
	packedRan  = 0xfd // an EventStart and, as the M's next event, the EventEnd of the same G, of which this has the Arg
)

// A TimedEvent is an event and when it was.
type TimedEvent struct {
	Event
	Time int64 // nanoseconds on the machine's clock; 0 in a log without a clock
}

// NewEventLog returns a log for the M of that ID. If clock is set it asks the machine for the
// time of every event. It keeps about limit events, unless that is 0: the first ones or, if
// last is set, the last.
func NewEventLog(m int32, clock bool, limit int, last bool) *EventLog {
	l := &EventLog{m: m, clock: clock, room: math.MaxInt, Open: Open{Taken: EventChunk}}
	if limit != 0 {
		if clock {
			limit *= 2 // an event with a time takes two slots
		}
		l.room, l.wraps = (limit+EventChunk-1)/EventChunk, last
		if last {
			l.room = max(l.room, 2)
		}
	}
	return l
}

// PackedP returns what PackedEvent.What says of a P: its index, or -1.
func PackedP(p int32) uint64 { return uint64(uint32(p+1)) << 8 }

// Pack stores an event that takes one slot: one whose Arg is short, in a log without a
// clock. p is a PackedP.
func (e *PackedEvent) Pack(kind EventKind, p uint64, g, seq uint32, arg uint64) {
	e.What = uint64(kind) | p | uint64(g)<<32
	e.Rest = uint64(seq) | arg<<32
}

// PackArg stores the Arg of the event that is stored next, in a log without a clock.
func (e *PackedEvent) PackArg(arg uint64) { e.What, e.Rest = packedMore, arg }

// PackRan stores the EventStart of a G, whose Seq is seq, and the EventEnd that comes next. Most Gs
// never block, and each writes so much less.
func (e *PackedEvent) PackRan(p uint64, g, seq uint32, arg uint64) { e.Pack(packedRan, p, g, seq, arg) }

// Short reports whether an Arg takes no slot of its own.
func Short(arg uint64) bool { return arg>>32 == 0 }

// Quick returns l if the scheduler may write into it by itself, and else nil.
func (l *EventLog) Quick() *EventLog {
	if l.clock {
		return nil
	}
	return l
}

// Event implements [EventSink].
func (l *EventLog) Event(m *M, e Event) {
	need := uint(1)
	if l.clock || !Short(e.Arg) {
		need = 2
	}
	if l.Taken+need > EventChunk {
		if l.Taken < EventChunk {
			l.Chunk[l.Taken].What = packedNone
			l.Taken = EventChunk
		}
		if !l.grow() {
			return // nor will there be room later
		}
	}
	if need == 2 {
		now := int64(0)
		if l.clock {
			now = m.Nanotime()
		}
		l.Chunk[l.Taken] = PackedEvent{packedMore | uint64(now)<<8, e.Arg}
		l.Taken++
		e.Arg = 0
	}
	l.Chunk[l.Taken].Pack(e.Kind, PackedP(e.P), e.G, e.Seq, e.Arg)
	l.Taken++
	switch e.Kind {
	case EventAcquire:
		l.P = PackedP(e.P)
	case EventRelease:
		l.P = PackedP(-1)
	}
}

// grow makes room, and reports whether it may.
func (l *EventLog) grow() bool {
	switch {
	case len(l.chunks) < l.room:
		l.Chunk = new([EventChunk]PackedEvent)
	case l.wraps:
		l.cut = true
		l.Chunk = l.chunks[0]
		l.chunks = append(l.chunks[:0], l.chunks[1:]...)
	default:
		l.cut = true
		return false
	}
	l.chunks = append(l.chunks, l.Chunk)
	l.Taken = 0
	return true
}

// Cut reports whether some events were not kept.
func (l *EventLog) Cut() bool { return l.cut }

// An EventReader reads a log whose M has ended.
type EventReader struct {
	log  *EventLog
	at   uint // the next slot, from the first chunk on
	have bool // here is the next event
	half bool // and the other half of its slot comes then
	here TimedEvent
}

// Read returns a reader from the first event on.
func (l *EventLog) Read() EventReader { return EventReader{log: l} }

// slots returns how many slots of l are taken.
func (l *EventLog) slots() uint {
	if len(l.chunks) == 0 {
		return 0
	}
	return uint(len(l.chunks)-1)*EventChunk + l.Taken
}

// Peek returns the next event, or nil if there is none.
func (r *EventReader) Peek() *TimedEvent {
	if r.have {
		return &r.here
	}
	r.here.Time = 0
	long, arg := false, uint64(0)
	for l := r.log; r.at < l.slots(); {
		s := l.chunks[r.at/EventChunk][r.at%EventChunk]
		r.at++
		switch uint8(s.What) {
		case packedNone:
			continue
		case packedMore:
			r.here.Time, arg, long = int64(s.What>>8), s.Rest, true
			continue
		case packedRan:
			r.half = !r.half
			if s.What ^= packedRan; r.half {
				s.What |= uint64(EventStart)
				s.Rest = uint64(uint32(s.Rest))
				r.at--
			} else {
				s.What |= uint64(EventEnd)
				s.Rest = s.Rest&^(1<<32-1) | uint64(uint32(s.Rest)+1) // the Seq, which was that of the start
			}
		}
		if !long {
			arg = s.Rest >> 32
		}
		r.here.Event = Event{Kind: EventKind(s.What), M: l.m, P: int32(uint32(s.What)>>8) - 1, G: uint32(s.What >> 32), Seq: uint32(s.Rest), Arg: arg}
		r.have = true
		return &r.here
	}
	return nil
}

// Skip goes on behind the event that Peek has returned.
func (r *EventReader) Skip() { r.have = false }
