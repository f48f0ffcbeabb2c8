package calibrate

import (
	"math"
	"time"

	"numasched/experiments/workload"
	"numasched/sched"
	"numasched/sched/host"
)

// A stopwatch times the kernels that it is given, by name.
type stopwatch struct {
	kernels map[string]*laps
	idle    float64 // what timing a kernel takes that does nothing
}

type laps struct {
	n, ops int64
	ns     float64
}

// time does a Work. One P uses it.
func (s *stopwatch) time(w *sched.Work, kernel func()) {
	start := time.Now()
	kernel()
	took := float64(time.Since(start)) - s.idle
	if w.Kernel == "" || w.Ops == 0 {
		return
	}
	l := s.kernels[w.Kernel]
	if l == nil {
		l = new(laps)
		s.kernels[w.Kernel] = l
	}
	l.n++
	l.ops += w.Ops
	l.ns += took
}

// timeKernels times the kernels of the workloads, each alone, with data in the caches.
func (c *calibration) timeKernels() error {
	lesser(c.kernels, "uts", best(func() float64 {
		const n = 1 << 12
		return each(n*workload.UTSOps, func() { sink.Add(uint64(workload.MakeUTSChildren(n))) })
	}))
	ops := workload.PlaceQueens(8)
	lesser(c.kernels, "nqueens", best(func() float64 { return each(int(ops), func() { sink.Add(uint64(workload.PlaceQueens(8))) }) }))
	for _, w := range workload.All {
		if w.InCaches == "" {
			continue
		}
		prog, err := w.Parse(w.InCaches, false)
		if err != nil {
			return err
		}
		least, err := timeKernels(prog)
		if err != nil {
			return err
		}
		for name, ns := range least {
			lesser(c.kernels, name, ns)
		}
	}
	return nil
}

// timeKernels returns the least time of an operation of each kernel of a program, in
// ns, over a number of runs.
func timeKernels(prog workload.Program) (map[string]float64, error) {
	m, err := host.New(host.Config{Procs: 1})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	watch := &stopwatch{kernels: map[string]*laps{}}
	empty := &sched.Work{}
	watch.idle = best(func() float64 {
		const n = 1 << 12
		start := time.Now()
		for range n {
			watch.time(empty, func() {})
		}
		return float64(time.Since(start)) / n
	}) / 2 // of two readings of the clock one lies in the time that they measure
	least := kernelLaps{watch: watch, least: map[string]float64{}}
	_, err = measure(prog, sched.Config{Machine: &host.Instrumented{Machine: m, Do: watch.time}, Procs: 1}, &least)
	return least.least, err
}

// kernelLaps is the watch of runs that go on for a twentieth of a second.
type kernelLaps struct {
	watch *stopwatch
	least map[string]float64 // ns of an operation of each kernel
	began time.Time
	n     int
}

func (l *kernelLaps) Start() {
	if l.n == 0 {
		l.began = time.Now()
	}
	l.watch.kernels = map[string]*laps{}
}

func (l *kernelLaps) Stop() (again bool) {
	for name, k := range l.watch.kernels {
		if k.ns < 4*l.watch.idle*float64(k.n) {
			continue // it is over before a clock can tell: it counts as its workload says
		}
		if _, ok := l.least[name]; !ok {
			l.least[name] = math.Inf(1)
		}
		l.least[name] = min(l.least[name], k.ns/float64(k.ops))
	}
	l.n++
	return l.n < 16 || time.Since(l.began) < time.Second/20
}
