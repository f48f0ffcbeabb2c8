package simulated

import (
	"runtime"
	"testing"
	"time"

	"numasched/experiments/workload"
	"numasched/sched/sim"
	"numasched/topology"
)

// BenchmarkSpeed is the speed of the simulator, without the making of the machine and the
// run that warms up.
func BenchmarkSpeed(b *testing.B) {
	for _, c := range []struct{ preset, arm, workload string }{
		{"skx-8s", "numa", "triad"},
		{"skx-8s", "flat", "triad"},
		{"skx-8s", "numa", "heat"},
		{"skx-8s", "flat", "heat"},
		{"skx-8s", "static", "heat"},
		{"skx-8s", "numa", "uts"},
		{"skx-8s", "flat", "uts"},
		{"synthetic:1x4", "flat", "fib:n=22"},
		{"synthetic:2x1x1x22x2", "flat", "fib:n=22"},
		{"skx-8s", "flat", "fib:n=22"},
		{"skx-8s", "numa", "fib:n=22"},
		{"synthetic:64x1x1x32x2", "flat", "fib:n=22"},
		{"synthetic:64x1x1x32x2", "numa", "fib:n=22"},
	} {
		b.Run(c.preset+"/"+c.arm+"/"+c.workload, func(b *testing.B) {
			preset, err := sim.LoadPreset(c.preset)
			if err != nil {
				b.Fatal(err)
			}
			topo, err := topology.Load(preset.Topology)
			if err != nil {
				b.Fatal(err)
			}
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
				r, err := Machine{Preset: preset, Topology: topo, Seed: 1}.Run(c.arm, prog, topo.Online.Len())
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
