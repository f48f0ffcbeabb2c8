package sched_test

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/host/hosttest"
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// Goroutines run Gs themselves, many at a time. These spawn others, make system calls and wait for
// each other, so that others go on with them.
func TestDo(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		c := sched.NewChan[int](s, 0)
		var spawned atomic.Int32
		var all sync.WaitGroup
		const callers, rounds = 8, 20
		for i := range callers {
			all.Go(func() {
				for range rounds {
					returned := false
					err := s.Do(func(g *sched.G) {
						if sched.Current() != g {
							t.Error("Current is another G")
						}
						g.Go(func(*sched.G) { spawned.Add(1) })
						if i%2 == 0 {
							c.Send(g, i)
						} else {
							c.Recv(g)
						}
						g.Syscall(runtime.Gosched)
						g.Yield()
						returned = true
					})
					if err != nil || !returned {
						t.Errorf("Do returned %v; its function has returned: %v", err, returned)
					}
				}
			})
		}
		all.Wait()
		atRest(t, s)
		if got := spawned.Load(); got != callers*rounds {
			t.Errorf("%d Gs that were spawned have run, want %d", got, callers*rounds)
		}
	})
}

// While a P is idle, Do needs no M but the caller's guest, so that none is woken and none sleeps.
func TestDoWakesNobody(t *testing.T) {
	s := start(t, "numa", "synthetic:1x2")
	for range 100 {
		if err := s.Do(func(*sched.G) {}); err != nil {
			t.Fatal(err)
		}
	}
	if st := s.Stats(); st.Sleeps != 0 || st.Executed != 100 || st.Ms != 2 {
		t.Errorf("%d Gs were run by %d Ms, which slept %d times; want 100, by a guest beside sysmon", st.Executed, st.Ms, st.Sleeps)
	}
}

func TestDoAllocatesNothing(t *testing.T) {
	s := startOn(t, open(t, "synthetic:1x2"), "numa")
	fn := func(*sched.G) {}
	if n := testing.AllocsPerRun(1000, func() { s.Do(fn) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// A goroutine that is locked to its thread may not enter the stacks of Gs.
func TestDoOfALockedThread(t *testing.T) {
	s := start(t, "numa", "synthetic:1x2")
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ran := false
	if err := s.Do(func(g *sched.G) { g.Yield(); ran = true }); err != nil || !ran {
		t.Errorf("Do returned %v; its function has run: %v", err, ran)
	}
}

func TestDoOnASimulatedMachine(t *testing.T) {
	arm, _ := policy.ByName("numa")
	s := onSim(t, "synthetic:2x2", sched.Config{Arm: arm})
	ran := false
	if err := s.Do(func(g *sched.G) { ran = true }); err != nil || !ran {
		t.Errorf("Do returned %v; its function has run: %v", err, ran)
	}
}

// However the function of Do ends, Do says so, and only after its deferred functions.
func TestHowDoEnds(t *testing.T) {
	// blocked calls Do with a function that blocks, closes s meanwhile, and returns what Do has.
	blocked := func(s *sched.Sched, block func(g *sched.G)) error {
		begun, closed := make(chan struct{}), make(chan struct{})
		go func() {
			<-begun
			s.Close()
			close(closed)
		}()
		unwound := false
		err := s.Do(func(g *sched.G) {
			defer func() { unwound = true }()
			close(begun)
			block(g)
		})
		<-closed
		if !unwound {
			return errors.New("Do has returned before the deferred function")
		}
		return err
	}
	panicked := func(err error) bool {
		pe := (*sched.PanicError)(nil)
		return errors.As(err, &pe) && pe.Value == "oh"
	}
	is := func(want error) func(error) bool { return func(err error) bool { return err == want } }
	for _, c := range []struct {
		name string
		do   func(s *sched.Sched) error
		want func(error) bool
	}{
		{"goexit", func(s *sched.Sched) error { return s.Do(func(*sched.G) { runtime.Goexit() }) }, is(sched.ErrGoexit)},
		{"goexit later", func(s *sched.Sched) error { return s.Do(func(g *sched.G) { g.Yield(); runtime.Goexit() }) }, is(sched.ErrGoexit)},
		{"panic", func(s *sched.Sched) error { return s.Do(func(*sched.G) { panic("oh") }) }, panicked},
		{"panic later", func(s *sched.Sched) error { return s.Do(func(g *sched.G) { g.Yield(); panic("oh") }) }, panicked},
		{"after a panic", func(s *sched.Sched) error {
			s.Do(func(*sched.G) { panic("oh") })
			return s.Do(func(*sched.G) { t.Error("a G runs after the scheduler has stopped") })
		}, panicked},
		{"closed", func(s *sched.Sched) error {
			s.Close()
			return s.Do(func(*sched.G) { t.Error("a G runs after Close") })
		}, is(sched.ErrClosed)},
		{"closed meanwhile", func(s *sched.Sched) error {
			return blocked(s, func(g *sched.G) { sched.NewChan[int](s, 0).Recv(g) })
		}, is(sched.ErrClosed)},
		{"closed while it computes", func(s *sched.Sched) error {
			return blocked(s, func(g *sched.G) {
				for {
					g.Yield()
				}
			})
		}, is(sched.ErrClosed)},
	} {
		t.Run(c.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, s *sched.Sched) {
				if err := c.do(s); !c.want(err) {
					t.Errorf("Do returned %v", err)
				}
			})
		})
	}
}

