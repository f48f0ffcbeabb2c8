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

// A child that is taken back is a call, whether or not events are recorded, and though others have
// heard of it: it gets the G that joins it. The G that joins is not preempted, since what is public
// would run meanwhile.
func TestChildrenAreCallsThoughEventsAreRecorded(t *testing.T) {
	var events trace.Recorder
	s := newSchedOf(t, sched.Config{Events: events.Sink, NoPreempt: true})
	forks, called := 0, 0
	var tree func(g *sched.G, depth int)
	tree = func(g *sched.G, depth int) {
		if depth == 0 {
			return
		}
		child := func(c *sched.G, _ sched.Arg) int {
			if forks++; c == g {
				called++
			}
			tree(c, depth-1)
			return 0
		}
		var gr sched.Group
		a, b := g.Fork(child, sched.Arg{}), g.Fork(child, sched.Arg{})
		gr.Go(g, func(c *sched.G) { child(c, sched.Arg{}) })
		gr.Wait(g)
		g.Join(b)
		g.Join(a)
	}
	if err := s.Run(func(g *sched.G) { tree(g, 8) }); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if called != forks {
		t.Errorf("%d of %d children got the G that joined them", called, forks)
	}
	inline := 0
	if err := events.Merge(func(e *trace.Record) error {
		if e.Kind == machine.EventInline {
			inline++
		}
		return nil
	}); err != nil || inline == 0 {
		t.Errorf("%d children were public when they were taken back (%v)", inline, err)
	}
	if err := events.Validate(); err != nil {
		t.Error(err)
	}
}
