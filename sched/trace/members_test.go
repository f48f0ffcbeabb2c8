package trace_test

import (
	"testing"

	"numasched/sched"
	"numasched/sched/internal/machine"
	"numasched/sched/trace"
)

// A Group far from the heap, whose name is so long that an event with one takes two slots of a log.
var far sched.Group

// Members of a Group with a short name, of one with a long name and Gs of none take turns, so that
// chunks end at either slot, and the end of a G may share that of its start. Every event must
// come out with the name that went in.
func TestMembersEndInTheirGroups(t *testing.T) {
	const n = 5000
	var events trace.Recorder
	s := newSched(t, events.Sink)
	outer, inner := new(sched.Group), &far
	err := s.Run(func(g *sched.G) {
		for i := range n {
			for _, gr := range []*sched.Group{outer, inner} {
				gr.Go(g, func(g *sched.G) {
					if i%2 == 0 {
						g.Yield()
					}
				})
			}
			if i%3 == 0 {
				g.Go(func(*sched.G) {})
			}
		}
		outer.Wait(g)
		inner.Wait(g)
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()

	ends, waits := make(map[uint64]int), make(map[uint64]int)
	if err := events.Merge(func(e *trace.Record) error {
		switch e.Kind {
		case machine.EventEnd:
			ends[e.Arg]++
		case machine.EventWait:
			waits[e.Arg]++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(waits) != 2 || len(ends) != 3 {
		t.Fatalf("waits for %v, ends of members of %v: want two Groups, and Gs of none besides", waits, ends)
	}
	for group := range waits {
		if ends[group] != n {
			t.Errorf("%d members of Group %x ended, want %d", ends[group], group, n)
		}
	}
	if err := events.Validate(); err != nil {
		t.Error(err)
	}
}
