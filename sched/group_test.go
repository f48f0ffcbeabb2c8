package sched_test

import (
	"runtime"
	"sync/atomic"
	"testing"

	"numasched/sched"
	"numasched/sched/policy"
)

func TestJoinReturnsWhatTheTaskReturned(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			if got := fib(g, sched.Arg{A: 18}); got != 2584 {
				t.Errorf("fib(18) = %d, want 2584", got)
			}
		})
		s.Quiesce()
		st := s.Stats()
		if want := int64(4180); st.Spawned != want {
			t.Errorf("%d Gs spawned, want %d", st.Spawned, want)
		}
		if st.Inlined+st.Executed != st.Spawned+1 { // the root was not spawned
			t.Errorf("%d inlined and %d executed of %d", st.Inlined, st.Executed, st.Spawned)
		}
	})
}

func TestWaitReturnsAfterEveryMember(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			var gr sched.Group
			for round := range 3 { // a Group can be used again
				var ran atomic.Int32
				for i := range 1000 {
					member := func(g *sched.G) {
						if i%10 == 0 {
							g.Yield()
						}
						ran.Add(1)
					}
					if i%3 == 0 {
						gr.GoAt(g, sched.OnNode(i%2), member)
					} else {
						gr.Go(g, member)
					}
				}
				gr.Wait(g)
				if n := ran.Load(); n != 1000 {
					t.Errorf("round %d: %d members had run when Wait returned", round, n)
				}
			}
		})
	})
}

// A G that never blocks needs no stack of its own, however many there are.
func TestGsThatNeverBlockShareStacks(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			var gr sched.Group
			for range 6_000 {
				gr.Go(g, func(*sched.G) {})
			}
			gr.Wait(g)
		})
		s.Quiesce()
		if st := s.Stats(); st.Carriers > int64(2*s.Procs()+2) {
			t.Errorf("%d stacks for %d Ps", st.Carriers, s.Procs())
		}
	})
}

// A child that has started, blocked and become ready again goes on where it
// was: a join that finds it in the run queue must not start it again.
func TestJoinDoesNotRestartAChildThatBlocked(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			starts := 0
			child := g.Fork(func(g *sched.G, _ sched.Arg) int {
				starts++
				c.Recv(g)
				return 1
			}, sched.Arg{})
			c.Send(g, 0) // the child has started and blocked before this returns
			last := g.Fork(func(*sched.G, sched.Arg) int { return 0 }, sched.Arg{})
			g.Join(last)
			if g.Join(child); starts != 1 {
				t.Errorf("the child started %d times", starts)
			}
		})
	})
}

// A G with a home that was run inside a join, and blocks there, is woken at home
// like any other.
func TestAnInlinedGThatBlocksIsWoken(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			var senders, outer sched.Group
			for i := range 40 {
				outer.GoAt(g, sched.OnNode(i%2), func(g *sched.G) {
					var inner sched.Group
					inner.GoAt(g, sched.OnNode((i+1)%2), func(g *sched.G) { c.Recv(g) })
					inner.Wait(g)
				})
				senders.Go(g, func(g *sched.G) { c.Send(g, i) })
			}
			outer.Wait(g)
			senders.Wait(g)
		})
	})
}

// A G that starts many others lets some of them run, so that a few Gs do for all.
func TestAGThatStartsManyLetsThemRun(t *testing.T) {
	const members = 50_000
	for _, name := range []string{"flat", "numa"} {
		arm, err := policy.ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		s := onSim(t, "synthetic:1x2", sched.Config{Arm: arm})
		limit := int64((policy.SpawnAhead+2*256)*s.Procs() + 1000)
		var started, ended, most int64
		run(t, s, func(g *sched.G) {
			var gr sched.Group
			for range members {
				gr.Go(g, func(*sched.G) { ended++ })
				started++
				most = max(most, started-ended)
			}
			gr.Wait(g)
		})
		if ended != members || most > limit {
			t.Errorf("%s: %d of %d members ran, and %d were waiting at one time, want at most %d", name, ended, members, most, limit)
		}
	}
}

// One that is locked to its thread cannot wait for them, and does not.
func TestALockedGStartsMany(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		var ended atomic.Int64
		run(t, s, func(g *sched.G) {
			var gr sched.Group
			runtime.LockOSThread()
			for range 6_000 {
				gr.Go(g, func(*sched.G) { ended.Add(1) })
			}
			runtime.UnlockOSThread()
			gr.Wait(g)
		})
		if n := ended.Load(); n != 6_000 {
			t.Errorf("%d of 6000 members ran", n)
		}
	})
}
