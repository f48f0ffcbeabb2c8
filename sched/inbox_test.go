package sched_test

import (
	"bytes"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/policy"
)

// What one G sends to another node runs there in the order in which it was sent.
func TestGsComeInOrderFromAnotherNode(t *testing.T) {
	a, _ := policy.ByName("numa")
	s := onSim(t, "synthetic:2x1", sched.Config{Arm: a})
	var got, want []int
	run(t, s, func(g *sched.G) {
		here := g.Node()
		var gr sched.Group
		for i := range 100 {
			want = append(want, i)
			gr.GoAt(g, sched.OnNode(1-here), func(g *sched.G) {
				if g.Node() == here {
					t.Errorf("G %d runs on node %d", i, here)
				}
				got = append(got, i)
			})
		}
		gr.Wait(g)
	})
	if !slices.Equal(got, want) {
		t.Errorf("they ran in the order %v", got)
	}
}

// Gs that are all at home on one node help nobody by waiting there, if their Works hardly
// use memory. Then they take about as long as under flat.
func TestLightWorkLeavesItsHome(t *testing.T) {
	took := make(map[string]int64)
	for _, arm := range []string{"flat", "numa"} {
		a, _ := policy.ByName(arm)
		s := onSim(t, "synthetic:4x4", sched.Config{Arm: a})
		const n, ops = 2000, 40_000
		buf, err := s.NewBuffer(n*64, sched.OnNode(0))
		if err != nil {
			t.Fatal(err)
		}
		run(t, s, func(g *sched.G) {
			start := g.Nanotime()
			var gr sched.Group
			for i := range int64(n) {
				gr.GoAt(g, sched.OnNode(0), func(g *sched.G) {
					g.Work(sched.Work{Ops: ops, Writes: []sched.Span{{Buf: buf, Off: i * 64, Len: 64}}}, nil)
				})
			}
			gr.Wait(g)
			took[arm] = g.Nanotime() - start
		})
	}
	if took["numa"] > took["flat"]+took["flat"]/20 {
		t.Errorf("%d ns under numa, and %d ns under flat", took["numa"], took["flat"])
	}
}

// Gs of several nodes that send to one node at the same time lose nothing, on threads as well.
func TestGsComeFromSeveralNodesAtOnce(t *testing.T) {
	s := start(t, "numa", "synthetic:4x1")
	const each = 2000
	var ran [4]atomic.Int64
	run(t, s, func(g *sched.G) {
		var senders sched.Group
		for from := range 4 {
			senders.GoAt(g, sched.OnNode(from), func(g *sched.G) {
				var gr sched.Group
				for range each {
					gr.GoAt(g, sched.OnNode(0), func(*sched.G) { ran[from].Add(1) })
				}
				gr.Wait(g)
			})
		}
		senders.Wait(g)
	})
	for from := range ran {
		if got := ran[from].Load(); got != each {
			t.Errorf("%d Gs from node %d have run, want %d", got, from, each)
		}
	}
}

// Gs that were sent to a node and have not got into its queue yet count as queued there.
func TestSchedTraceCountsInboxes(t *testing.T) {
	a, _ := policy.ByName("numa")
	var lines bytes.Buffer
	s := onSim(t, "synthetic:2x1", sched.Config{Arm: a, SchedTrace: sched.SchedTrace{Every: time.Millisecond, Out: &lines}})
	run(t, s, func(g *sched.G) {
		const ops = 10_000_000 // some milliseconds, but not a time slice
		here, begun := g.Node(), sched.NewChan[int](s, 0)
		var gr sched.Group
		gr.GoAt(g, sched.OnNode(1-here), func(g *sched.G) {
			begun.Send(g, 1)
			g.Work(sched.Work{Ops: ops}, nil)
		})
		begun.Recv(g)
		g.Work(sched.Work{Ops: ops / 100}, nil) // until that computes
		for range 5 {
			gr.GoAt(g, sched.OnNode(1-here), func(*sched.G) {})
		}
		g.Work(sched.Work{Ops: ops}, nil)
		gr.Wait(g)
	})
	if !strings.Contains(lines.String(), " runqueue=5 ") {
		t.Errorf("no line says that 5 Gs are queued:\n%s", &lines)
	}
}
