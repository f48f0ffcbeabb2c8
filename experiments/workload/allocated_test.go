package workload

import (
	"math"
	"runtime"
	"testing"

	"numasched/sched"
	"numasched/sched/policy"
	"numasched/sched/sim"
)

// What a workload says that it allocates on Go's heap, and a simulated machine so
// charges for, is what it allocates. Less than half of an object for each unit
// of work does not matter.
func TestWorkloadsSayWhatTheyAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates, too")
	}
	for _, w := range All {
		t.Run(w.Name, func(t *testing.T) {
			if w.Open {
				t.Skip("arrivals decide how long it takes")
			}
			in, err := w.Program(true).New()
			if err != nil {
				t.Fatal(err)
			}
			arm, err := policy.ByName("flat")
			if err != nil {
				t.Fatal(err)
			}
			var real float64
			onHost(t, "", arm, 1, func(s *sched.Sched) {
				if in.Setup != nil {
					if err := in.Setup(s); err != nil {
						t.Fatal(err)
					}
				}
				var before, after runtime.MemStats
				// The first run makes the Gs and carriers that the others find, and others of the
				// process allocate, too. So the least of several counts.
				for i := range 5 {
					runtime.ReadMemStats(&before)
					if err := s.Run(func(g *sched.G) { err = in.Run(g) }); err != nil {
						t.Fatal(err)
					}
					runtime.ReadMemStats(&after)
					if made := float64(after.Mallocs-before.Mallocs) / float64(in.Tasks); i == 0 || made < real {
						real = made
					}
				}
			})
			// On one P an object that takes 1000 ns more makes the run so much longer.
			took := func(object sim.Milli) (ns int64) {
				p, err := sim.LoadPreset("default")
				if err != nil {
					t.Fatal(err)
				}
				p.Object.Value = object
				m, err := sim.New(sim.Config{Preset: p})
				if err != nil {
					t.Fatal(err)
				}
				s, err := sched.New(sched.Config{Machine: m, Arm: arm, Procs: 1, Seed: 1})
				if err != nil {
					t.Fatal(err)
				}
				in, err := w.Program(true).New()
				if err != nil {
					t.Fatal(err)
				}
				if in.Setup != nil {
					if err := in.Setup(s); err != nil {
						t.Fatal(err)
					}
				}
				err = sim.Guard(func() error {
					return s.Run(func(g *sched.G) {
						start := g.Nanotime()
						err = in.Run(g)
						ns = g.Nanotime() - start
					})
				})
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				return ns
			}
			said := float64(took(1_000_001)-took(1)) / 1000 / float64(in.Tasks)
			if math.Abs(said-real) > 0.5+0.05*real {
				t.Errorf("allocates %.2f objects for each %s, and says %.2f", real, w.Unit, said)
			}
		})
	}
}
