package sim_test

import (
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
	"numasched/sched/sim"
	"numasched/sched/trace"
)

func fib(g *sched.G, a sched.Arg) int {
	n := a.A
	if n < 2 {
		return n
	}
	c := g.Fork(fib, sched.Arg{A: n - 1})
	y := fib(g, sched.Arg{A: n - 2})
	return g.Join(c) + y
}

func simulated(t testing.TB, preset string) *sim.Machine {
	p, err := sim.LoadPreset(preset)
	if err != nil {
		t.Fatal(err)
	}
	m, err := sim.New(sim.Config{Preset: p})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// validated has the events of a scheduler checked. One M runs at a time, so they come in
// order.
func validated(t testing.TB) func(*machine.M) machine.EventSink {
	v := new(trace.Validator)
	t.Cleanup(func() {
		if err := v.Err(); err != nil {
			t.Errorf("what the scheduler says it did: %v", err)
		}
	})
	return func(*machine.M) machine.EventSink { return v }
}

func run(t testing.TB, m *sim.Machine, arm string, procs int, f func(*sched.G)) sched.Stats {
	a, err := policy.ByName(arm)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sched.New(sched.Config{Machine: m, Arm: a, Procs: procs, Seed: 1, Events: validated(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := sim.Guard(func() error { return s.Run(f) }); err != nil {
		t.Fatal(err)
	}
	s.Quiesce()
	st := s.Stats()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return st
}

// finish runs f as a G of s and closes s.
func finish(t testing.TB, s *sched.Sched, f func(*sched.G)) {
	t.Helper()
	if err := sim.Guard(func() error { return s.Run(f) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFibOnManyCPUs(t *testing.T) {
	for _, arm := range []string{"gm", "flat", "numa"} {
		for _, topo := range []string{"synthetic:2x4", "synthetic:8x1x1x28x2"} {
			m := simulated(t, topo)
			got := 0
			start := time.Now()
			st := run(t, m, arm, 0, func(g *sched.G) { got = fib(g, sched.Arg{A: 20}) })
			if got != 6765 {
				t.Fatalf("%s on %s: fib(20) = %d", arm, topo, got)
			}
			d := time.Since(start)
			t.Logf("%-5s %-22s %9d ns, %d spawned, %d events %d switches, %v: %.1f M events/s", arm, topo, m.Now()/sim.Nanosecond, st.Spawned, m.Events(), m.Switches(), d, float64(m.Events())/1e6/d.Seconds())
		}
	}
}
