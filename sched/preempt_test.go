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

// preemptively runs a test under those, on this host and on pretended nodes.
func preemptively(t *testing.T, f func(t *testing.T, s *sched.Sched)) {
	for _, arm := range fewArms() {
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

// respawn starts a G that does the same, until done, and ends.
func respawn(g *sched.G, work func(*sched.G), done *atomic.Bool) {
	work(g)
	if !done.Load() {
		g.Go(func(g *sched.G) { respawn(g, work, done) })
	}
}

// Two Gs that start their successors for ever do not starve an older one: golang/go#52934.
// Each of them inherits the time slice of the one before.
func TestSelfRespawningGsDoNotStarveAnOlderOne(t *testing.T) {
	root := func(work func(*sched.G)) func(*sched.G) {
		return func(g *sched.G) {
			var done atomic.Bool
			g.GoAt(sched.Default, func(*sched.G) { done.Store(true) })
			g.GoAt(sched.Default, func(g *sched.G) { respawn(g, work, &done) })
			g.GoAt(sched.Default, func(g *sched.G) { respawn(g, work, &done) })
			for !done.Load() {
				g.Yield()
			}
		}
	}
	preemptively(t, func(t *testing.T, s *sched.Sched) { run(t, s, root(func(*sched.G) {})) })
	for _, arm := range fewArms() {
		// The slices are over after two turns.
		s := onSim(t, "synthetic:1x1", sched.Config{Arm: arm})
		run(t, s, root(func(g *sched.G) { compute(g, 7*time.Millisecond) }))
		run(t, s, func(g *sched.G) {
			if now := g.Nanotime(); now > 300e6 {
				t.Errorf("%s: an older G waited for %d ns", arm.Name, now)
			}
		})
	}
}

// A pair that passes messages shares one time slice. When it is over, a third G has its
// turn: tokio#2349.
func TestAPairAndAThirdOnOneP(t *testing.T) {
	pair := func(work func(*sched.G)) func(*sched.G) {
		return func(g *sched.G) {
			s, third := g.Sched(), false
			c, d := sched.NewChan[int](s, 0), sched.NewChan[int](s, 0)
			var gr sched.Group
			gr.Go(g, func(g *sched.G) {
				for v, ok := c.Recv(g); ok; v, ok = c.Recv(g) {
					work(g)
					d.Send(g, v)
				}
			})
			g.GoAt(sched.Default, func(*sched.G) { third = true })
			for !third {
				c.Send(g, 1)
				work(g)
				d.Recv(g)
			}
			c.Close(g)
			gr.Wait(g)
		}
	}
	for _, arm := range fewArms() {
		run(t, start(t, arm.Name, "synthetic:1x1"), pair(func(*sched.G) {}))
		s := onSim(t, "synthetic:1x1", sched.Config{Arm: arm})
		run(t, s, pair(func(g *sched.G) { compute(g, 3*time.Millisecond) }))
		run(t, s, func(g *sched.G) {
			if now := g.Nanotime(); now > 60e6 {
				t.Errorf("%s: the third waited for %d ns", arm.Name, now)
			}
		})
	}
}

// Gs that spin on a counter do not keep the one from its CPU that counts and yields:
// golang/go#13546.
func TestSpinnersOnACounterWhileOneYields(t *testing.T) {
	preemptively(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			const last = 10
			var n atomic.Int32
			var gr sched.Group
			gr.Go(g, func(g *sched.G) {
				for range last {
					n.Add(1)
					g.Yield()
				}
			})
			for range 2 * s.Procs() {
				gr.Go(g, func(g *sched.G) {
					for n.Load() < last {
						g.Preempt()
					}
				})
			}
			gr.Wait(g)
		})
	})
}

// Many more Ms than CPUs spin and yield, and one computes: it ends. rayon#819.
func TestSpinnersOnEveryPOfFewCPUs(t *testing.T) {
	for _, arm := range fewArms() {
		s := start(t, arm.Name, "synthetic:1x8")
		run(t, s, func(g *sched.G) {
			var done atomic.Bool
			var gr sched.Group
			for range s.Procs() {
				gr.Go(g, func(g *sched.G) {
					for !done.Load() {
						g.Yield()
					}
				})
			}
			gr.Go(g, func(g *sched.G) {
				fib(g, sched.Arg{A: 20})
				done.Store(true)
			})
			gr.Wait(g)
		})
	}
}

// A G that was woken runs elsewhere if its waker computes on: tokio#4941. A waker that
// soon waits keeps its partner: to steal that would add switches and wake-ups (#8065).
func TestAWokenGIsStolenIfItsWakerComputes(t *testing.T) {
	preemptively(t, func(t *testing.T, s *sched.Sched) {
		if s.Procs() < 2 {
			t.Skip("one P")
		}
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			var ran atomic.Bool
			var gr sched.Group
			gr.Go(g, func(g *sched.G) {
				c.Recv(g)
				ran.Store(true)
			})
			g.Yield()
			c.Send(g, 1)
			for !ran.Load() { // asks the scheduler for nothing
			}
			gr.Wait(g)
		})
	})
	for _, arm := range fewArms() {
		if !arm.Local {
			continue
		}
		s := onSim(t, "synthetic:1x4", sched.Config{Arm: arm})
		const n = 10_000
		run(t, s, func(g *sched.G) {
			c, d := sched.NewChan[int](s, 0), sched.NewChan[int](s, 0)
			g.Go(func(g *sched.G) {
				for v, ok := c.Recv(g); ok; v, ok = c.Recv(g) {
					d.Send(g, v)
				}
			})
			for range n {
				c.Send(g, 1)
				d.Recv(g)
			}
			c.Close(g)
		})
		if st := s.Stats(); st.StealsL3+st.StealsNode > n/100 || st.Parks > 2*n+n/10 {
			t.Errorf("%s: %d ping-pongs took %d parks and %d thefts", arm.Name, n, st.Parks, st.StealsL3+st.StealsNode)
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
