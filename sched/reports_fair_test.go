package sched_test

// What users of other schedulers have reported about fairness: somebody starved, or waited
// for too long. Each is a program for this one, under every arm.

import (
	"sync/atomic"
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/policy"
)

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
	under(t, everyArm(), func(t *testing.T, s *sched.Sched) { run(t, s, root(func(*sched.G) {})) })
	for _, arm := range everyArm() {
		// The slices are over after two turns.
		s := onSim(t, "synthetic:1x1", sched.Config{Arm: arm})
		run(t, s, root(func(g *sched.G) { compute(g, 7*time.Millisecond) }))
		run(t, s, func(g *sched.G) {
			if now := g.Nanotime(); now > 300e6 {
				t.Errorf("%s: an older G waited for %d ns of virtual time", arm.Name, now)
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
	for _, arm := range everyArm() {
		run(t, start(t, arm.Name, "synthetic:1x1"), pair(func(*sched.G) {}))
		s := onSim(t, "synthetic:1x1", sched.Config{Arm: arm})
		run(t, s, pair(func(g *sched.G) { compute(g, 3*time.Millisecond) }))
		run(t, s, func(g *sched.G) {
			if now := g.Nanotime(); now > 60e6 {
				t.Errorf("%s: the third waited for %d ns of virtual time", arm.Name, now)
			}
		})
	}
}

// Gs that spin on a counter do not keep the one from its CPU that counts and yields:
// golang/go#13546.
func TestSpinnersOnACounterWhileOneYields(t *testing.T) {
	under(t, everyArm(), func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			const last = 2
			var n atomic.Int32
			var gr sched.Group
			gr.Go(g, func(g *sched.G) {
				for range last {
					n.Add(1)
					g.Yield()
				}
			})
			for range s.Procs() + 1 {
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
	for _, arm := range everyArm() {
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
	under(t, everyArm(), func(t *testing.T, s *sched.Sched) {
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
	for _, arm := range everyArm() {
		if !arm.Local {
			continue
		}
		s := onSim(t, "synthetic:1x4", sched.Config{Arm: arm})
		n := int64(2_000)
		if longTests() {
			n = 10_000
		}
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

// Gs that sleep for 30 ns again and again must not keep a busy G from getting on:
// golang/go#73964. It yields, or it computes.
func TestShortSleepersDoNotStarveABusyG(t *testing.T) {
	const sleepers, much = 2, 1_000_000
	beside := func(g *sched.G, busy func()) (slept [sleepers]int) { // how often they slept meanwhile
		var done atomic.Bool
		var gr sched.Group
		for i := range slept {
			gr.Go(g, func(g *sched.G) {
				for !done.Load() && slept[i] < much {
					g.Sleep(30)
					slept[i]++
				}
			})
		}
		g.Yield()
		busy()
		done.Store(true)
		gr.Wait(g)
		return slept
	}
	for _, arm := range timelyArms() {
		for _, procs := range []int{1, 6} {
			run(t, onSim(t, "", sched.Config{Arm: arm, Procs: procs}), func(g *sched.G) {
				const yields = 500
				for _, n := range beside(g, func() {
					for range yields {
						g.Yield()
					}
				}) {
					if n > 100*yields {
						t.Errorf("%s, %d Ps: a sleeper woke %d times while another yielded %d times", arm.Name, procs, n, yields)
					}
				}
				if procs > 1 {
					return // it has a P of its own
				}
				work := func() int64 {
					begin := g.Nanotime()
					for range 20 {
						compute(g, time.Millisecond)
					}
					return g.Nanotime() - begin
				}
				alone := work()
				var took int64
				beside(g, func() { took = work() })
				if took > 2*alone {
					t.Errorf("%s, %d Ps: work of %d ns took %d ns beside sleepers", arm.Name, procs, alone, took)
				}
			})
		}
		run(t, start(t, arm.Name, "synthetic:1x1"), func(g *sched.G) {
			if slept := beside(g, func() {
				for range 1000 {
					g.Preempt()
				}
			}); slept[0] == much || slept[1] == much {
				t.Errorf("%s: the sleepers woke %v times before a loop on the same P had ended", arm.Name, slept)
			}
		})
	}
}

// Timers are run on time while the queue is never empty: golang/go#38860. Between the time
// of a timer and the G that receives from it the others have a bounded number of turns. If
// timers were run when there is nothing else to run, that would be never.
func TestTimersAreOnTimeWhileTheQueueIsNeverEmpty(t *testing.T) {
	for _, arm := range timelyArms() {
		for _, procs := range []int{1, 6} {
			run(t, onSim(t, "", sched.Config{Arm: arm, Procs: procs}), func(g *sched.G) {
				var due int64   // of the timer; 0: none
				var turns []int // since then, of each
				done := false
				turn := func(g *sched.G, i int) {
					if due != 0 && g.Nanotime() >= due {
						turns[i]++
					}
					if turns[i] > 10_000 {
						done = true // it is never received: the test must end
					}
				}
				var gr sched.Group
				for range 2 * procs {
					there, back := sched.NewChan[int](g.Sched(), 0), sched.NewChan[int](g.Sched(), 0)
					i := len(turns)
					turns = append(turns, 0, 0)
					gr.Go(g, func(g *sched.G) {
						for !done {
							turn(g, i)
							g.Yield()
						}
					})
					gr.Go(g, func(g *sched.G) {
						for !done {
							turn(g, i+1)
							there.Send(g, 1)
							back.Recv(g)
						}
						there.Close(g)
					})
					gr.Go(g, func(g *sched.G) {
						for _, ok := there.Recv(g); ok; _, ok = there.Recv(g) {
							back.Send(g, 1)
						}
					})
				}
				for range 8 {
					const d = 100_000
					clear(turns)
					before := g.Nanotime()
					timer := g.NewTimer(d)
					after := g.Nanotime()
					due = after + d
					at, _ := timer.C.Recv(g)
					due = 0
					most := 0
					for _, n := range turns {
						most = max(most, n)
					}
					if most > timerTurns {
						t.Errorf("%s, %d Ps: a G had %d turns between the time of a timer and the G that received from it, want %d at most", arm.Name, procs, most, timerTurns)
					}
					if at < before+d || at > after+d {
						t.Errorf("%s, %d Ps: a timer made between %d and %d says that %d ns later is %d", arm.Name, procs, before, after, d, at)
					}
				}
				done = true
				gr.Wait(g)
			})
		}
	}
}

// timerTurns is how often another G may run before one whose time has come. If that is pushed
// out of runnext, it waits in a ring, which pairs that talk leave alone but for one turn in
// 61. A few others may be before it.
const timerTurns = 10 * policy.FairTicks