// What Do has queued, and nobody has begun, is not begun after Close, and Do returns.
func TestDoThatNobodyBegins(t *testing.T) {
	s := start(t, "numa", "synthetic:1x1")
	var over atomic.Bool
	begun, did := make(chan struct{}), make(chan error, 2)
	go func() {
		did <- s.Do(func(g *sched.G) {
			close(begun)
			for !over.Load() { // and asks the scheduler for nothing
			}
			g.Yield()
		})
	}()
	<-begun
	go func() { did <- s.Do(func(*sched.G) { t.Error("a G begins after Close") }) }()
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	var errs []error
	for len(errs) < 1 { // the one that waits, since the other computes
		errs = append(errs, <-did)
	}
	over.Store(true)
	errs = append(errs, <-did)
	if err := <-closed; err != nil || slices.ContainsFunc(errs, func(err error) bool { return err != sched.ErrClosed }) {
		t.Errorf("Close returned %v, and the calls of Do %v", err, errs)
	}
}

func TestDoInAG(t *testing.T) {
	s := start(t, "numa", "synthetic:1x1")
	run(t, s, func(*sched.G) {
		defer func() {
			if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), "Do in a G") {
				t.Errorf("Do has panicked with %v", err)
			}
		}()
		s.Do(func(*sched.G) {})
	})
}

// A G that computes for long on the caller's thread gives way as others do.
func TestDoGivesWay(t *testing.T) {
	s := start(t, "numa", "synthetic:1x1")
	var other atomic.Bool
	err := s.Do(func(g *sched.G) {
		g.Go(func(*sched.G) { other.Store(true) })
		for end := time.Now().Add(time.Minute); !other.Load(); g.Preempt() {
			if time.Now().After(end) {
				t.Error("a G that waits for the only P has not run for a minute")
				return
			}
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// What a G of Do leaves on its P when it ends early is run by others, though every other P is busy
// and no Go starts anything.
func TestWhatDoLeavesBehindIsRun(t *testing.T) {
	s := start(t, "flat", "synthetic:1x2")
	for range 50 {
		var stolen, left, ran sync.WaitGroup
		stolen.Add(1)
		left.Add(1)
		ran.Add(4)
		var gr sched.Group
		err := s.Do(func(g *sched.G) {
			gr.Go(g, func(*sched.G) {
				stolen.Done()
				left.Wait()
			})
			stolen.Wait()
			for range 4 {
				gr.Go(g, func(*sched.G) { ran.Done() })
			}
			runtime.Goexit()
		})
		if err != sched.ErrGoexit {
			t.Fatalf("Do returned %v, want ErrGoexit", err)
		}
		done := make(chan bool)
		go func() { ran.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Error("members have not run")
		}
		left.Done()
		if t.Failed() {
			return
		}
	}
}

// Guests are no threads more: they take none from MaxMs.
func TestDoTakesNoM(t *testing.T) {
	m := open(t, "synthetic:1x1")
	arm, err := policy.ByName("flat")
	if err != nil {
		t.Fatal(err)
	}
	s, err := sched.New(sched.Config{Machine: m, Arm: arm, MaxMs: 2}) // one for the P and sysmon
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := s.Do(func(g *sched.G) { g.Yield() }); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A lookingMachine has somebody visit before each look of sysmon, instead of the time that passes,
// until sysmon has looked often enough, or sleeps without an end.
type lookingMachine struct {
	*hosttest.Machine
	visit chan chan struct{} // a visit is to come, and to close what this sends
	over  atomic.Bool        // and the channel is closed
	looks int
	slept bool
}

// Futexsleep implements [sched.Machine]. No M but sysmon comes here.
func (l *lookingMachine) Futexsleep(m *machine.M, w machine.Word, val uint32, ns int64) {
	if !l.over.Load() && m.Sleeping(w) {
		l.slept = ns < 0
		if !l.slept && l.looks < 5*policy.SleepLooks {
			l.looks++
			visited := make(chan struct{})
			l.visit <- visited
			<-visited
			return
		}
		l.over.Store(true)
		close(l.visit)
	}
	l.Machine.Futexsleep(m, w, val, ns)
}

// While guests come sysmon does not sleep until it is woken, though it finds every P idle at each
// look: the next guest would have to wake it.
func TestSysmonStaysAwakeWhileGuestsCome(t *testing.T) {
	m := &lookingMachine{Machine: open(t, "synthetic:1x2"), visit: make(chan chan struct{})}
	s := startOn(t, m, "numa")
	do := func() {
		if err := s.Do(func(*sched.G) {}); err != nil {
			t.Error(err)
		}
	}
	do() // which starts sysmon
	for visited := range m.visit {
		do()
		close(visited)
	}
	if m.slept {
		t.Errorf("sysmon sleeps after %d looks, with a visit before each", m.looks)
	}
}

// A turningMachine says that each caller is on the next of its CPUs.
type turningMachine struct {
	*hosttest.Machine
	cpu atomic.Uint32
}

// Getcpu implements [sched.Machine].
func (m *turningMachine) Getcpu(*machine.M) int { return int(m.cpu.Add(1) % 4) }

// Close comes while guests come and leave, at the doors of all CPUs. None is left behind, and none
// comes afterwards.
func TestCloseWhileGuestsCome(t *testing.T) {
	for range 50 {
		m := &turningMachine{Machine: open(t, "synthetic:2x2")}
		s := startOn(t, m, "numa")
		var closed atomic.Bool
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					err := s.Do(func(*sched.G) {
						if closed.Load() {
							t.Error("a guest has come after Close")
						}
					})
					if err != nil {
						if err != sched.ErrClosed {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		for s.Stats().Executed < 20 {
			runtime.Gosched()
		}
		s.Close()
		closed.Store(true)
		wg.Wait()
		if m.cpu.Load() < 20 {
			t.Fatalf("%d callers were asked for their CPU, want at least as many as came", m.cpu.Load())
		}
	}
}
