package sched_test

import (
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"numasched/sched"
	"numasched/sched/policy"
)

// Work put on one node spreads to the others: nobody idles while there is work.
func TestWorkIsConservedAcrossNodes(t *testing.T) {
	for _, arm := range []string{"flat", "numa", "numa-near", "numa-home", "numa-wrongmap"} {
		t.Run(arm, func(t *testing.T) {
			s := start(t, arm, "synthetic:2x1")
			run(t, s, func(g *sched.G) {
				// Two Gs that each wait for the other to run at the same time: that
				// ends only if another P takes one.
				var met atomic.Int32
				var gr sched.Group
				for range 2 {
					gr.Go(g, func(*sched.G) {
						met.Add(1)
						for met.Load() < 2 {
							runtime.Gosched()
						}
					})
				}
				gr.Wait(g)
			})
		})
	}
}

// A G that blocks comes back on the node that it is at home on. In virtual time, since
// another node takes it where the threads of its own get no CPU.
func TestAGIsWokenAtHome(t *testing.T) {
	arm, _ := policy.ByName("numa")
	s := onSim(t, "synthetic:2x2", sched.Config{Arm: arm})
	run(t, s, func(g *sched.G) {
		for i := range 2 {
			home := i
			c := sched.NewChan[int](s, 0)
			var gr sched.Group
			gr.GoAt(g, sched.OnNode(home), func(g *sched.G) {
				for range 5 { // few, so that chance seldom moves its home
					c.Recv(g)
				}
			})
			for i := range 5 {
				c.Send(g, i)
			}
			gr.Wait(g)
		}
	})
	s.Quiesce()
	st := s.Stats()
	if st.HomeRuns <= st.AwayRuns {
		t.Errorf("%d runs at home, %d away", st.HomeRuns, st.AwayRuns)
	}
}

// A home on a node that no P was mapped to is as good as none.
func TestAHomeWithoutPs(t *testing.T) {
	m := open(t, "synthetic:2x4")
	arm, _ := policy.ByName("numa")
	s, err := sched.New(sched.Config{Machine: m, Arm: arm, Procs: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	run(t, s, func(g *sched.G) {
		c := sched.NewChan[int](s, 0)
		var gr sched.Group
		for id := range 2 {
			gr.GoAt(g, sched.OnNode(id), func(g *sched.G) {
				c.Recv(g)
				g.Yield()
			})
			c.Send(g, id)
		}
		gr.Wait(g)
	})
}

// A node that does not exist, or has no CPUs, is not an error of the G that was
// sent there, but neither is it silent.
func TestAGThatIsSentToANodeWithoutCPUsRunsAndLeavesAWarning(t *testing.T) {
	m := open(t, "../topology/testdata/virtual/cpuless.tar.gz") // node 2 has no CPUs
	for _, arm := range policy.Arms {
		s, err := sched.New(sched.Config{Machine: m, Arm: arm})
		if err != nil {
			t.Fatal(err)
		}
		ran := 0
		run(t, s, func(g *sched.G) {
			for _, id := range []int{1, 2, 9, 9} {
				var gr sched.Group
				gr.GoAt(g, sched.OnNode(id), func(g *sched.G) { ran++ })
				gr.Wait(g)
			}
		})
		nodes := "send them to one of [0 1]"
		if arm.Confine {
			nodes = "send them to one of [0]"
		}
		want := []string{"node 2 run elsewhere: it has no CPUs", "node 9 run elsewhere: the machine has no such node"}
		got := s.Warnings()
		ok := ran == 4 && len(got) == len(want)
		for i := range got {
			ok = ok && strings.Contains(got[i], want[i]) && strings.Contains(got[i], nodes)
		}
		if !ok {
			t.Errorf("%s: %d of 4 Gs ran; warnings %q, want %q", arm.Name, ran, got, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
