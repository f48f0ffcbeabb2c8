package sched_test

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"numasched/sched"
	"numasched/sched/host"
	"numasched/sched/policy"
	"numasched/topology"
)

// start makes a scheduler on this host that believes in the given topology
// ("" is the real one), with as many Ps as that allows, and closes it with the
// test.
func start(tb testing.TB, arm, topo string) *sched.Sched {
	tb.Helper()
	var cfg host.Config
	if topo != "" {
		t, err := topology.Load(topo)
		if err != nil {
			tb.Fatal(err)
		}
		cfg.Topology = t
	}
	m, err := host.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := m.Close(); err != nil {
			tb.Error(err)
		}
	})
	return startOn(tb, m, arm)
}

// startOn makes a scheduler on a machine, and closes it with the test.
func startOn(tb testing.TB, m sched.Machine, arm string) *sched.Sched {
	tb.Helper()
	a, err := policy.ByName(arm)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := sched.New(sched.Config{Machine: m, Arm: a})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

// everywhere runs a test under every arm, on this host and on pretended nodes.
func everywhere(t *testing.T, f func(t *testing.T, s *sched.Sched)) {
	for _, arm := range policy.Arms {
		for _, topo := range []string{"", "synthetic:2x2", "synthetic:3x1"} {
			t.Run(arm.Name+"/"+topo, func(t *testing.T) { f(t, start(t, arm.Name, topo)) })
		}
	}
}

func run(t *testing.T, s *sched.Sched, fn func(*sched.G)) {
	t.Helper()
	if err := s.Run(fn); err != nil {
		t.Fatal(err)
	}
}

func fib(g *sched.G, arg sched.Arg) int {
	if arg.A < 2 {
		return arg.A
	}
	c := g.Fork(fib, sched.Arg{A: arg.A - 1})
	y := fib(g, sched.Arg{A: arg.A - 2})
	return g.Join(c) + y
}

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
			for range 20_000 {
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

func TestUnbufferedChanPassesInOrder(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			var gr sched.Group
			gr.Go(g, func(g *sched.G) {
				for i := range 500 {
					c.Send(g, i)
				}
				c.Close(g)
			})
			for want := 0; ; want++ {
				v, ok := c.Recv(g)
				if !ok {
					if want != 500 {
						t.Errorf("closed after %d values", want)
					}
					break
				}
				if v != want {
					t.Errorf("received %d, want %d", v, want)
				}
			}
			gr.Wait(g)
		})
	})
}

func TestBufferedChanLosesNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		const senders, each = 5, 200
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[int](s, 3)
			var send, recv sched.Group
			for i := range senders {
				send.Go(g, func(g *sched.G) {
					for k := range each {
						c.Send(g, i*each+k)
					}
				})
			}
			var seen [senders * each]atomic.Int32
			for range 4 {
				recv.Go(g, func(g *sched.G) {
					for v, ok := c.Recv(g); ok; v, ok = c.Recv(g) {
						seen[v].Add(1)
					}
				})
			}
			send.Wait(g)
			c.Close(g)
			recv.Wait(g)
			for v := range seen {
				if n := seen[v].Load(); n != 1 {
					t.Errorf("%d was received %d times", v, n)
				}
			}
		})
	})
}

func TestYieldLetsOthersRun(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			var flag atomic.Bool
			g.Go(func(*sched.G) { flag.Store(true) })
			for !flag.Load() {
				g.Yield()
			}
		})
	})
}

// boom is named so that a stack can be recognised.
func boom() { panic(errBoom) }

var errBoom = errors.New("boom")

func TestPanicStopsTheSchedulerAndIsReportedWithItsStack(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		err := s.Run(func(g *sched.G) {
			var gr sched.Group
			gr.Go(g, func(g *sched.G) { g.Yield(); boom() })
			gr.Wait(g)
			t.Error("Wait returned although a member panicked")
		})
		var pe *sched.PanicError
		if !errors.As(err, &pe) || !errors.Is(err, errBoom) {
			t.Fatalf("Run returned %v, want a PanicError with boom", err)
		}
		if !strings.Contains(string(pe.Stack), "sched_test.boom") {
			t.Errorf("stack does not show boom:\n%s", pe.Stack)
		}
		if err := s.Run(func(*sched.G) {}); err == nil {
			t.Error("the scheduler runs on after a panic")
		}
		if err := s.Close(); !errors.As(err, &pe) {
			t.Errorf("Close returned %v, want the PanicError", err)
		}
	})
}

func TestAPanicCanBeRecoveredInItsOwnG(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			got := g.Join(g.Fork(func(g *sched.G, _ sched.Arg) (n int) {
				defer func() {
					if recover() != nil {
						n = 7
					}
				}()
				boom()
				return 0
			}, sched.Arg{}))
			if got != 7 {
				t.Errorf("Join returned %d, want 7", got)
			}
		})
	})
}

