package sim_test

import (
	"flag"
	"runtime"
	"testing"
	"time"

	"numasched/sched"
)

var long = flag.Bool("long", false, "run the tests that take a minute")

// BenchmarkEvents is the speed of the simulator: fork-join on 1 to 4096 CPUs.
func BenchmarkEvents(b *testing.B) {
	for _, topo := range []string{"synthetic:1x1", "synthetic:2x8", "synthetic:2x1x1x16x2", "synthetic:8x1x1x28x2", "synthetic:64x1x1x32x2"} {
		for _, arm := range []string{"flat", "numa"} {
			b.Run(topo+"/arm="+arm, func(b *testing.B) {
				var events, switches, tasks int64
				start := time.Now()
				for b.Loop() {
					m := simulated(b, topo)
					st := run(b, m, arm, 0, func(g *sched.G) { fib(g, sched.Arg{A: 24}) })
					events += m.Events()
					switches += m.Switches()
					tasks += st.Spawned
				}
				s := time.Since(start).Seconds()
				b.ReportMetric(float64(events)/s/1e6, "Mevents/s")
				b.ReportMetric(float64(switches)/s/1e6, "Mswitches/s")
				b.ReportMetric(float64(events)/float64(tasks), "events/task")
			})
		}
	}
}

// Ten million tasks on 448 CPUs take less than a minute and 2 GB.
func TestTenMillionTasks(t *testing.T) {
	if !*long {
		t.Skip("without -long")
	}
	m := simulated(t, "skx-8s")
	start := time.Now()
	st := run(t, m, "numa", 0, func(g *sched.G) { fib(g, sched.Arg{A: 34}) })
	d := time.Since(start)
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	t.Logf("%d tasks, %d events in %v: %.1f M events/s, %d MB", st.Spawned, m.Events(), d, float64(m.Events())/1e6/d.Seconds(), mem.Sys>>20)
	if st.Spawned < 9e6 {
		t.Errorf("only %d tasks", st.Spawned)
	}
	if mem.Sys > 2<<30 {
		t.Errorf("%d bytes of memory", mem.Sys)
	}
}
