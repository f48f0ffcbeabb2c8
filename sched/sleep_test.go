package sched_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"numasched/sched"
)

// inVirtualTime runs f as a G on a simulated machine of two nodes, under arms of every
// kind, with one P and with several.
func inVirtualTime(t *testing.T, f func(t *testing.T, g *sched.G)) {
	for _, arm := range fewArms() {
		for _, procs := range []int{1, 6} {
			t.Run(fmt.Sprintf("%s/procs=%d", arm.Name, procs), func(t *testing.T) {
				run(t, onSim(t, "", sched.Config{Arm: arm, Procs: procs}), func(g *sched.G) { f(t, g) })
			})
		}
	}
}

func TestSleepLastsAsLongAsAsked(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			for _, d := range []time.Duration{-1, 0, 1, 1000, 100_000} {
				before := g.Nanotime()
				g.Sleep(d)
				if took := g.Nanotime() - before; took < int64(d) {
					t.Errorf("Sleep(%v) took %d ns", d, took)
				}
			}
		})
	})
}

// In virtual time, a Sleep of a second takes a second and some microseconds.
func TestSleepIsNotMuchLonger(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, g *sched.G) {
		before := g.Nanotime()
		g.Sleep(time.Second)
		if late := g.Nanotime() - before - int64(time.Second); late < 0 || late > 100_000 {
			t.Errorf("woke %d ns late, want at most 100 us", late)
		}
	})
}

func TestSleepersWakeInOrder(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, g *sched.G) {
		var woke []int
		var gr sched.Group
		for _, ms := range []int{5, 1, 4, 2, 3} {
			gr.Go(g, func(g *sched.G) {
				g.Sleep(time.Duration(ms) * time.Millisecond)
				woke = append(woke, ms)
			})
		}
		gr.Wait(g)
		if !slices.IsSorted(woke) || len(woke) != 5 {
			t.Errorf("they woke in the order %v", woke)
		}
	})
}

// Thousands sleep at a time on all Ps, and every one wakes once.
func TestManySleepers(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		var woke atomic.Int32
		run(t, s, func(g *sched.G) {
			var gr sched.Group
			for i := range 1000 {
				gr.Go(g, func(g *sched.G) {
					for k := range 3 {
						g.Sleep(time.Duration((i*7919+k*104729)%2_000_000) + 1)
					}
					woke.Add(1)
				})
			}
			gr.Wait(g)
		})
		if woke.Load() != 1000 {
			t.Errorf("%d of 1000 woke", woke.Load())
		}
	})
}

// A G that sleeps is no deadlock, and one that then waits for ever is one.
func TestASleeperIsNoDeadlock(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		slept := false
		err := s.Run(func(g *sched.G) {
			c := sched.NewChan[int](s, 0)
			g.Go(func(g *sched.G) {
				g.Sleep(time.Millisecond)
				slept = true
				c.Send(g, 1)
			})
			c.Recv(g)
			c.Recv(g)
		})
		if dead := (*sched.DeadlockError)(nil); !errors.As(err, &dead) || !slept {
			t.Errorf("error %v, and the sleeper has slept: %v", err, slept)
		}
	})
}

// A ticker that nobody receives from does not hide a deadlock, and neither does a timer
// that was stopped.
func TestForgottenTimersHideNoDeadlock(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		err := s.Run(func(g *sched.G) {
			g.NewTicker(time.Microsecond)
			g.After(time.Hour)
			g.AfterFunc(time.Hour, func(*sched.G) {}).Stop(g)
			g.Select(g.After(time.Microsecond).RecvCase(nil, nil), g.After(time.Hour).RecvCase(nil, nil))
			sched.NewChan[int](s, 0).Recv(g)
		})
		if dead := (*sched.DeadlockError)(nil); !errors.As(err, &dead) {
			t.Errorf("error %v, want a deadlock", err)
		}
	})
}

func TestCloseWithTimersPending(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			for range 100 {
				g.Go(func(g *sched.G) { g.Sleep(time.Hour) })
				g.Go(func(g *sched.G) { g.After(time.Hour).Recv(g) })
				g.AfterFunc(time.Hour, func(*sched.G) { t.Error("an hour has passed") })
			}
			g.Sleep(time.Microsecond)
		})
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A G that keeps its P cannot keep what sleeps there from waking up elsewhere: on the same
// node, or, where that has no other P, on another.
func TestTimersOfABusyPAreStolen(t *testing.T) {
	for _, arm := range []string{"gm", "flat", "numa"} {
		for _, topo := range []string{"synthetic:1x2", "synthetic:2x1"} {
			t.Run(arm+"/"+topo, func(t *testing.T) {
				run(t, start(t, arm, topo), func(g *sched.G) {
					var woke atomic.Bool
					g.AfterFunc(time.Millisecond, func(*sched.G) { woke.Store(true) })
					for !woke.Load() {
					}
				})
			})
		}
	}
}

func TestASelectWithATimeLimit(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			c := sched.NewChan[string](s, 0)
			var v string
			wait := func(d time.Duration) int {
				return g.Select(c.RecvCase(&v, nil), g.After(d).RecvCase(nil, nil))
			}
			if i := wait(time.Microsecond); i != 1 {
				t.Errorf("case %d, want 1: nobody sends", i)
			}
			g.Go(func(g *sched.G) { c.Send(g, "now") })
			if i := wait(time.Hour); i != 0 || v != "now" {
				t.Errorf("case %d and %q, want 0 and now", i, v)
			}
		})
	})
}

func TestMisuseOfTimers(t *testing.T) {
	for text, f := range map[string]func(*sched.G){
		"a Ticker with an interval of 0 or less":                    func(g *sched.G) { g.NewTicker(0) },
		"sched: a Ticker with an interval":                          func(g *sched.G) { g.NewTicker(1).Reset(g, -1) },
		"a Timer that was not made by NewTimer or AfterFunc":        func(g *sched.G) { new(sched.Timer).Stop(g) },
		"or a Ticker that was not made by NewTicker":                func(g *sched.G) { (*sched.Ticker)(nil).Stop(g) },
		"Ticker that was not made by NewTicker":                     func(g *sched.G) { (*sched.Ticker)(nil).Reset(g, 1) },
		"a Ticker that was not made by NewTicker":                   func(g *sched.G) { new(sched.Ticker).Stop(g) },
		"sched: a Timer that was not made":                          func(g *sched.G) { new(sched.Timer).Reset(g, 1) },
		"sched: a G with a nil function: want a function to run":    func(g *sched.G) { g.AfterFunc(1, nil) },
		"sched: the function of a Syscall has used a G: it runs wi": func(g *sched.G) { g.Syscall(func() { g.Sleep(1) }) },
	} {
		err := start(t, "flat", "").Run(f)
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v, want %q", err, text)
		}
	}
}
