package sched_test

import (
	"testing"

	"numasched/sched"
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
	"numasched/sched/sim"
)

// A counted is a simulated machine that counts how often the lock of the one Node is taken.
type counted struct {
	*sim.Machine
	memory machine.Memory
	line   machine.Line
	taken  int // read-modify-writes of the lock: one to take it and one to leave it
}

func (c *counted) Memory() machine.Memory { return c }

func (c *counted) Access(m *machine.M, line machine.Line, kind machine.Access) {
	if line == c.line && kind == machine.RMW {
		c.taken++
	}
	c.memory.Access(m, line, kind)
}

func (c *counted) Scan(m *machine.M, s machine.Scan) { c.memory.Scan(m, s) } // loads only

func (c *counted) Spin(m *machine.M, ops int64, kernel func(), s machine.Scan) {
	c.memory.Spin(m, ops, kernel, s)
}

func (c *counted) Spend(m *machine.M, cost machine.Cost) { c.memory.Spend(m, cost) }

// lockings returns how often the lock is taken while fn runs, and what fn returns. fn calls
// begin where the count begins.
func lockings(t *testing.T, arm policy.Arm, procs int, fn func(g *sched.G, begin func())) float64 {
	t.Helper()
	p, err := sim.LoadPreset("synthetic:1x2")
	if err != nil {
		t.Fatal(err)
	}
	m, err := sim.New(sim.Config{Preset: p})
	if err != nil {
		t.Fatal(err)
	}
	c := &counted{Machine: m, memory: m.Memory()}
	s, err := sched.New(sched.Config{Machine: c, Arm: arm, Procs: procs, Seed: 1, NoSysmon: true})
	if err != nil {
		t.Fatal(err)
	}
	c.line = s.LockLine()
	n := 0
	err = sim.Guard(func() error {
		return s.Run(func(g *sched.G) {
			fn(g, func() { c.taken = 0 })
			n = c.taken
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return float64(n) / 2
}

// In simulation flat takes its lock as often as Go 1.26 takes sched.lock: see schedlock.go.
func TestFlatTakesItsLockAsOftenAsGo(t *testing.T) {
	flat, err := policy.ByName("flat")
	if err != nil {
		t.Fatal(err)
	}
	own := flat
	own.SchedLock = false

	// On one P each of four Gs yields. Go: goschedImpl and wakep, and findRunnable takes four
	// Gs at a time.
	const yields = 100
	storm := func(g *sched.G, begin func()) {
		var gr sched.Group
		for range 4 {
			gr.Go(g, func(g *sched.G) {
				for range yields {
					g.Yield()
				}
			})
		}
		begin()
		gr.Wait(g)
	}
	for _, c := range []struct {
		arm    policy.Arm
		lo, hi float64
	}{{flat, 2.2, 2.4}, {own, 1.2, 1.4}} {
		if n := lockings(t, c.arm, 1, storm) / (4 * yields); n < c.lo || n > c.hi {
			t.Errorf("SchedLock %v: a yield takes the lock %.2f times, want %.1f to %.1f", c.arm.SchedLock, n, c.lo, c.hi)
		}
	}

	// On two Ps a G is started, which another M steals and runs; then that M sleeps again. Go:
	// wakep takes the P, startm the M; the thief calls wakep once more; then it gives its P
	// up, looks once more, and gives itself up. Else: once to wake the M, once to sleep.
	const starts = 100
	wake := func(g *sched.G, begin func()) {
		start := func() {
			done := sched.NewChan[int](g.Sched(), 1)
			g.Go(func(g *sched.G) { done.Send(g, 1) })
			g.Work(sched.Work{Ops: 1e6}, func() {})
			done.Recv(g)
		}
		start()
		begin()
		for range starts {
			start()
		}
	}
	for _, c := range []struct {
		arm  policy.Arm
		want float64
	}{{flat, 6}, {own, 2}} {
		if n := lockings(t, c.arm, 2, wake) / starts; n != c.want {
			t.Errorf("SchedLock %v: to start a G on an idle P takes the lock %.2f times, want %.0f", c.arm.SchedLock, n, c.want)
		}
	}
}
