package sched_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/internal/inspect"
	"numasched/sched/policy"
)

// atRest waits until s is quiescent, and checks that all is as it should be then. Ms of a
// simulated machine may be about to sleep for ever, since nothing happens there any more.
func atRest(t *testing.T, s *sched.Sched) {
	t.Helper()
	s.Quiesce()
	if strings.HasSuffix(t.Name(), "simulated") || raceDetector {
		return // the look takes no locks
	}
	var err error
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if err = inspect.Of(s).CheckQuiet(); err == nil { // Ms may be about to sleep
			return
		}
	}
	t.Error(err)
}

// setProcs fails the test if SetProcs does.
func setProcs(t *testing.T, s *sched.Sched, g *sched.G, n int) {
	t.Helper()
	if err := s.SetProcs(g, n); err != nil {
		t.Error(err)
	}
	if got := s.Procs(); g == nil && got != n {
		t.Errorf("%d Ps after SetProcs(%d)", got, n)
	}
}

// everywhereAndSimulated is everywhere, and on simulated machines, too.
func everywhereAndSimulated(t *testing.T, f func(t *testing.T, s *sched.Sched)) {
	everywhere(t, f)
	for _, arm := range armsFor(t) {
		t.Run(arm.Name+"/simulated", func(t *testing.T) {
			f(t, onSim(t, "synthetic:2x2", sched.Config{Arm: arm}))
		})
	}
}

// mostProcs returns how many Ps s may have: a new scheduler has as many.
func mostProcs(s *sched.Sched) int { return s.Procs() }

// fewestProcs returns how many Ps s must have.
func fewestProcs(s *sched.Sched) int {
	least := 1
	if s.Arm().Closed {
		nodes := map[int]bool{}
		for p := range s.Procs() {
			if id := s.NodeOfP(p); !nodes[id] {
				nodes[id], least = true, p+1
			}
		}
	}
	return least
}

// What runs goes on, whatever the number of Ps becomes meanwhile, and all is counted.
func TestProcsChangeWhileGsRun(t *testing.T) {
	everywhereAndSimulated(t, func(t *testing.T, s *sched.Sched) {
		least, most := fewestProcs(s), mostProcs(s)
		var ended atomic.Int64
		const outer, inner = 20, 30
		run(t, s, func(g *sched.G) {
			var gr sched.Group
			for i := range outer {
				gr.Go(g, func(g *sched.G) {
					setProcs(t, s, g, least+i%(most-least+1))
					c := sched.NewChan[int](s, 0)
					for range inner {
						g.Go(func(g *sched.G) {
							g.Yield()
							c.Send(g, fib(g, sched.Arg{A: 5}))
							ended.Add(1)
						})
					}
					g.Sleep(time.Microsecond)
					for range inner {
						if v, _ := c.Recv(g); v != 5 {
							t.Errorf("received %d, want 5", v)
						}
					}
				})
			}
			gr.Wait(g)
		})
		atRest(t, s)
		if n := ended.Load(); n != outer*inner {
			t.Errorf("%d Gs have ended, want %d", n, outer*inner)
		}
		st := s.Stats()
		// Gs that Run starts are not spawned by a P.
		if want := st.Spawned + 1; st.Executed+st.Inlined != want {
			t.Errorf("%d Gs were executed and %d inlined, want %d together", st.Executed, st.Inlined, want)
		}
		var nodes sched.Stats
		for _, n := range s.NodeStats() {
			nodes.Executed += n.Executed
		}
		if nodes.Executed != st.Executed {
			t.Errorf("the nodes have executed %d Gs, all together %d", nodes.Executed, st.Executed)
		}
		setProcs(t, s, nil, most)
		atRest(t, s)
	})
}

// Once the Ps that go have gone, no more Gs run at a time than there are Ps. And when Ps come
// back, they are used.
func TestAsManyGsRunAsThereArePs(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		least, most := fewestProcs(s), mostProcs(s)
		for _, n := range []int{most, least, most, max(least, most/2), most} {
			setProcs(t, s, nil, n)
			var now, peak atomic.Int64
			run(t, s, func(g *sched.G) {
				var gr sched.Group
				for range 4 * most {
					gr.Go(g, func(g *sched.G) {
						peak.Store(max(peak.Load(), now.Add(1)))
						runtime.Gosched()
						now.Add(-1)
						g.Yield()
					})
				}
				gr.Wait(g)
				if n == most && !s.Arm().Closed { // as many Gs as Ps wait for each other, natively
					var met atomic.Int64
					for range n {
						gr.Go(g, func(g *sched.G) {
							for met.Add(1); int(met.Load()) < n; {
								runtime.Gosched()
								g.Preempt() // others see what it has forked
							}
						})
					}
					gr.Wait(g)
				}
			})
			if got := int(peak.Load()); got > n {
				t.Errorf("%d Gs have run at a time on %d Ps", got, n)
			}
			atRest(t, s)
		}
	})
}

