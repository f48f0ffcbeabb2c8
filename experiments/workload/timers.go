package workload

import (
	"fmt"
	"sync/atomic"
	"time"

	"numasched/experiments/histogram"
	"numasched/sched"
)

// timers has Gs that sleep for random times and compute a little, each under a deadline
// that is set anew every time and never comes: what a server with many idle connections
// does. The result is how late the Gs wake up, until they run. How long a run takes says
// nothing, because the sleeps decide it.
var timers = &Workload{
	Name: "timers",
	Doc:  "Gs that sleep, compute a little and set deadlines that never come: how late they wake",
	Unit: "sleep",
	Open: true,
	Params: []Param{
		{Name: "n", Doc: "Gs for each P", Default: 64, Quick: 8, Min: 1, Max: 1 << 20},
		{Name: "sleeps", Doc: "sleeps of each", Default: 100, Quick: 3, Min: 1, Max: 1 << 30},
		{Name: "sleep", Doc: "mean time that each lasts, in ns", Default: 1000000, Min: 16, Max: 1 << 40},
		{Name: "ops", Doc: "steps of computation after it, about 1 ns each", Default: 2000, Min: 0, Max: 1 << 40},
		{Name: "seed", Doc: "of the times", Default: 1, Min: 0, Max: 1 << 62},
	},
	New: func(p Params) (*Instance, error) {
		perP, sleeps, mean, ops, seed := int(p["n"]), int(p["sleeps"]), p["sleep"], p["ops"], uint64(p["seed"])
		const deadline = time.Hour
		var late []int64 // of each sleep, in ns
		var all histogram.Histogram
		var fired atomic.Int64 // deadlines
		in := &Instance{Warmed: func() { all = histogram.Histogram{} }}
		lasts := func(k int) time.Duration { return time.Duration(1 + exponential(mix64(seed<<40+uint64(k)), mean)) }
		report := func() error {
			for k, ns := range late {
				if ns < 0 {
					return fmt.Errorf("timers: sleep %d ended %d ns early", k, -ns)
				}
				all.Add(max(1, ns))
			}
			if n := fired.Load(); n > 0 {
				return fmt.Errorf("timers: %d deadlines came, want none", n)
			}
			in.ReportLatencies(&all)
			in.ReportStarts(&all) // a sleep is over when it should be, and nothing else is late
			return nil
		}
		in.Setup = func(s *sched.Sched) error {
			late = make([]int64, procsOf(s)*perP*sleeps)
			in.Tasks = int64(len(late))
			return nil
		}
		in.Run = func(g *sched.G) error {
			for k := range late {
				late[k] = -1
			}
			var gr sched.Group
			for first := 0; first < len(late); first += sleeps {
				gr.Go(g, func(g *sched.G) {
					limit := g.AfterFunc(deadline, func(*sched.G) { fired.Add(1) })
					w, compute := sched.Work{Kernel: "spin", Ops: ops * spinOps}, func() { sink(spin(uint64(first), ops)) }
					for k := first; k < first+sleeps; k++ {
						d := lasts(k)
						due := g.Nanotime() + int64(d)
						g.Sleep(d)
						late[k] = g.Nanotime() - due
						g.Work(w, compute)
						limit.Reset(g, deadline)
					}
					limit.Stop(g)
				})
			}
			gr.Wait(g)
			return report()
		}
		in.Stock = func() error {
			for k := range late {
				late[k] = -1
			}
			stockLoop(len(late)/sleeps, func(i int) {
				limit := time.AfterFunc(deadline, func() { fired.Add(1) })
				for k := i * sleeps; k < (i+1)*sleeps; k++ {
					d := lasts(k)
					start := time.Now()
					time.Sleep(d)
					late[k] = int64(time.Since(start) - d)
					sink(spin(uint64(i), ops))
					limit.Reset(deadline)
				}
				limit.Stop()
			})
			return report()
		}
		return in, nil
	},
}
