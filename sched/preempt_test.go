package sched_test

import (
	"sync/atomic"
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/policy"
)

// fewArms returns the arms whose queues differ: preemption takes long to test.
func fewArms() (arms []policy.Arm) {
	for _, name := range []string{"gm", "flat", "numa"} {
		arm, _ := policy.ByName(name)
		arms = append(arms, arm)
	}
	return arms
}

// everyArm returns all arms that schedule in different ways. Some differ in where buffers
// lie, and in nothing else.
func everyArm() (arms []policy.Arm) {
	known := make(map[policy.Arm]bool)
	for _, arm := range policy.Arms {
		switches := arm
		switches.Name, switches.Doc, switches.Memory = "", "", 0
		if !known[switches] {
			known[switches] = true
			arms = append(arms, arm)
		}
	}
	return arms
}

// timelyArms returns all arms that schedule in different ways, for a test that takes long.
// Without the long tests, it returns those whose queues differ.
func timelyArms() []policy.Arm {
	if longTests() {
		return everyArm()
	}
	return fewArms()
}

// preemptively runs a test under few arms, on this host and on pretended nodes.
func preemptively(t *testing.T, f func(t *testing.T, s *sched.Sched)) { under(t, fewArms(), f) }

// under runs a test under some arms, on this host and on pretended nodes.
func under(t *testing.T, arms []policy.Arm, f func(t *testing.T, s *sched.Sched)) {
	for _, arm := range arms {
		for _, topo := range []string{"", "synthetic:2x2"} {
			t.Run(arm.Name+"/"+topo, func(t *testing.T) { f(t, start(t, arm.Name, topo)) })
		}
	}
}

// compute does Work of about the given virtual time, at 3 cycles in a nanosecond.
func compute(g *sched.G, d time.Duration) { g.Work(sched.Work{Ops: 3 * int64(d)}, func() {}) }

// spin keeps its P until done, and asks for nothing but to be preempted.
func spin(g *sched.G, done *atomic.Bool) {
	for !done.Load() {
		g.Preempt()
	}
}

// As many Gs as there are Ps, or one, compute for ever. Another one runs all the same.
func TestAGThatComputesForLongIsPreempted(t *testing.T) {
	preemptively(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			var done atomic.Bool
			var gr sched.Group
			gr.Go(g, func(*sched.G) { done.Store(true) })
			for range s.Procs() {
				gr.Go(g, func(g *sched.G) { spin(g, &done) })
			}
			gr.Wait(g)
		})
	})
	for _, arm := range fewArms() {
		t.Run(arm.Name+"/one P", func(t *testing.T) {
			s := start(t, arm.Name, "synthetic:1x1")
			run(t, s, func(g *sched.G) {
				var done atomic.Bool
				g.GoAt(sched.Default, func(*sched.G) { done.Store(true) })
				spin(g, &done)
			})
			if st := s.Stats(); st.Preempts == 0 {
				t.Error("nobody was preempted")
			}
		})
	}
}

// What preemption cures: without it, on one P, nobody else runs until the G lets go.
func TestWithoutPreemptionAGStarvesOthers(t *testing.T) {
	for _, arm := range fewArms() {
		t.Run(arm.Name, func(t *testing.T) {
			s, err := sched.New(sched.Config{Machine: open(t, "synthetic:1x1"), Arm: arm, NoPreempt: true})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			run(t, s, func(g *sched.G) {
				ran := false
				g.GoAt(sched.Default, func(*sched.G) { ran = true })
				for begin := time.Now(); time.Since(begin) < 100*time.Millisecond; {
					g.Preempt()
				}
				if ran {
					t.Error("another G has run on the only P")
				}
			})
		})
	}
}

// The same in virtual time. A Work is stopped in its midst: the other G has to wait for
// two looks of sysmon at most, and a part of the Work. Without preemption it waits for
// the Works of all Ps.
func TestASimulatedWorkIsPreempted(t *testing.T) {
	const long = 500 * time.Millisecond
	for _, arm := range fewArms() {
		for _, topo := range []string{"synthetic:1x1", "synthetic:1x4", "synthetic:2x2"} {
			waited := func(noPreempt bool) (ran, ended time.Duration) {
				s := onSim(t, topo, sched.Config{Arm: arm, NoPreempt: noPreempt})
				run(t, s, func(g *sched.G) {
					begin := g.Nanotime()
					var gr sched.Group
					var started atomic.Int32
					for range s.Procs() - 1 {
						gr.Go(g, func(g *sched.G) {
							started.Add(1)
							compute(g, long)
						})
					}
					for int(started.Load()) < s.Procs()-1 {
						g.Yield()
					}
					asked := g.Nanotime()
					gr.Go(g, func(g *sched.G) { ran = time.Duration(g.Nanotime() - asked) })
					compute(g, long)
					gr.Wait(g)
					ended = time.Duration(g.Nanotime() - begin)
				})
				return ran, ended
			}
			with, end := waited(false)
			if without, _ := waited(true); with > 80*time.Millisecond || without < long {
				t.Errorf("%s on %s: a G waits for %v behind Works of %v, and %v without preemption", arm.Name, topo, with, long, without)
			}
			if end < long || end > 3*long {
				t.Errorf("%s on %s: the Works took %v", arm.Name, topo, end)
			}
		}
	}
}

// Loops that only start Gs, and those that only fork and join, give way, too.
func TestLoopsOfSpawnsAndForksGiveWay(t *testing.T) {
	for _, arm := range fewArms() {
		s := start(t, arm.Name, "synthetic:1x1")
		for name, ask := range map[string]func(*sched.G){
			"Go":   func(g *sched.G) { g.Go(func(*sched.G) {}) },
			"GoAt": func(g *sched.G) { g.GoAt(sched.Default, func(*sched.G) {}) },
			"Join": func(g *sched.G) {
				g.Join(g.Fork(func(*sched.G, sched.Arg) int { return 0 }, sched.Arg{}))
			},
		} {
			t.Run(arm.Name+"/"+name, func(t *testing.T) {
				run(t, s, func(g *sched.G) {
					var done atomic.Bool
					g.GoAt(sched.Default, func(*sched.G) { done.Store(true) })
					for !done.Load() {
						ask(g)
					}
				})
			})
		}
	}
}
