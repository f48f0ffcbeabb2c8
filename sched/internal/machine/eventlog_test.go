package machine

import (
	"slices"
	"testing"
)

// The start and the end of a G that come one after the other take one slot, and come out as two
// events. Others do not, though they look alike.
func TestAStartAndAnEndTakeOneSlot(t *testing.T) {
	p := PackedP(2)
	start := Event{Kind: EventStart, M: 3, P: 2, G: 7, Seq: 8}
	for _, c := range []struct {
		p      uint64
		g, seq uint32
		arg    uint64
		packed bool
	}{
		{p, 7, 9, 0, true}, {p, 7, 9, 1<<32 - 1, true}, {p, 7, 9, 1 << 32, false},
		{p, 6, 9, 0, false}, {p, 7, 10, 0, false}, {PackedP(1), 7, 9, 0, false},
	} {
		l := NewEventLog(3, false, 0, false)
		l.Event(nil, start)
		if got := l.Chunk[0].PackEnd(c.p, c.g, c.seq, c.arg); got != c.packed {
			t.Errorf("%+v: packed %v", c, got)
		}
		l.Event(nil, start)
		want := []Event{start, start}
		if c.packed {
			want = []Event{start, {Kind: EventEnd, M: 3, P: 2, G: 7, Seq: 9, Arg: c.arg}, start}
		}
		var got []Event
		for r := l.Read(); r.Peek() != nil; r.Skip() {
			got = append(got, r.Peek().Event)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v: what comes out is %v, want %v", c, got, want)
		}
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
