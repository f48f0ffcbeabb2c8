package sched_test

import (
	"testing"

	"numasched/sched"
	"numasched/sched/policy"
	"numasched/sched/sim"
)

// A simulated machine charges for every child that is made and run. None is a call there.
func TestSimulatedForksCost(t *testing.T) {
	p, err := sim.LoadPreset("default")
	if err != nil {
		t.Fatal(err)
	}
	arm, err := policy.ByName("flat")
	if err != nil {
		t.Fatal(err)
	}
	const depth = 9
	for name, tree := range map[string]func(g *sched.G, n int){"G.Fork": forkTree, "Fork": typedTree, "Group": groupTree} {
		t.Run(name, func(t *testing.T) {
			s := onSim(t, "synthetic:1x1", sched.Config{Arm: arm})
			run(t, s, func(g *sched.G) {
				start := g.Nanotime()
				tree(g, depth)
				const children = 1<<depth - 1
				took, want := float64(g.Nanotime()-start), children*float64(p.Spawn.Value+p.Inline.Value)/1000
				if took < want {
					t.Errorf("%d children took %.0f ns, want at least %.0f, which the preset says for making and running them", children, took, want)
				}
			})
		})
	}
}

func forkTree(g *sched.G, n int) {
	if n > 0 {
		c := g.Fork(func(g *sched.G, a sched.Arg) int { forkTree(g, a.A); return 0 }, sched.Arg{A: n - 1})
		forkTree(g, n-1)
		g.Join(c)
	}
}

func typedTree(g *sched.G, n int) {
	if n > 0 {
		c := sched.Fork(g, func(g *sched.G, n int) int { typedTree(g, n); return 0 }, n-1)
		typedTree(g, n-1)
		c.Join(g)
	}
}

func groupTree(g *sched.G, n int) {
	if n > 0 {
		var gr sched.Group
		gr.Go(g, func(g *sched.G) { groupTree(g, n-1) })
		groupTree(g, n-1)
		gr.Wait(g)
	}
}