// As with goroutines, a parent cannot recover its child's panic, even if the
// child happens to run on the parent's stack.
func TestAChildsPanicIsNotTheParents(t *testing.T) {
	s := start(t, "flat", "synthetic:1x1")
	recovered := false
	err := s.Run(func(g *sched.G) {
		defer func() {
			if r := recover(); r == errBoom {
				recovered = true
			}
		}()
		g.Join(g.Fork(func(*sched.G, sched.Arg) int { boom(); return 0 }, sched.Arg{}))
	})
	if !errors.Is(err, errBoom) || recovered {
		t.Errorf("Run returned %v, parent recovered: %v", err, recovered)
	}
}

func TestGoexitIsAnError(t *testing.T) {
	s := start(t, "flat", "synthetic:1x1")
	err := s.Run(func(*sched.G) { runtime.Goexit() })
	if err == nil || !strings.Contains(err.Error(), "Goexit") {
		t.Errorf("Run returned %v, want an error that names Goexit", err)
	}
}

func TestDeadlockIsReported(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		err := s.Run(func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			for range 5 {
				g.Go(func(g *sched.G) { c.Recv(g) })
			}
			c.Recv(g)
		})
		var de *sched.DeadlockError
		if !errors.As(err, &de) {
			t.Fatalf("Run returned %v, want a DeadlockError", err)
		}
	})
}

// A G that is blocked for ever is no deadlock while the root can run.
func TestABlockedGAloneIsNoDeadlock(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		for range 20 {
			run(t, s, func(g *sched.G) {
				c := sched.NewChan[int](s, 0)
				g.Go(func(g *sched.G) { c.Recv(g) })
				g.Yield()
			})
		}
	})
}

func TestCloseCancelsWhatIsBlockedAndRunsItsDefers(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		var started, deferred atomic.Int32
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			for range 10 {
				g.Go(func(g *sched.G) {
					defer deferred.Add(1)
					started.Add(1)
					c.Recv(g)
					t.Error("a cancelled Recv returned")
				})
			}
			for started.Load() < 10 {
				g.Yield()
			}
		})
		s.Quiesce() // until they are blocked
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if n := deferred.Load(); n != 10 {
			t.Errorf("%d of 10 blocked Gs ran their deferred functions", n)
		}
		if err := s.Run(func(*sched.G) {}); err != sched.ErrClosed {
			t.Errorf("Run after Close returned %v", err)
		}
	})
}

// What a G frees when it is cancelled, and what caches kept, is there for the next
// scheduler of the machine.
func TestObjectsComeBackWhenTheSchedulerCloses(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		var freed atomic.Int64 // Gs that have not blocked when Close comes are cancelled where they run
		run(t, s, func(g *sched.G) {
			ready, never := sched.NewChan[int](s, 0), sched.NewChan[int](s, 0)
			for range 3 {
				g.Go(func(g *sched.G) {
					p, err := g.Alloc(64)
					if err != nil {
						t.Error(err)
					}
					defer func() {
						g.Free(p)
						freed.Add(1)
					}()
					ready.Send(g, 0)
					never.Recv(g)
				})
			}
			for range 3 {
				ready.Recv(g)
			}
		})
		if err := s.Close(); err != nil || freed.Load() != 3 {
			t.Errorf("Close: %v, and %d of 3 blocked Gs have freed what they had", err, freed.Load())
		}
	})
}

func TestCloseLeaksNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		s := start(t, "numa", "synthetic:2x2")
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			var gr sched.Group
			for range 20 {
				gr.Go(g, func(g *sched.G) { g.Yield() })
				g.Go(func(g *sched.G) { c.Recv(g) })
			}
			gr.Wait(g)
		})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// The threads' goroutines end just after their Ms.
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		}
		time.Sleep(time.Millisecond)
	}
}

func TestRunsMayOverlap(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					if err := s.Run(func(g *sched.G) { fib(g, sched.Arg{A: 8}) }); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	})
}

// Work put on one node spreads to the others: nobody idles while there is work.
func TestWorkIsConservedAcrossNodes(t *testing.T) {
	for _, arm := range []string{"flat", "numa", "numa-near", "numa-home", "numa-wrongmap"} {
		t.Run(arm, func(t *testing.T) {
			s := start(t, arm, "synthetic:2x1")
			run(t, s, func(g *sched.G) {
				// Two Gs that each wait for the other to run at the same time: that
				// ends only if another P takes one.
				var met atomic.Int32
				var gr sched.Group
				for range 2 {
					gr.Go(g, func(*sched.G) {
						met.Add(1)
						for met.Load() < 2 {
							runtime.Gosched()
						}
					})
				}
				gr.Wait(g)
			})
		})
	}
}

