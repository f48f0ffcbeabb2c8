package machine

import "testing"

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
