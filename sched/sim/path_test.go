package sim_test

import (
	"fmt"
	"testing"

	"numasched/sched"
	"numasched/sched/policy"
)

// What has to wait for what is the program's, not the schedule's: the longest
// chain of Works is the same under every arm and on any number of Ps, and no run
// is shorter.
func TestTheLongestChainOfWorkIsTheProgramsOwn(t *testing.T) {
	const ops = 100_000
	work := func(g *sched.G) { g.Work(sched.Work{Ops: ops}, nil) }
	task := func(g *sched.G, a sched.Arg) int {
		for range a.A {
			work(g)
		}
		return 0
	}
	for _, c := range []struct {
		name string
		want int64 // Works
		run  func(g *sched.G)
	}{
		{"one after another", 3, func(g *sched.G) { task(g, sched.Arg{A: 3}) }},
		{"beside its child", 5, func(g *sched.G) {
			work(g)
			child := g.Fork(task, sched.Arg{A: 3})
			task(g, sched.Arg{A: 2})
			g.Join(child)
			work(g)
		}},
		{"beside a shorter child", 6, func(g *sched.G) {
			child := g.Fork(task, sched.Arg{A: 3})
			task(g, sched.Arg{A: 5})
			g.Join(child)
			work(g)
		}},
		{"before a group", 1 + 8 + 1, func(g *sched.G) {
			work(g)
			var gr sched.Group
			for i := range 8 {
				gr.Go(g, func(g *sched.G) { task(g, sched.Arg{A: i + 1}) })
			}
			gr.Wait(g)
			work(g)
		}},
		{"with yields", 6, func(g *sched.G) {
			var gr sched.Group
			for range 4 {
				gr.Go(g, func(g *sched.G) {
					for range 6 {
						work(g)
						g.Yield()
					}
				})
			}
			gr.Wait(g)
		}},
	} {
		for _, arm := range []string{"gm", "flat", "numa"} {
			for _, procs := range []int{1, 3, 8} {
				t.Run(fmt.Sprint(c.name, "/", arm, "/", procs), func(t *testing.T) {
					m := simulated(t, "synthetic:2x4")
					run(t, m, arm, procs, work)
					one := m.Account().Path
					m = simulated(t, "synthetic:2x4")
					run(t, m, arm, procs, c.run)
					a := m.Account()
					if got := int64(a.Path); got != c.want*int64(one) {
						t.Errorf("the longest chain is %v, want %d times %v", a.Path, c.want, one)
					}
					if bound, by := m.Bound(a, procs); bound < a.Path || bound > a.Now {
						t.Errorf("bound %v (%s) with a path of %v and a run of %v", bound, by, a.Path, a.Now)
					}
				})
			}
		}
	}
}

// A Run goes on from where those before have ended.
func TestRunsAreOneAfterAnother(t *testing.T) {
	p, _ := policy.ByName("numa")
	m := simulated(t, "synthetic:2x4")
	s, err := sched.New(sched.Config{Machine: m, Arm: p, Events: validated(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var path [3]int64
	for i := range path {
		if err := s.Run(func(g *sched.G) { g.Work(sched.Work{Ops: 1000}, nil) }); err != nil {
			t.Fatal(err)
		}
		path[i] = int64(m.Account().Path)
	}
	if path[0] == 0 || path[1] != 2*path[0] || path[2] != 3*path[0] {
		t.Errorf("the paths after three equal Runs are %v", path)
	}
}

// A message that is waited for is waited for.
func TestAWakeUpLengthensThePath(t *testing.T) {
	const ops = 100_000
	m := simulated(t, "synthetic:1x2")
	run(t, m, "flat", 2, func(g *sched.G) {
		c := sched.NewChan[int](g.Sched(), 0)
		var gr sched.Group
		gr.Go(g, func(g *sched.G) {
			c.Recv(g) // before the other has anything to send
			g.Work(sched.Work{Ops: ops}, nil)
		})
		gr.Go(g, func(g *sched.G) {
			g.Work(sched.Work{Ops: ops}, nil)
			c.Send(g, 1)
		})
		gr.Wait(g)
	})
	a := m.Account()
	if a.Path != a.Ops {
		t.Errorf("the longest chain is %v of %v, want all: one waited for the other", a.Path, a.Ops)
	}
}
