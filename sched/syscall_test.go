package sched_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
	"numasched/sched/trace"
)

// With one P a G in a system call lets others run, and comes back.
func TestASystemCallGivesItsPAway(t *testing.T) {
	for _, arm := range policy.Arms {
		t.Run(arm.Name, func(t *testing.T) {
			s := start(t, arm.Name, "synthetic:1x1")
			run(t, s, func(g *sched.G) {
				var gr sched.Group
				called := make(chan bool)
				gr.Go(g, func(g *sched.G) { close(called) }) // comes last, as Wait takes the youngest
				for range 3 {
					gr.Go(g, func(g *sched.G) { g.Syscall(func() { <-called }) }) // as a read that waits
				}
				gr.Wait(g)
			})
			s.Quiesce()
			if st := s.Stats(); st.Syscalls != 3 || st.Retakes == 0 {
				t.Errorf("%d system calls and %d Ps retaken, want 3 and at least 1", st.Syscalls, st.Retakes)
			}
		})
	}
}

func TestAShortSystemCallKeepsItsP(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			n := 0
			for range 1000 {
				g.Syscall(func() { n++ })
			}
			if n != 1000 {
				t.Errorf("%d of 1000 calls were made", n)
			}
		})
	})
}

// Many Gs in calls of all lengths, with others that compute and talk.
func TestSystemCallsBesideEverythingElse(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		var calls atomic.Int64
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			var gr, talk sched.Group
			for i := range 40 {
				gr.Go(g, func(g *sched.G) {
					for k := range 10 {
						g.Syscall(func() { time.Sleep(time.Duration((i*k)%7) * 30 * time.Microsecond) })
						calls.Add(1)
						if k%3 == 0 {
							g.Yield()
						}
						c.Send(g, 1)
					}
				})
			}
			talk.Go(g, func(g *sched.G) {
				for range 400 {
					c.Recv(g)
				}
			})
			gr.Wait(g)
			talk.Wait(g)
		})
		if n := calls.Load(); n != 400 {
			t.Errorf("%d of 400 calls returned", n)
		}
	})
}

// A G in a system call is no deadlock, even if sysmon has taken its P. When it has
// returned, and blocks, there is one.
func TestASystemCallIsNoDeadlock(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		returned := false
		err := s.Run(func(g *sched.G) {
			g.Syscall(func() { time.Sleep(30 * time.Millisecond) })
			returned = true
			sched.NewChan[int](s, 0).Recv(g)
		})
		var de *sched.DeadlockError
		if !errors.As(err, &de) || !returned {
			t.Errorf("Run returned %v, the call has returned: %v; want a DeadlockError after it", err, returned)
		}
	})
}

func TestCloseWaitsForASystemCall(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		var deferred atomic.Bool
		started := make(chan bool)
		run(t, s, func(g *sched.G) {
			g.Go(func(g *sched.G) {
				p, err := g.Alloc(64)
				if err != nil {
					t.Error(err)
				}
				defer deferred.Store(true)
				defer g.Free(p)
				g.Syscall(func() {
					close(started)
					time.Sleep(20 * time.Millisecond)
				})
				for {
					g.Yield()
				}
			})
			g.Yield()
		})
		<-started
		closes(t, s)
		if !deferred.Load() {
			t.Error("Close returned before the G had ended")
		}
	})
}

func TestAPanicInASystemCallIsTheGs(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			func() {
				defer func() {
					if recover() != errBoom {
						t.Error("the panic did not come through the call")
					}
				}()
				g.Syscall(boom)
			}()
			g.Yield() // and the G has its P again
		})
	})
}

