package sim_test

import (
	"testing"

	"numasched/sched"
)

// A G forks children while every P is busy, and then computes for long. A P that becomes
// idle meanwhile takes up all of the children, although forks are private at first.
func TestWhatALongWorkHasForkedIsStolen(t *testing.T) {
	const children, short, long = 6, 100_000, 10_000_000
	compute := map[string]func(g *sched.G){
		"work": func(g *sched.G) { g.Work(sched.Work{Ops: long}, nil) },
		"preempt": func(g *sched.G) {
			for range long / 1000 {
				g.Work(sched.Work{Ops: 1000}, nil)
				g.Preempt()
			}
		},
	}
	for name, compute := range compute {
		t.Run(name, func(t *testing.T) {
			var started, computed, late int
			run(t, simulated(t, "synthetic:1x2"), "numa", 2, func(g *sched.G) {
				var other sched.Group
				other.Go(g, func(g *sched.G) {
					started++
					g.Work(sched.Work{Ops: long / 10}, nil)
				})
				for started == 0 {
					g.Work(sched.Work{Ops: short}, nil)
				}
				var gr sched.Group
				for range children {
					gr.Go(g, func(g *sched.G) {
						late += computed
						g.Work(sched.Work{Ops: short}, nil)
					})
				}
				compute(g)
				computed = 1
				gr.Wait(g)
				other.Wait(g)
			})
			if late != 0 {
				t.Errorf("%d of %d children began only after the other Work, want none", late, children)
			}
		})
	}
}
