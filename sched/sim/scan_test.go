package sim_test

import (
	"fmt"
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

// A scan is the loads that it names, to the picosecond and in the same order: also where
// other threads take the CPU away in the middle of a scan.
func TestAScanIsItsLoads(t *testing.T) {
	for _, c := range []struct {
		preset string
		others int // threads of other programs
	}{{"synthetic:1x1", 0}, {"synthetic:2x2", 5}, {"opteron-4x6276", 40}, {"opteron-4x6276", 0}, {"skx-2x8180", 0}} {
		for _, arm := range []string{"gm", "flat", "numa", "numaws"} {
			t.Run(fmt.Sprintf("%s+%d/%s", c.preset, c.others, arm), func(t *testing.T) {
				whole := scanned(t, c.preset, arm, c.others, func(m *sim.Machine) sched.Machine { return m })
				loads := scanned(t, c.preset, arm, c.others, func(m *sim.Machine) sched.Machine { return plain{m} })
				if whole != loads {
					t.Errorf("%s, want %s", whole, loads)
				}
			})
		}
	}
}

// scanned runs a program whose Ms search a lot, and says what has happened.
func scanned(t *testing.T, name, arm string, others int, wrap func(*sim.Machine) sched.Machine) string {
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
