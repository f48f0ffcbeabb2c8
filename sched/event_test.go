package sched_test

import (
	"testing"

	"numasched/sched"
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
	"numasched/sched/trace"
)

// The events say as much as Stats counts.
func TestEventsAgreeWithStats(t *testing.T) {
	for _, arm := range policy.Arms {
		var events trace.Recorder
		s, err := sched.New(sched.Config{Machine: open(t, "synthetic:2x2"), Arm: arm, Events: events.Sink})
		if err != nil {
			t.Fatal(err)
		}
		run(t, s, func(g *sched.G) {
			fib(g, sched.Arg{A: 15})
			c := sched.NewChan[int](s, 0)
			var gr sched.Group
			for i := range 20 {
				gr.GoAt(g, sched.Default, func(g *sched.G) {
					g.Yield()
					g.Syscall(nil)
					if i%2 == 0 {
						c.Send(g, i)
					} else {
						c.Recv(g)
					}
				})
			}
			gr.Wait(g)
		})
		s.Quiesce()
		st := s.Stats()
		s.Close()

		var n [machine.NumEventKinds]int64
		var yields, noP, thefts, fromQueue, stolen int64
		if err := events.Merge(func(e *trace.Record) error {
			n[e.Kind]++
			switch {
			case e.Kind == machine.EventPark && sched.WaitReason(e.Arg) == sched.WaitYield:
				yields++
			case e.Kind == machine.EventPark && sched.WaitReason(e.Arg) == sched.WaitSyscall:
				noP++
			case e.Kind == machine.EventSteal:
				thefts++
				stolen += int64(e.Theft().Gs)
				if e.Theft().Victim < 0 {
					fromQueue++
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		// A child that was taken back before anybody else could see it has no events.
		calls := st.Spawned + 1 - n[machine.EventSpawn]
		if calls < 0 {
			t.Errorf("%s: %d spawns, and Stats counts %d with that of Run", arm.Name, n[machine.EventSpawn], st.Spawned+1)
		}
		for _, c := range []struct {
			name      string
			got, want int64
		}{
			{"inline runs", n[machine.EventInline] + calls, st.Inlined},
			{"starts", n[machine.EventStart], st.Executed + st.Resumed},
			{"ends", n[machine.EventEnd] + calls, st.Spawned + 1},
			{"yields", yields, st.Yields},
			{"parks", n[machine.EventPark] - noP, st.Parks},
			{"system calls", n[machine.EventSyscall], st.Syscalls},
			{"returns from them", n[machine.EventSysexit], st.Syscalls},
			{"retakes", n[machine.EventRetake], st.Retakes},
			{"thefts", thefts, st.StealsL3 + st.StealsNode + st.StealsRemote},
			{"stolen Gs", stolen, st.StolenLocal + st.StolenRemote},
		} {
			if c.got != c.want {
				t.Errorf("%s: %s: %d events, and Stats counts %d", arm.Name, c.name, c.got, c.want)
			}
		}
		if fromQueue > st.StealsRemote {
			t.Errorf("%s: %d thefts from queues of %d from other nodes", arm.Name, fromQueue, st.StealsRemote)
		}
	}
}

// Every G has a name of its own: the events of two that shared one could not be told apart.
func TestGsHaveNames(t *testing.T) {
	s := start(t, "flat", "")
	names := make(map[uint32]bool)
	const n = 1000
	run(t, s, func(g *sched.G) {
		c, done := sched.NewChan[uint32](s, 0), sched.NewChan[bool](s, 0)
		for range n {
			g.Go(func(g *sched.G) {
				c.Send(g, g.ID())
				done.Recv(g)
			})
		}
		for range n {
			name, _ := c.Recv(g)
			names[name] = true
		}
		names[g.ID()] = true
		done.Close(g)
	})
	if len(names) != n+1 || names[0] {
		t.Errorf("%d Gs that live at once have %d names, want as many, without 0", n+1, len(names))
	}
}
