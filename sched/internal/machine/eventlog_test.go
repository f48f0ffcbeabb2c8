package machine

import (
	"slices"
	"testing"
)

// The start and the end of a G that lie in one slot come out as two events.
func TestAStartAndAnEndTakeOneSlot(t *testing.T) {
	const arg = 1<<32 - 1
	l, start := NewEventLog(3, false, 0, false), Event{Kind: EventStart, M: 3, P: 2, G: 7, Seq: 8}
	l.Event(nil, start)
	l.Chunk[l.Taken].PackRan(PackedP(2), 9, 5, arg)
	l.Taken++
	l.Event(nil, start)
	want := []Event{start, {Kind: EventStart, M: 3, P: 2, G: 9, Seq: 5}, {Kind: EventEnd, M: 3, P: 2, G: 9, Seq: 6, Arg: arg}, start}
	var got []Event
	for r := l.Read(); r.Peek() != nil; r.Skip() {
		got = append(got, r.Peek().Event)
	}
	if !slices.Equal(got, want) {
		t.Errorf("what comes out is %v, want %v", got, want)
	}
}

// What a log keeps comes out as it went in, whether its Arg is long or short and wherever in
// a chunk it lies; and a log that forgets keeps the last.
func TestALogKeepsEvents(t *testing.T) {
	event := func(i int) Event {
		e := Event{Kind: EventKind(i % int(EventSysexit)), M: 3, P: int32(i%5) - 1, G: uint32(i), Seq: uint32(i + 7), Arg: uint64(i % 3)}
		if i%4 == 1 {
			e.Arg = 1<<60 + uint64(i)
		}
		return e
	}
	const n = 5 * EventChunk
	for _, last := range []bool{false, true} {
		l := NewEventLog(3, false, 3*EventChunk, last)
		for i := range n {
			l.Event(nil, event(i))
		}
		var got []Event
		for r := l.Read(); r.Peek() != nil; r.Skip() {
			got = append(got, r.Peek().Event)
		}
		if len(got) < EventChunk || len(got) > 3*EventChunk || !l.Cut() {
			t.Fatalf("%d events, cut %v", len(got), l.Cut())
		}
		from := 0
		if last {
			from = n - len(got)
		}
		for i, e := range got {
			if e != event(from+i) {
				t.Fatalf("last %v: event %d is %+v, want %+v", last, i, e, event(from+i))
			}
		}
	}
}
