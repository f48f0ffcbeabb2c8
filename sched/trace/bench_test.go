package trace_test

import (
	"slices"
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/host"
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
	"numasched/sched/trace"
)

func fib(g *sched.G, arg sched.Arg) int {
	if arg.A < 2 {
		return arg.A
	}
	c := g.Fork(fib, sched.Arg{A: arg.A - 1})
	y := fib(g, sched.Arg{A: arg.A - 2})
	return g.Join(c) + y
}

// BenchmarkRecording is what it costs a fork and a spawn that their events are recorded. The
// two take turns, for on many machines a CPU's clock changes within a second: the result is
// the median of what the one with a Recorder takes more than its neighbour without, in
// percent. The Recorder keeps the last events of each M, so that new memory does not count.
func BenchmarkRecording(b *testing.B) {
	for _, work := range []struct {
		name string
		run  func(g *sched.G)
	}{
		{"fork", func(g *sched.G) { fib(g, sched.Arg{A: 22}) }},
		{"spawn", func(g *sched.G) {
			var gr sched.Group
			for range 30_000 {
				gr.Go(g, func(*sched.G) {})
			}
			gr.Wait(g)
		}},
	} {
		for _, how := range []string{"events", "times", "nothing"} {
			b.Run(work.name+"/"+how, func(b *testing.B) {
				var with trace.Recorder
				with.Last, with.Clock = 1<<14, how == "times"
				recorded := with.Sink
				if how == "nothing" { // the control: what two of the same differ by
					recorded = nil
				}
				scheds := [2]*sched.Sched{newSched(b, nil), newSched(b, recorded)}
				var more []float64
				for i := 0; b.Loop(); i++ {
					var took [2]time.Duration
					for k := range 2 {
						s := scheds[(i+k)%2]
						start := time.Now()
						if err := s.Run(work.run); err != nil {
							b.Fatal(err)
						}
						took[(i+k)%2] = time.Since(start)
					}
					more = append(more, 100*(float64(took[1])/float64(took[0])-1))
				}
				slices.Sort(more)
				b.ReportMetric(more[len(more)/2], "%-more")
			})
		}
	}
}

func newSched(b testing.TB, events func(*machine.M) machine.EventSink) *sched.Sched {
	return newSchedOf(b, sched.Config{Events: events})
}

func newSchedOf(b testing.TB, cfg sched.Config) *sched.Sched {
	m, err := host.New(host.Config{Procs: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { m.Close() })
	cfg.Machine, cfg.Procs = m, 1
	cfg.Arm, _ = policy.ByName("flat")
	s, err := sched.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}
