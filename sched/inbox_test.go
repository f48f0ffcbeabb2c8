package sched_test

import (
	"slices"
	"testing"

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
