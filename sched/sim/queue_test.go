package sim

import (
	"testing"

	"pgregory.net/rapid"
)

// The queue hands out events in the order (time, actor) whatever was set,
// moved and cleared before, and knows the earliest event beside the running one,
// unless it holds that one.
func TestQueueOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := queue{end: never}
		want := map[int32]Time{}
		n := rapid.IntRange(1, 40).Draw(t, "actors")
		for range n {
			q.actor()
		}
		earliest := func(but int32) event {
			best := noEvent
			for id := int32(0); id < int32(n); id++ {
				at, ok := want[id]
				if ok && id != but && (best.id < 0 || at < best.at) { // of several at a time it is the first
					best = event{at, id}
				}
			}
			return best
		}
		now := Time(0)
		for range rapid.IntRange(1, 200).Draw(t, "turns") {
			e, ok := q.take()
			if ok != (len(want) > 0) {
				t.Fatalf("take says %v with %d events", ok, len(want))
			}
			if ok && e != earliest(-1) {
				t.Fatalf("took %v, want %v", e, earliest(-1))
			}
			running := int32(-1)
			if ok {
				running, now = e.id, e.at
			}
			hold := ok && rapid.Bool().Draw(t, "hold")
			if hold {
				q.hold(now)
			}
			for range rapid.IntRange(0, 4).Draw(t, "changes") {
				id := int32(rapid.IntRange(0, n-1).Draw(t, "actor"))
				if id == running {
					continue
				}
				if rapid.Bool().Draw(t, "clear") {
					q.clear(id)
					delete(want, id)
				} else {
					at := now + Time(rapid.IntRange(0, 20).Draw(t, "in"))
					q.set(id, at)
					want[id] = at
				}
			}
			if !ok {
				continue
			}
			if want := (event{now, held}); hold && q.next != want {
				t.Fatalf("lookahead %v on hold, want %v", q.next, want)
			} else if !hold && q.next != earliest(running) {
				t.Fatalf("lookahead %v, want %v", q.next, earliest(running))
			}
			if rapid.Bool().Draw(t, "drop") {
				q.drop()
				delete(want, running)
			} else {
				want[running] = now + Time(rapid.IntRange(0, 20).Draw(t, "again"))
				q.put(want[running])
			}
		}
	})
}
