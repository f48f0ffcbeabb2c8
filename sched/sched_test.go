package sched_test

import (
	"os"
	"slices"
	"sync"
	"testing"

	"numasched/numa/leakcheck"
	"numasched/sched"
	"numasched/sched/host/hosttest"
	"numasched/sched/policy"
	"numasched/sched/sim"
	"numasched/sched/trace"
	"numasched/topology"
)

// open makes a machine of this host that believes in the given topology ("" is the real
// one), and closes it with the test.
func open(tb testing.TB, topo string) *hosttest.Machine {
	tb.Helper()
	return hosttest.Open(tb, topo, 0)
}

// unrecorded is open, but nothing is recorded: forks that others could see are calls as well.
func unrecorded(tb testing.TB, topo string) *hosttest.Machine {
	tb.Helper()
	return hosttest.OpenUnrecorded(tb, topo, 0)
}

// start makes a scheduler on such a machine, with as many Ps as it allows, and closes it
// with the test.
func start(tb testing.TB, arm, topo string) *sched.Sched {
	tb.Helper()
	return startOn(tb, open(tb, topo), arm)
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

// onSim makes a scheduler on a simulated machine of the given topology ("" is one of two
// nodes), and closes it with the test.
func onSim(t *testing.T, topo string, cfg sched.Config) *sched.Sched {
	t.Helper()
	leakcheck.After(t)
	p, err := defaultPreset()
	if err != nil {
		t.Fatal(err)
	}
	simCfg := sim.Config{Preset: p}
	if topo != "" {
		if simCfg.Topology, err = topology.Load(topo); err != nil {
			t.Fatal(err)
		}
	}
	if cfg.Machine, err = sim.New(simCfg); err != nil {
		t.Fatal(err)
	}
	cfg.Events = trace.Checked(t)
	s, err := sched.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// defaultPreset is parsed once. Nobody changes it.
var defaultPreset = sync.OnceValues(func() (*sim.Preset, error) { return sim.LoadPreset("default") })

// armsFor returns the arms that a test runs under: all that schedule in different ways. Without
// the long tests, that is those whose queues differ, and every third of the others. Which third
// these are differs from test to test.
func armsFor(t *testing.T) (arms []policy.Arm) {
	for i, arm := range everyArm() {
		if longTests() || slices.Contains(fewArms(), arm) || (i+len(t.Name()))%3 == 0 {
			arms = append(arms, arm)
		}
	}
	return arms
}

// everywhere runs a test under its arms, on this host and on pretended nodes. Without the long
// tests, those whose queues do not differ have one kind of nodes.
func everywhere(t *testing.T, f func(t *testing.T, s *sched.Sched)) {
	leakcheck.After(t)
	for _, arm := range armsFor(t) {
		for _, topo := range []string{"synthetic:2x2", "", "synthetic:3x1"} {
			m := open
			if topo == "" {
				m = unrecorded
			}
			t.Run(arm.Name+"/"+topo, func(t *testing.T) { f(t, startOn(t, m(t, topo), arm.Name)) })
			if !longTests() && !slices.Contains(fewArms(), arm) {
				break
			}
		}
	}
}

// longTests reports whether there is time, as in .ci/run, which sets the variable.
func longTests() bool { return os.Getenv("NUMASCHED_LONG_TESTS") != "" }

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
