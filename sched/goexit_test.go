package sched_test

import (
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"numasched/sched"
)

// Goexit ends a G after its deferred functions, which may use the scheduler, and nothing else.
func TestGoexitEndsAG(t *testing.T) {
	everywhereAndSimulated(t, func(t *testing.T, s *sched.Sched) {
		const n = 50
		for range 2 {
			var wrong atomic.Int32
			run(t, s, func(g *sched.G) {
				var mu sched.Mutex
				ended := sched.NewChan[int](s, 0)
				exit := func(g *sched.G, i int) {
					defer ended.Send(g, i)
					mu.Lock(g)
					defer mu.Unlock(g)
					if i%2 == 0 {
						g.Yield()
					}
					if i%3 == 0 {
						g.Go(func(g *sched.G) { ended.Send(g, n) })
					}
					runtime.Goexit()
					wrong.Add(1)
				}
				want := 0
				for i := range n {
					want += i
					if i%3 == 0 {
						want += n
					}
					switch i % 5 {
					case 0:
						g.GoAt(sched.OnNode(g.Node()), func(g *sched.G) { exit(g, i) })
					case 1:
						g.AfterFunc(time.Microsecond, func(g *sched.G) { exit(g, i) })
					default:
						g.Go(func(g *sched.G) { exit(g, i) })
					}
				}
				got := 0
				for range n + (n+2)/3 {
					i, _ := ended.Recv(g)
					got += i
				}
				if got != want {
					t.Errorf("the Gs that ended add up to %d, want %d", got, want)
				}
			})
			if wrong.Load() != 0 {
				t.Error("Goexit returned")
			}
		}
		closes(t, s)
	})
}

// Goexit in the function of a Run is an error of that Run. The scheduler goes on.
func TestRunSaysThatItsFunctionHasCalledGoexit(t *testing.T) {
	everywhereAndSimulated(t, func(t *testing.T, s *sched.Sched) {
		for range 3 {
			if err := s.Run(func(g *sched.G) { g.Yield(); runtime.Goexit() }); err != sched.ErrGoexit {
				t.Errorf("Run returned %v, want ErrGoexit", err)
			}
			if err := s.Run(func(g *sched.G) { g.Syscall(runtime.Goexit) }); err != sched.ErrGoexit {
				t.Errorf("Run returned %v after a Goexit in a system call, want ErrGoexit", err)
			}
			run(t, s, func(g *sched.G) { g.Yield() })
		}
	})
}

// Where Goexit would end another G, too, it stops the scheduler, wherever the G runs.
func TestGoexitIsRefusedOnAStackThatMayBeAnothers(t *testing.T) {
	for name, exit := range map[string]func(*sched.G){
		"inline": func(g *sched.G) { g.Join(g.Fork(exitTask, sched.Arg{})) },
		"elsewhere": func(g *sched.G) {
			c := g.Fork(exitTask, sched.Arg{})
			g.Yield()
			g.Join(c)
		},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, s *sched.Sched) {
				err := s.Run(exit)
				if err == nil || !strings.Contains(err.Error(), "runtime.Goexit called in a G that may not") {
					t.Errorf("Run returned %v", err)
				}
			})
		})
	}
}

func exitTask(*sched.G, sched.Arg) int { runtime.Goexit(); return 0 }