func TestTheFunctionOfASystemCallMayNotUseItsG(t *testing.T) {
	for name, use := range map[string]func(*sched.G){
		"Yield":   func(g *sched.G) { g.Yield() },
		"Go":      func(g *sched.G) { g.Go(func(*sched.G) {}) },
		"Syscall": func(g *sched.G) { g.Syscall(nil) },
		"Alloc":   func(g *sched.G) { g.Alloc(64) },
		"Free":    func(g *sched.G) { g.Free(nil) },
		"Recv":    func(g *sched.G) { sched.NewChan[int](g.Sched(), 0).Recv(g) },
	} {
		t.Run(name, func(t *testing.T) {
			panics(t, start(t, "numa", "synthetic:2x2"), "function of a Syscall", func(g *sched.G) {
				g.Syscall(func() { use(g) })
			})
		})
	}
}

// On a simulated machine calls take the time that they are said to take, and one CPU
// has several under way.
func TestSimulatedSystemCallsOverlap(t *testing.T) {
	s := simulated(t, "numa")
	var took int64
	run(t, s, func(g *sched.G) {
		begin := g.Nanotime()
		var gr sched.Group
		for range 8 * s.Procs() {
			gr.Go(g, func(g *sched.G) { g.SyscallFor(50*time.Millisecond, nil) })
		}
		gr.Wait(g)
		took = g.Nanotime() - begin
	})
	if took < 50e6 || took > 200e6 {
		t.Errorf("8 calls of 50 ms on each P took %d ns, want 50 to 200 ms", took)
	}
}

// reportedWait runs root on one P of this host. It returns what is reported of Gs that
// wait natively, and what Run returns once release has ended the wait.
func reportedWait(t *testing.T, root func(*sched.Sched, *sched.G), release func(*sched.Sched)) (report string, err error) {
	t.Helper()
	m := open(t, "synthetic:1x1")
	reports := make(chan string, 10)
	events := new(trace.Recorder)
	s, err := sched.New(sched.Config{Machine: m, Arm: policy.Arms[1], Report: func(text string) { reports <- text }, Events: events.Sink})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.SetStuckAfter(100 * time.Millisecond)
	ran := make(chan error)
	go func() { ran <- s.Run(func(g *sched.G) { root(s, g) }) }()
	select {
	case report = <-reports:
	case <-time.After(time.Minute):
		t.Error("nothing was reported in a minute")
	}
	release(s)
	err = <-ran
	s.Close()
	found := 0 // once at least: sysmon may find it again
	events.Merge(func(e *trace.Record) error {
		if e.Kind == machine.EventStuck {
			found++
			if e.Arg == 0 || e.P != 0 || e.G != 0 {
				t.Errorf("%v: want Gs that keep P0", e)
			}
		}
		return nil
	})
	if found == 0 {
		t.Error("no event says that Gs wait natively")
	}
	return report, err
}

// A native mutex that is held over Wait hangs. It is found and named.
func TestAGThatWaitsNativelyWhileOthersAreReadyIsReported(t *testing.T) {
	var mu sync.Mutex
	mu.Lock()
	report, err := reportedWait(t, func(_ *sched.Sched, g *sched.G) {
		var gr sched.Group
		gr.Go(g, func(*sched.G) {})
		mu.Lock() // nobody unlocks it but the test
		gr.Wait(g)
	}, func(*sched.Sched) { mu.Unlock() })
	if !strings.Contains(report, "sync.Mutex.Lock") || !strings.Contains(report, "syscall_test.go") {
		t.Errorf("the report is %q, want one with the mutex and the stack", report)
	}
	if err != nil {
		t.Error(err)
	}
}

// A G that calls the Run of another scheduler keeps its P meanwhile. It is found and named, too.
func TestAGThatCallsRunOfAnotherSchedulerIsReported(t *testing.T) {
	other, released := start(t, "flat", "synthetic:1x1"), make(chan bool)
	report, err := reportedWait(t, func(s *sched.Sched, g *sched.G) {
		g.Go(func(*sched.G) {})
		other.Run(func(g *sched.G) { g.Syscall(func() { <-released }) })
	}, func(*sched.Sched) { close(released) })
	if !strings.Contains(report, "sched.(*Sched).Run(") || !strings.Contains(report, "syscall_test.go") {
		t.Errorf("the report is %q, want one with the Run and the stack", report)
	}
	if err != nil {
		t.Error(err)
	}
}