// A G that blocks comes back on the node that it is at home on.
func TestAGIsWokenAtHome(t *testing.T) {
	s := start(t, "numa", "synthetic:2x2")
	run(t, s, func(g *sched.G) {
		for i := range 2 {
			home := i
			c := sched.NewChan[int](s, 0)
			var gr sched.Group
			gr.GoAt(g, sched.OnNode(home), func(g *sched.G) {
				for range 5 { // fewer than policy.FollowAfter
					c.Recv(g)
				}
			})
			for i := range 5 {
				c.Send(g, i)
			}
			gr.Wait(g)
		}
	})
	s.Quiesce()
	st := s.Stats()
	if st.HomeRuns <= st.AwayRuns {
		t.Errorf("%d runs at home, %d away", st.HomeRuns, st.AwayRuns)
	}
}

func TestAConfigWithoutAMachineOrAnArmIsRefused(t *testing.T) {
	m, err := host.New(host.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, c := range []struct {
		cfg  sched.Config
		want string
	}{
		{sched.Config{Arm: policy.Arms[1]}, "Config.Machine is nil"},
		{sched.Config{Machine: m}, "Config.Arm has no name"},
	} {
		if _, err := sched.New(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New: %v, want an error with %q", err, c.want)
		}
	}
}

func TestImpossibleProcsAreRefused(t *testing.T) {
	topo, err := topology.Load("synthetic:2x2")
	if err != nil {
		t.Fatal(err)
	}
	m, err := host.New(host.Config{Topology: topo})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, procs := range []int{-1, 5} {
		_, err := sched.New(sched.Config{Machine: m, Arm: policy.Arms[1], Procs: procs})
		if err == nil || !strings.Contains(err.Error(), "want 1 to 4") {
			t.Errorf("%d procs: error %v, want one that says 1 to 4", procs, err)
		}
	}
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

// What one G allocates, another may free, on whatever node it runs.
func TestMemoryMayBeFreedOnAnotherNode(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[*[8]int](s, 16)
			var gr sched.Group
			for range 2 {
				gr.Go(g, func(g *sched.G) {
					for v, ok := c.Recv(g); ok; v, ok = c.Recv(g) {
						for _, w := range v {
							if w != v[0] {
								t.Errorf("memory changed in transit: %v", *v)
							}
						}
						g.Free(unsafe.Pointer(v))
					}
				})
			}
			for i := range 2000 {
				p, err := g.Alloc(64)
				if err != nil {
					t.Fatal(err)
				}
				v := (*[8]int)(p)
				for k := range v {
					v[k] = i
				}
				c.Send(g, v)
			}
			c.Close(g)
			gr.Wait(g)
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

// Close may come while Gs yield and block: each M ends where it next looks.
func TestCloseWhileGsYield(t *testing.T) {
	for _, arm := range []string{"gm", "flat", "numa"} {
		for range 100 {
			s := start(t, arm, "synthetic:2x3")
			for range 5 {
				run(t, s, func(g *sched.G) {
					g.Go(func(g *sched.G) {
						for {
							g.Yield()
						}
					})
				})
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A home on a node that no P was mapped to is as good as none.
func TestAHomeWithoutPs(t *testing.T) {
	topo, err := topology.Load("synthetic:2x4")
	if err != nil {
		t.Fatal(err)
	}
	m, err := host.New(host.Config{Topology: topo})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	arm, _ := policy.ByName("numa")
	s, err := sched.New(sched.Config{Machine: m, Arm: arm, Procs: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	run(t, s, func(g *sched.G) {
		c := sched.NewChan[int](s, 0)
		var gr sched.Group
		for id := range 2 {
			gr.GoAt(g, sched.OnNode(id), func(g *sched.G) {
				c.Recv(g)
				g.Yield()
			})
			c.Send(g, id)
		}
		gr.Wait(g)
	})
}

// A node that does not exist, or has no CPUs, is not an error of the G that was
// sent there, but neither is it silent.
func TestAGThatIsSentToANodeWithoutCPUsRunsAndLeavesAWarning(t *testing.T) {
	topo, err := topology.Load("../topology/testdata/virtual/cpuless.tar.gz") // node 2 has no CPUs
	if err != nil {
		t.Fatal(err)
	}
	m, err := host.New(host.Config{Topology: topo})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, arm := range policy.Arms {
		s, err := sched.New(sched.Config{Machine: m, Arm: arm})
		if err != nil {
			t.Fatal(err)
		}
		ran := 0
		run(t, s, func(g *sched.G) {
			for _, id := range []int{1, 2, 9, 9} {
				var gr sched.Group
				gr.GoAt(g, sched.OnNode(id), func(g *sched.G) { ran++ })
				gr.Wait(g)
			}
		})
		want := []string{"node 2 run elsewhere: it has no CPUs", "node 9 run elsewhere: the machine has no such node"}
		got := s.Warnings()
		ok := ran == 4 && len(got) == len(want)
		for i := range got {
			ok = ok && strings.Contains(got[i], want[i]) && strings.Contains(got[i], "send them to one of [0 1]")
		}
		if !ok {
			t.Errorf("%s: %d of 4 Gs ran; warnings %q, want %q", arm.Name, ran, got, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
