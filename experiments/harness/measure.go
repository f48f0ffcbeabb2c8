package harness

import (
	"errors"
	"runtime"

	"numasched/experiments/workload"
	"numasched/sched"
	"numasched/sched/sim"
)

// A Watch sees when timed runs begin and end.
type Watch interface {
	Start() // the first of the runs is next

	// Stop reports whether all shall be done once more. The last of the runs has
	// ended, and the scheduler may still be busy with what they left.
	Stop() (again bool)
}

// A Measured is what [Measure] leaves.
type Measured struct {
	Sched    *sched.Sched // closed; nil for plain goroutines
	Stats    sched.Stats  // of the last timed runs
	Warnings []string     // what was asked of the scheduler and not done
	BindErrs []error      // why Ms could not be bound
}

// Measure is how anything here runs a workload, whatever the machine: it sets in up,
// runs it once to warm up if rep says so, then rep.Runs times while w watches, and
// checks its answers. cfg says on which machine, under which arm and with how many Ps.
// Without a machine in runs in plain goroutines, on cfg.Procs threads. w may be nil.
//
// A scheduler has nothing left to do when counting begins and when it ends.
func Measure(in *workload.Instance, cfg sched.Config, rep Repetition, w Watch) (m *Measured, err error) {
	if cfg.Machine == nil {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cfg.Procs))
		m = new(Measured)
		return m, m.measure(in, rep, w)
	}
	cfg.Seed = rep.Seed
	s, err := sched.New(cfg)
	if err != nil {
		return nil, err
	}
	m = &Measured{Sched: s}
	err = sim.Guard(func() error { return m.measure(in, rep, w) })
	if errors.As(err, new(*sim.StallError)) {
		return nil, err // what stands still cannot be closed
	}
	m.Warnings, m.BindErrs = s.Warnings(), s.BindErrors()
	if e := sim.Guard(s.Close); err == nil {
		err = e
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Measured) measure(in *workload.Instance, rep Repetition, w Watch) error {
	if in.Setup != nil {
		if err := in.Setup(m.Sched); err != nil {
			return err
		}
	}
	if rep.Warm {
		if err := m.run(in, 1); err != nil {
			return err
		}
		if in.Warmed != nil {
			in.Warmed()
		}
	}
	for again := true; again; {
		before := m.counts()
		if w != nil {
			w.Start()
		}
		if err := m.run(in, rep.Runs); err != nil {
			return err
		}
		again = w != nil && w.Stop()
		m.Stats = m.counts().Sub(before)
	}
	if in.Check != nil {
		return in.Check(m.Sched)
	}
	return nil
}

// run runs an instance as often as times says.
func (m *Measured) run(in *workload.Instance, times int) (wrong error) {
	if m.Sched == nil {
		for range times {
			if err := in.Stock(); err != nil {
				return err
			}
		}
		return nil
	}
	err := m.Sched.Run(func(g *sched.G) {
		for range times {
			if wrong = in.Run(g); wrong != nil {
				return
			}
		}
	})
	return errors.Join(err, wrong)
}

// counts returns what the scheduler has counted once it has nothing left to do.
func (m *Measured) counts() sched.Stats {
	if m.Sched == nil {
		return sched.Stats{}
	}
	m.Sched.Quiesce()
	return m.Sched.Stats()
}
