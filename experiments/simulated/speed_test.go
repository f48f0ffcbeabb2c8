package simulated

import (
	"runtime"
	"testing"
	"time"

	"numasched/experiments/workload"
	"numasched/sched/sim"
)

// machine returns the machine of a preset, by its name, with seed 1.
func machine(t testing.TB, preset string) Machine {
	t.Helper()
	p, err := sim.LoadPreset(preset)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Of(p, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// BenchmarkSpeed is the speed of the simulator, without the making of the machine and the
// run that warms up.
func BenchmarkSpeed(b *testing.B) {
	for _, c := range []struct{ preset, arm, workload string }{
		{"skx-8s", "numa", "triad"},
		{"skx-8s", "flat", "triad"},
		{"skx-8s", "numa", "triad:n=25000000"},
		{"skx-8s", "flat", "triad:n=25000000"},
		{"skx-8s", "numa", "heat"},
		{"skx-8s", "flat", "heat"},
		{"skx-8s", "static", "heat"},
		{"skx-8s", "numa", "uts"},
		{"skx-8s", "flat", "uts"},
		{"skx-8s", "numa", "uts:depth=8"},
		{"skx-8s", "flat", "uts:depth=8"},
		{"synthetic:1x4", "flat", "fib:n=22"},
		{"synthetic:2x1x1x22x2", "flat", "fib:n=22"},
		{"skx-8s", "flat", "fib:n=22"},
		{"skx-8s", "numa", "fib:n=22"},
		{"synthetic:64x1x1x32x2", "flat", "fib:n=22"},
		{"synthetic:64x1x1x32x2", "numa", "fib:n=22"},
	} {
		b.Run(c.preset+"/"+c.arm+"/"+c.workload, func(b *testing.B) {
			m := machine(b, c.preset)
			name, sizes := c.workload, ""
			for i := range name {
				if name[i] == ':' {
					name, sizes = name[:i], name[i+1:]
					break
				}
			}
			prog, err := workload.ByName(name).Parse(sizes, true)
			if err != nil {
				b.Fatal(err)
			}
			var events int64
			var wall time.Duration
			for b.Loop() {
				runtime.GC()
				r, err := m.Run(c.arm, prog, m.Topology.Online.Len())
				if err != nil {
					b.Fatal(err)
				}
				events += r.Events
				wall += r.wall
			}
			b.ReportMetric(float64(events)/1e6/wall.Seconds(), "Mevents/s")
			b.ReportMetric(float64(events)/float64(b.N), "events")
			b.ReportMetric(float64(wall.Milliseconds())/float64(b.N), "ms/run")
		})
	}
}
