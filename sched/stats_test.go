package sched_test

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"numasched/sched"
)

// A server has a G that lives for ever, and metrics all the same.
func TestStatsReturnsWhileAGLivesForEver(t *testing.T) {
	for _, arm := range []string{"gm", "flat", "numa"} {
		for name, live := range map[string]func(*sched.G){
			"yielding": func(g *sched.G) { g.Yield() },
			"forking": func(g *sched.G) {
				var gr sched.Group
				gr.Go(g, func(*sched.G) {})
				gr.Wait(g)
			},
		} {
			t.Run(arm+"/"+name, func(t *testing.T) {
				s := start(t, arm, "synthetic:1x2")
				var end atomic.Bool
				lived := make(chan error)
				go func() {
					lived <- s.Run(func(g *sched.G) {
						for !end.Load() {
							live(g)
						}
					})
				}()
				var last sched.Stats
				for range 3 {
					run(t, s, func(g *sched.G) { g.Join(g.Fork(func(*sched.G, sched.Arg) int { return 0 }, sched.Arg{})) })
					st := s.Stats()
					if st.Spawned < last.Spawned || st.Executed < last.Executed {
						t.Errorf("counts went back from %+v to %+v", last, st)
					}
					last = st
				}
				end.Store(true)
				if err := <-lived; err != nil {
					t.Error(err)
				}
				s.Quiesce()
				if st := s.Stats(); st.Spawned < 3 || st.Executed < 4 {
					t.Errorf("in the end %d Gs spawned and %d executed, want at least 3 and 4", st.Spawned, st.Executed)
				}
			})
		}
	}
}

// A G that blocks its P natively cannot be asked. What it has counted comes later.
func TestStatsReturnsWhileAGIsStuck(t *testing.T) {
	s := start(t, "flat", "synthetic:1x2")
	started, end := make(chan bool), make(chan bool)
	lived := make(chan error)
	go func() {
		lived <- s.Run(func(g *sched.G) {
			started <- true
			<-end
		})
	}()
	<-started
	asked := make(chan bool)
	go func() {
		s.Stats()
		close(asked)
	}()
	select {
	case <-asked:
	case <-time.After(time.Minute):
		t.Fatal("Stats has not returned after a minute")
	}
	close(end)
	if err := <-lived; err != nil {
		t.Error(err)
	}
}

// A burst of blocked Gs leaves no more stacks than a bound.
func TestStacksThatAreFreeEnd(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		before := goroutines()
		var c *sched.Chan[int]
		run(t, s, func(g *sched.G) {
			c = sched.NewChan[int](s, 0)
			for range 1500 {
				g.Go(func(g *sched.G) { c.Recv(g) })
			}
		})
		s.Quiesce()
		if n := goroutines() - before; n < 1400 { // threads of other schedulers may have been ending
			t.Errorf("%d stacks for 1500 blocked Gs", n)
		}
		run(t, s, func(g *sched.G) { c.Close(g) })
		s.Quiesce()
		most := 600 + s.Procs()*65
		for end := time.Now().Add(time.Minute); goroutines()-before > most; time.Sleep(time.Millisecond) {
			if time.Now().After(end) { // until then they may be ending
				t.Fatalf("%d stacks are left when the blocked Gs have ended, want at most %d", goroutines()-before, most)
			}
		}
		run(t, s, func(g *sched.G) { // and what is left is whole
			var gr sched.Group
			for range 1000 {
				gr.Go(g, func(g *sched.G) { g.Yield() })
			}
			gr.Wait(g)
		})
	})
}

// goroutines counts goroutines. While the garbage collector looks through those that have
// ended, runtime.NumGoroutine counts them as well.
func goroutines() int {
	runtime.GC()
	return runtime.NumGoroutine()
}

// A stack begins with 2 KB, and a G that only waits needs no more.
func TestAParkedGHasAStackOf2KB(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector's frames are larger")
	}
	for _, arm := range []string{"gm", "flat", "numa"} {
		t.Run(arm, func(t *testing.T) {
			n := 3_000
			if longTests() {
				n = 10_000
			}
			s := start(t, arm, "synthetic:1x1")
			before := stackBytes()
			run(t, s, func(g *sched.G) {
				c := sched.NewChan[int](s, 0)
				for range n {
					g.Go(func(g *sched.G) { c.Recv(g) })
				}
			})
			s.Quiesce()
			if each := (stackBytes() - before) / n; each < 1000 || each > 2500 {
				t.Errorf("%d bytes of stack for each parked G, want about 2048", each)
			}
		})
	}
}

// stackBytes returns how much memory all stacks take.
func stackBytes() int {
	runtime.GC()
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	return int(ms.StackInuse)
}
