package sim_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"numasched/sched"
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
	"numasched/sched/sim"
	"numasched/topology"
)

// A plain is a simulated machine on which a scan is one access after another.
type plain struct{ *sim.Machine }

func (p plain) Memory() machine.Memory { return p }

func (p plain) Scan(m *machine.M, s machine.Scan) {
	for line, more := s.Next(); more; line, more = s.Next() {
		p.Access(m, line, machine.Load)
	}
}

func (p plain) Spin(m *machine.M, ops int64, _ func(), s machine.Scan) {
	for line, more := s.Next(); more; line, more = s.Next() {
		if line == 0 {
			p.Work(m, &sched.Work{Ops: ops}, 0, nil)
		} else {
			p.Access(m, line, machine.Load)
		}
	}
}

func whole(m *sim.Machine) sched.Machine { return m }

// A drifting is a simulated machine that finds every seventh thread it is asked about on a CPU of
// no node, as if somebody had moved it. Those that a scheduler binds it binds again.
type drifting struct {
	*sim.Machine
	asked int
}

func (d *drifting) Getcpu(m *machine.M) int {
	if d.asked++; d.asked%7 == 0 {
		return 1000
	}
	return d.Machine.Getcpu(m)
}

func drift(m *sim.Machine) sched.Machine { return &drifting{Machine: m} }

// A scan is the loads that it names, to the picosecond and in the same order: also where
// other threads take the CPU away in the middle of a scan.
func TestAScanIsItsLoads(t *testing.T) {
	for _, c := range []struct {
		preset string
		others int // threads of other programs
	}{{"synthetic:1x1", 0}, {"synthetic:2x2", 5}, {"opteron-4x6276", 40}, {"opteron-4x6276", 0}, {"skx-2x8180", 0}} {
		for _, arm := range []string{"gm", "flat", "numa", "numaws"} {
			t.Run(fmt.Sprintf("%s+%d/%s", c.preset, c.others, arm), func(t *testing.T) {
				got := scanned(t, c.preset, arm, c.others, whole)
				loads := scanned(t, c.preset, arm, c.others, func(m *sim.Machine) sched.Machine { return plain{m} })
				if got != loads {
					t.Errorf("%s, want %s", got, loads)
				}
			})
		}
	}
}

// scanned runs a program whose Ms search a lot, and says what has happened.
func scanned(t *testing.T, name, arm string, others int, wrap func(*sim.Machine) sched.Machine) string {
	m, s := contended(t, name, arm, others, wrap)
	finish(t, s, func(g *sched.G) {
		fib(g, sched.Arg{A: 13})
		var grp sched.Group
		for i := range 40 {
			grp.Go(g, func(g *sched.G) {
				g.Work(sched.Work{Ops: int64(i) * 10_000}, nil)
				g.Yield()
			})
		}
		grp.Wait(g)
	})
	return fmt.Sprintf("%016x after %d events and %d ps", m.Hash(), m.Events(), m.Now())
}

// contended returns a scheduler on a machine where others want CPUs, for slices of 3 us.
func contended(t *testing.T, name, arm string, others int, wrap func(*sim.Machine) sched.Machine) (*sim.Machine, *sched.Sched) {
	preset, err := sim.LoadPreset(name)
	if err != nil {
		t.Fatal(err)
	}
	preset.Slice.Value = 3_000_000 // 3 us
	m, err := sim.New(sim.Config{Preset: preset})
	if err != nil {
		t.Fatal(err)
	}
	for range others {
		m.Start("other", topology.CPUSet{}, func(p *sim.Thread) {
			for range 300 {
				p.Compute(sim.Microsecond)
			}
		})
	}
	a, err := policy.ByName(arm)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sched.New(sched.Config{Machine: wrap(m), Arm: a, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	return m, s
}

// A G that works until something has come does the same as one that looks between two Works, to
// the picosecond: also where its time slice is over, where other threads take the CPU away, and
// where a thread that was bound is found elsewhere.
func TestWorkUntilIsWorkAgainAndAgain(t *testing.T) {
	slow := func(g *sched.G, done func() bool, w sched.Work) {
		for !done() {
			g.Work(w, nil)
		}
	}
	fast := func(g *sched.G, done func() bool, w sched.Work) { g.WorkUntil(done, w, nil) }
	for _, c := range []struct {
		preset string
		others int // threads of other programs
		each   int // Gs for each P: with more than one they have to give way to each other
	}{{"synthetic:1x1", 0, 2}, {"synthetic:2x2", 0, 2}, {"synthetic:2x2", 5, 1}, {"opteron-4x6276", 40, 1}} {
		for _, arm := range []string{"flat", "static", "numa"} {
			for name, wrap := range map[string]func(*sim.Machine) sched.Machine{"": whole, "/drifting": drift} {
				t.Run(fmt.Sprintf("%s+%d*%d/%s%s", c.preset, c.others, c.each, arm, name), func(t *testing.T) {
					want := spun(t, c.preset, arm, c.others, c.each, wrap, slow)
					if got := spun(t, c.preset, arm, c.others, c.each, wrap, fast); got != want {
						t.Errorf("%s, want %s", got, want)
					}
				})
			}
		}
	}
}

// spun runs Gs that wait until all have come, twice, and says what has happened.
func spun(t *testing.T, name, arm string, others, each int, wrap func(*sim.Machine) sched.Machine, until func(*sched.G, func() bool, sched.Work)) string {
	m, s := contended(t, name, arm, others, wrap)
	finish(t, s, func(g *sched.G) {
		nodes := s.NodeIDs()
		for _, ops := range []int64{100, 9000} {
			if ops < 9000 && each > 1 {
				continue // they would look half a million times in each slice
			}
			all := s.Procs() * each
			var come atomic.Int64
			var grp sched.Group
			for i := range all {
				grp.GoAt(g, sched.OnNode(nodes[i%len(nodes)]), func(g *sched.G) {
					come.Add(1)
					until(g, func() bool { return come.Load() == int64(all) }, sched.Work{Ops: ops})
				})
			}
			grp.Wait(g)
		}
		awoken(g, nodes, until)
	})
	st := s.Stats()
	return fmt.Sprintf("%016x after %d events and %d ps, %+v", m.Hash(), m.Events(), m.Now(), st)
}

// awoken has a G woken again and again from another node than its home. It spins in between, so it has
// memory to stay with, and stays.
func awoken(g *sched.G, nodes []int, until func(*sched.G, func() bool, sched.Work)) {
	c := sched.NewChan[int](g.Sched(), 0)
	var grp sched.Group
	grp.GoAt(g, sched.OnNode(nodes[len(nodes)-1]), func(g *sched.G) {
		for range 20 {
			c.Recv(g)
			looks := 0
			until(g, func() bool { looks++; return looks > 3 }, sched.Work{Ops: 9000})
		}
	})
	grp.GoAt(g, sched.OnNode(nodes[0]), func(g *sched.G) {
		for i := range 20 {
			g.Work(sched.Work{Ops: 100_000}, nil)
			c.Send(g, i)
		}
	})
	grp.Wait(g)
}
