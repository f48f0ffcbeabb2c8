package sched_test

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"numasched/numa/leakcheck"
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

// Where Goexit would end another G, too, or a thread, it stops the scheduler, which says so,
// wherever the G runs, whether or not it has blocked, and whatever unwinds with it.
func TestGoexitIsRefusedWhereItWouldEndMore(t *testing.T) {
	leakcheck.After(t)
	elsewhere := func(g *sched.G) { // what was forked has a chance to run before it is joined
		g.Yield()
	}
	inline := func(*sched.G) {}
	member := func(exit func(*sched.G)) func(*sched.G) error {
		return func(g *sched.G) error { exit(g); return nil }
	}
	arms := timelyArms()
	if !longTests() {
		arms = arms[2:]
	}
	for name, run := range map[string]func(g *sched.G, exit, before func(*sched.G)){
		"Fork": func(g *sched.G, exit, before func(*sched.G)) {
			c := g.Fork(exitTask, sched.Arg{Data: exit})
			before(g)
			g.Join(c)
		},
		"typed Fork": func(g *sched.G, exit, before func(*sched.G)) {
			c := sched.Fork(g, func(g *sched.G, _ int) int { exit(g); return 0 }, 0)
			before(g)
			c.Join(g)
		},
		"nested Fork": func(g *sched.G, exit, before func(*sched.G)) {
			c := g.Fork(func(g *sched.G, arg sched.Arg) int {
				return g.Join(g.Fork(exitTask, arg))
			}, sched.Arg{Data: exit})
			before(g)
			g.Join(c)
		},
		"JoinContext": func(g *sched.G, exit, before func(*sched.G)) {
			c := g.Fork(exitTask, sched.Arg{Data: exit})
			before(g)
			g.JoinContext(context.Background(), c)
		},
		"Group": func(g *sched.G, exit, before func(*sched.G)) {
			var gr sched.Group
			gr.Go(g, exit)
			before(g)
			gr.Wait(g)
		},
		"Group.GoAt": func(g *sched.G, exit, before func(*sched.G)) {
			var gr sched.Group
			gr.GoAt(g, sched.OnNode(g.Node()), exit)
			before(g)
			gr.Wait(g)
		},
		"ErrGroup": func(g *sched.G, exit, before func(*sched.G)) {
			eg, _ := sched.NewErrGroup(context.Background())
			eg.SetLimit(1)
			eg.Go(g, member(exit))
			before(g)
			eg.Go(g, member(func(*sched.G) {})) // waits for the first
			eg.Wait(g)
		},
		"GoLocked": func(g *sched.G, exit, before func(*sched.G)) {
			g.GoLocked(exit)
			before(g)
			sched.NewChan[int](g.Sched(), 0).Recv(g)
		},
	} {
		for how, exit := range map[string]func(*sched.G){
			"at once":          func(*sched.G) { runtime.Goexit() },
			"after a Yield":    func(g *sched.G) { g.Yield(); runtime.Goexit() },
			"in a system call": func(g *sched.G) { g.Syscall(runtime.Goexit) },
			"in a Once":        func(g *sched.G) { new(sched.Once).Do(g, runtime.Goexit) },
			"and it defers":    func(g *sched.G) { defer g.Yield(); runtime.Goexit() },
		} {
			for where, before := range map[string]func(*sched.G){"inline": inline, "elsewhere": elsewhere} {
				t.Run(name+"/"+how+"/"+where, func(t *testing.T) {
					for _, arm := range arms {
						for _, topo := range []string{"synthetic:1x2", "synthetic:2x2"} {
							for _, s := range []*sched.Sched{start(t, arm.Name, topo), onSim(t, topo, sched.Config{Arm: arm})} {
								err := s.Run(func(g *sched.G) { run(g, exit, before) })
								if err == nil || !strings.Contains(err.Error(), "runtime.Goexit called in a G that may not") {
									t.Errorf("%s on %s: Run returned %v", arm.Name, topo, err)
								}
							}
						}
					}
				})
			}
		}
	}
}

func exitTask(g *sched.G, arg sched.Arg) int { arg.Data.(func(*sched.G))(g); return 0 }