func TestSetProcsIsRefused(t *testing.T) {
	everywhereAndSimulated(t, func(t *testing.T, s *sched.Sched) {
		least, most := fewestProcs(s), mostProcs(s)
		for _, n := range []int{least - 1, -1, most + 1, 1 << 20} {
			want := fmt.Sprintf("sched: SetProcs(%d): want %d to %d, the CPUs that ", n, least, most)
			if least > 1 {
				want = fmt.Sprintf("sched: SetProcs(%d): want %d to %d: at least %d because under the arm %s each node that has had Ps keeps one, and at most the CPUs that ",
					n, least, most, least, s.Arm().Name)
			}
			if err := s.SetProcs(nil, n); err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		}
		run(t, s, func(g *sched.G) {
			if err := s.SetProcs(g, 0); err == nil {
				t.Error("a G may have no P at all")
			}
		})
		closes(t, s)
		if err := s.SetProcs(nil, most); err != sched.ErrClosed {
			t.Errorf("after Close: %v, want ErrClosed", err)
		}
	})
}

func TestSetProcsWantsMsEnough(t *testing.T) {
	arm, _ := policy.ByName("numa")
	s, err := sched.New(sched.Config{Machine: open(t, "synthetic:2x2"), Arm: arm, Procs: 2, MaxMs: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	setProcs(t, s, nil, 3)
	if err := s.SetProcs(nil, 4); err == nil || !strings.Contains(err.Error(), "SetProcs(4): want at most 3, because Config.MaxMs is 4") {
		t.Error(err)
	}
}

func TestSetProcsSaysWhyTheSchedulerHasStopped(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		s.Run(func(*sched.G) { panic(errPlanned) })
		if err := s.SetProcs(nil, s.Procs()); !errors.Is(err, errPlanned) {
			t.Errorf("%v, want the panic", err)
		}
	})
}

var errPlanned = errors.New("as planned")

func TestSetProcsOfAnotherScheduler(t *testing.T) {
	a, b := start(t, "numa", "synthetic:2x2"), start(t, "numa", "synthetic:2x2")
	panics(t, a, "SetProcs of another scheduler", func(g *sched.G) { b.SetProcs(g, 1) })
}

// Timers, of Gs that sleep, come when the P that they were on has gone.
func TestTimersOutliveTheirP(t *testing.T) {
	everywhereAndSimulated(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			var gr sched.Group
			var begun, woken atomic.Int64
			const sleepers = 20
			for range sleepers {
				gr.Go(g, func(g *sched.G) {
					begun.Add(1)
					g.Sleep(2 * time.Millisecond)
					woken.Add(1)
				})
			}
			for begun.Load() < sleepers {
				g.Yield()
			}
			most := mostProcs(s)
			setProcs(t, s, g, fewestProcs(s))
			timer := g.NewTimer(time.Hour)
			gr.Wait(g)
			setProcs(t, s, g, most)
			if !timer.Stop(g) || woken.Load() != sleepers {
				t.Errorf("%d of %d have woken", woken.Load(), sleepers)
			}
		})
		atRest(t, s)
	})
}

// A P that was left in a system call goes at once, and the call returns to another.
func TestPsGoWhileGsAreInSystemCalls(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		least, most := fewestProcs(s), mostProcs(s)
		calls := make(chan bool)
		var in sync.WaitGroup
		in.Add(most)
		ended := make(chan error)
		go func() {
			ended <- s.Run(func(g *sched.G) {
				var gr sched.Group
				for range most {
					gr.Go(g, func(g *sched.G) {
						g.Syscall(func() {
							in.Done()
							<-calls
						})
						g.Yield()
					})
				}
				gr.Wait(g)
			})
		}()
		in.Wait()
		setProcs(t, s, nil, least)
		run(t, s, func(g *sched.G) { g.Yield() })
		setProcs(t, s, nil, most)
		setProcs(t, s, nil, least)
		close(calls)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		atRest(t, s)
		if got := s.Procs(); got != least {
			t.Errorf("%d Ps, want %d", got, least)
		}
	})
}

