package sim_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/sim"
)

// networked runs f as a G on a simulated machine with the given number of Ps.
func networked(t *testing.T, arm string, procs int, f func(m *sim.Machine, g *sched.G)) sim.Time {
	t.Helper()
	m := simulated(t, "default")
	run(t, m, arm, procs, func(g *sched.G) { f(m, g) })
	return m.Now()
}

func await(g *sched.G, pd *sched.PollDesc) error {
	if err := pd.Prepare(g, sched.PollRead); err != nil {
		return err
	}
	return pd.Wait(g, sched.PollRead)
}

// Gs wait for what arrives at certain times, and go on a little later, in the same way in
// every run.
func TestArrivalsWakeGs(t *testing.T) {
	for _, arm := range []string{"gm", "flat", "numa"} {
		for _, procs := range []int{1, 8} {
			t.Run(fmt.Sprintf("%s/%d", arm, procs), func(t *testing.T) {
				program := func(m *sim.Machine, g *sched.G) {
					var gr sched.Group
					for i := range 10 {
						gr.Go(g, func(g *sched.G) {
							pd, err := g.OpenPoll()
							if err != nil || pd == nil {
								t.Errorf("no descriptor: %v", err)
								return
							}
							for k := range 5 {
								at := sim.Time(1+i%3+10*k) * sim.Millisecond
								m.Arrive(at, pd, sched.PollRead)
								if err := await(g, pd); err != nil {
									t.Error(err)
								}
								late := sim.Time(g.Nanotime())*sim.Nanosecond - at
								if late < -sim.Nanosecond || late > sim.Millisecond {
									t.Errorf("woke %v after the arrival", late)
								}
							}
						})
					}
					gr.Wait(g)
				}
				if a, b := networked(t, arm, procs, program), networked(t, arm, procs, program); a != b {
					t.Errorf("one run took %v, and another %v", a, b)
				}
			})
		}
	}
}

// If every P always has something to run, sysmon looks at the poller within 10 ms.
func TestSysmonPollsForBusyPs(t *testing.T) {
	for _, arm := range []string{"gm", "flat", "numa"} {
		networked(t, arm, 1, func(m *sim.Machine, g *sched.G) {
			came := false
			var gr sched.Group
			gr.Go(g, func(g *sched.G) {
				pd, _ := g.OpenPoll()
				m.Arrive(sim.Millisecond, pd, sched.PollRead)
				if err := await(g, pd); err != nil {
					t.Error(err)
				}
				came = true
			})
			for range 2 {
				gr.Go(g, func(g *sched.G) {
					for !came && g.Nanotime() < int64(100*time.Millisecond) {
						g.Work(sched.Work{Ops: 10_000}, nil)
						g.Yield()
					}
				})
			}
			gr.Wait(g)
			if now := time.Duration(g.Nanotime()); now > 15*time.Millisecond {
				t.Errorf("%s: what came after 1 ms was seen after %v", arm, now)
			}
		})
	}
}

// A wait ends at its deadline, in virtual time, and when the descriptor is closed.
func TestDeadlinesInVirtualTime(t *testing.T) {
	networked(t, "numa", 4, func(m *sim.Machine, g *sched.G) {
		pd, _ := g.OpenPoll()
		pd.SetDeadline(g, sched.PollRead, time.Second, false)
		if err := await(g, pd); err != os.ErrDeadlineExceeded {
			t.Errorf("%v, want that the deadline is over", err)
		}
		if now := time.Duration(g.Nanotime()); now < time.Second || now > time.Second+time.Millisecond {
			t.Errorf("it is %v, want a second", now)
		}
		pd.SetDeadline(g, sched.PollRead, 0, true)
		g.AfterFunc(time.Second, func(g *sched.G) { pd.Evict(g) })
		if err := await(g, pd); err != sched.ErrPollClosed {
			t.Errorf("%v, want that the descriptor is closed", err)
		}
		if pd.Evict(g) {
			t.Error("a second Evict was the first")
		}
	})
}
