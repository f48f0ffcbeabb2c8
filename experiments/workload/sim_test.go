package workload

import (
	"testing"

	"numasched/sched"
	"numasched/sched/policy"
	"numasched/sched/sim"
)

// simulated makes a scheduler on a simulated machine. procs may be 0: as many as there are CPUs.
func simulated(t *testing.T, preset, armName string, procs int, seed uint64) (*sim.Machine, *sched.Sched) {
	t.Helper()
	p, err := sim.LoadPreset(preset)
	if err != nil {
		t.Fatal(err)
	}
	m, err := sim.New(sim.Config{Preset: p})
	if err != nil {
		t.Fatal(err)
	}
	arm, err := policy.ByName(armName)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sched.New(sched.Config{Machine: m, Arm: arm, Seed: seed, Procs: procs})
	if err != nil {
		t.Fatal(err)
	}
	return m, s
}

// onSim calls fn with a scheduler on a simulated machine and returns the hash of
// all that happened there.
func onSim(t *testing.T, preset, armName string, fn func(*sched.Sched)) uint64 {
	t.Helper()
	m, s := simulated(t, preset, armName, 0, 1)
	if err := sim.Guard(func() error { fn(s); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if m.Back() > 0 {
		t.Errorf("%s on %s: time ran back by %d ps", armName, preset, m.Back())
	}
	return m.Hash()
}

func TestEveryWorkloadRunsTheSameTwiceOnASimulatedMachine(t *testing.T) {
	for _, w := range All {
		for _, arm := range []string{"gm", "flat", "numa"} {
			t.Run(w.Name+"/"+arm, func(t *testing.T) {
				var hash [2]uint64
				for i := range hash {
					hash[i] = onSim(t, "synthetic:2x4", arm, func(s *sched.Sched) {
						if err := runTwice(s, newSmall(t, w)); err != nil {
							t.Error(err)
						}
					})
				}
				if hash[0] != hash[1] {
					t.Errorf("two runs with one seed differ")
				}
			})
		}
	}
}

// Homes do not cost the conservation of work: what is all at home on one of four
// nodes, and long enough to be worth a Grace, is shared by all.
func TestWorkAtHomeOnOneNodeIsShared(t *testing.T) {
	took := func(arm string) (ns int64) {
		w := ByName("onenode")
		in, err := w.Program(true).New()
		if err != nil {
			t.Fatal(err)
		}
		onSim(t, "synthetic:4x4", arm, func(s *sched.Sched) {
			if err := in.Setup(s); err != nil {
				t.Fatal(err)
			}
			err := s.Run(func(g *sched.G) {
				start := g.Nanotime()
				if err := in.Run(g); err != nil {
					t.Error(err)
				}
				ns = g.Nanotime() - start
			})
			if err != nil {
				t.Error(err)
			}
		})
		return ns
	}
	flat, numa := took("flat"), took("numa")
	if numa > flat*3/2 {
		t.Errorf("simulated: %d ns under numa, %d under flat: want at most half as much again", numa, flat)
	}
}
