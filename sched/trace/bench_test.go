package trace_test

import (
	"testing"

	"numasched/sched"
	"numasched/sched/host"
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

// BenchmarkRecording is what it costs a fork and a spawn that their events are recorded.
// The Recorder keeps the last events of each M, so that new memory does not count.
func BenchmarkRecording(b *testing.B) {
	for _, work := range []struct {
		name  string
		tasks int
		run   func(g *sched.G)
	}{
		{"fork", 317810, func(g *sched.G) { fib(g, sched.Arg{A: 27}) }},
		{"spawn", 100_000, func(g *sched.G) {
			var gr sched.Group
			for range 100_000 {
				gr.Go(g, func(*sched.G) {})
			}
			gr.Wait(g)
		}},
	} {
		for _, how := range []string{"off", "on"} {
			b.Run(work.name+"/"+how, func(b *testing.B) {
				m, err := host.New(host.Config{Procs: 1})
				if err != nil {
					b.Fatal(err)
				}
				defer m.Close()
				arm, _ := policy.ByName("flat")
				cfg := sched.Config{Machine: m, Arm: arm, Procs: 1}
				if how == "on" {
					cfg.Events = (&trace.Recorder{Last: 1 << 14}).Sink
				}
				s, err := sched.New(cfg)
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				for b.Loop() {
					if err := s.Run(work.run); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(work.tasks), "ns/task")
			})
		}
	}
}
