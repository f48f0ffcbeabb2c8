package calibrate

import (
	"fmt"
	"slices"
	"time"

	"numasched/experiments/workload"
	"numasched/sched"
	"numasched/sched/host"
	"numasched/sched/policy"
	"numasched/sched/sim"
	"numasched/topology"
)

// A program is a workload with its sizes.
type program struct {
	*workload.Workload
	params workload.Params
}

// quick is a workload with its quick sizes.
func quick(name string) (program, error) {
	w := workload.ByName(name)
	if w == nil {
		return program{}, fmt.Errorf("unknown workload %q", name)
	}
	return program{w, w.Defaults(true)}, nil
}

// A Timing is how long runs of a workload took, in ns per unit.
type Timing struct{ Least, Median float64 }

// on sets the program up on a machine and calls f with its instance and what runs it
// once.
func (w program) on(m sched.Machine, arm string, procs int, f func(in *workload.Instance, once func() error) error) error {
	a, err := policy.ByName(arm)
	if err != nil {
		return err
	}
	in, err := w.New(w.params)
	if err != nil {
		return err
	}
	s, err := sched.New(sched.Config{Machine: m, Arm: a, Procs: procs, Seed: 1})
	if err != nil {
		return err
	}
	if in.Setup != nil {
		err = in.Setup(s)
	}
	if err == nil {
		err = f(in, func() error {
			var wrong error
			if err := s.Run(func(g *sched.G) { wrong = in.Run(g) }); err != nil {
				return err
			}
			return wrong
		})
	}
	if e := s.Close(); err == nil {
		err = e
	}
	return err
}

// onHost runs the program on this host for a third of a second.
func (w program) onHost(arm string, procs int) (t Timing, err error) {
	m, err := host.New(host.Config{Procs: procs})
	if err != nil {
		return t, err
	}
	defer m.Close()
	err = w.on(m, arm, procs, func(in *workload.Instance, once func() error) error {
		var times []float64
		for began := time.Now(); len(times) < 8 || time.Since(began) < time.Second/3; {
			start := time.Now()
			if err := once(); err != nil {
				return err
			}
			times = append(times, float64(time.Since(start))/float64(in.Tasks))
		}
		times = times[1:] // the first warms up
		slices.Sort(times)
		t = Timing{times[0], times[len(times)/2]}
		return nil
	})
	return t, err
}

// simulated returns what a unit of the program takes on the simulated machine, in
// virtual ns, after a run that warms its caches up.
func (w program) simulated(p *sim.Preset, arm string, procs int) (ns float64, err error) {
	topo, err := topology.Load(p.Topology)
	if err != nil {
		return 0, err
	}
	m, err := sim.New(sim.Config{Preset: p, Topology: topo})
	if err != nil {
		return 0, err
	}
	err = sim.Guard(func() error {
		return w.on(m, arm, procs, func(in *workload.Instance, once func() error) error {
			if err := once(); err != nil {
				return err
			}
			before := m.Account()
			if err := once(); err != nil {
				return err
			}
			ns = float64(m.Account().Since(before).Now/sim.Nanosecond) / float64(in.Tasks)
			return nil
		})
	})
	return ns, err
}