// Gs with a thread of their own go on when the P that they have goes.
func TestProcsChangeUnderLockedGs(t *testing.T) {
	everywhereAndSimulated(t, func(t *testing.T, s *sched.Sched) {
		least, most := fewestProcs(s), mostProcs(s)
		run(t, s, func(g *sched.G) {
			there, back := sched.NewChan[int](s, 0), sched.NewChan[int](s, 0)
			g.GoLocked(func(g *sched.G) {
				for {
					v, ok := there.Recv(g)
					if !ok {
						break
					}
					setProcs(t, s, g, least+v%(most-least+1))
					back.Send(g, v)
				}
				back.Close(g)
			})
			for i := range 30 {
				there.Send(g, i)
				if v, _ := back.Recv(g); v != i {
					t.Errorf("received %d, want %d", v, i)
				}
			}
			there.Close(g)
			back.Recv(g)
		})
		atRest(t, s)
	})
}

// A G that is locked to its thread by runtime.LockOSThread cannot leave its P.
func TestSetProcsOnALockedThread(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			runtime.LockOSThread()
			setProcs(t, s, g, fewestProcs(s))
			runtime.UnlockOSThread()
		})
		atRest(t, s)
	})
}

func TestProcsChangeDuringClose(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		least, most := fewestProcs(s), mostProcs(s)
		stop := make(chan bool)
		var changing sync.WaitGroup
		for range 2 {
			changing.Go(func() {
				r := rand.New(rand.NewPCG(1, 2))
				for {
					select {
					case <-stop:
						return
					default:
					}
					if err := s.SetProcs(nil, least+r.IntN(most-least+1)); err != nil && err != sched.ErrClosed {
						t.Error(err)
					}
				}
			})
		}
		run(t, s, func(g *sched.G) {
			for range 50 {
				g.Go(func(g *sched.G) {
					for {
						g.Yield()
						s.SetProcs(g, most)
					}
				})
			}
			for range 20 {
				g.Yield()
			}
		})
		closes(t, s)
		close(stop)
		changing.Wait()
	})
}

// Nodes that had no P get one, and what is sent there runs there.
func TestPsComeToNodesThatHadNone(t *testing.T) {
	for _, arm := range policy.Arms {
		if arm.Closed || arm.Confine {
			continue // the Ps do not go, or do not come
		}
		t.Run(arm.Name+"/simulated", func(t *testing.T) {
			s := onSim(t, "synthetic:4x2", sched.Config{Arm: arm, Procs: 1})
			buf, err := s.NewBuffer(64<<10, sched.Default)
			if err != nil {
				t.Fatal(err)
			}
			w := sched.Work{Ops: 100_000, Reads: []sched.Span{{Buf: buf, Len: 64 << 10}}}
			run(t, s, func(g *sched.G) {
				for _, n := range []int{8, 1, 3, 8} {
					setProcs(t, s, g, n)
					var gr sched.Group
					for node := range 4 {
						gr.GoAt(g, sched.OnNode(node), func(g *sched.G) {
							g.Work(w, nil)
							g.Yield()
							if arm.Name == "numa" && n == 8 && g.Node() != node {
								t.Errorf("a G of node %d runs on node %d", node, g.Node())
							}
						})
					}
					gr.Wait(g)
				}
			})
			atRest(t, s)
			if len(s.NodeIDs()) != 4 || len(s.NodeStats()) != 4 {
				t.Errorf("nodes %v, statistics of %d", s.NodeIDs(), len(s.NodeStats()))
			}
		})
	}
}

// A deadlock is found with Ps that have gone, and only then.
func TestADeadlockIsFoundWhenPsHaveGone(t *testing.T) {
	everywhereAndSimulated(t, func(t *testing.T, s *sched.Sched) {
		var dl *sched.DeadlockError
		err := s.Run(func(g *sched.G) {
			setProcs(t, s, g, fewestProcs(s))
			g.Sleep(time.Millisecond)
			sched.NewChan[int](s, 0).Recv(g)
		})
		if !errors.As(err, &dl) {
			t.Errorf("%v, want a DeadlockError", err)
		}
	})
}

// What a simulated machine does is the same every time, with changes of Procs, too.
func TestSimulatedProcsAreTheSameEveryTime(t *testing.T) {
	arm, _ := policy.ByName("numa")
	once := func() (sched.Stats, int64) {
		s := onSim(t, "synthetic:2x4", sched.Config{Arm: arm, Seed: 7})
		var end int64
		run(t, s, func(g *sched.G) {
			var gr sched.Group
			for i := range 200 {
				gr.Go(g, func(g *sched.G) {
					g.Work(sched.Work{Ops: 50_000}, nil)
					s.SetProcs(g, 1+i*7%8)
					g.Sleep(10 * time.Microsecond)
				})
			}
			gr.Wait(g)
			end = g.Nanotime()
		})
		s.Quiesce()
		return s.Stats(), end
	}
	first, end := once()
	if again, endAgain := once(); again != first || endAgain != end {
		t.Errorf("%+v at %d, and then %+v at %d", first, end, again, endAgain)
	}
}
