package calibrate

import (
	"slices"
	"time"

	"numasched/experiments/harness"
	"numasched/experiments/simulated"
	"numasched/experiments/workload"
	"numasched/sched"
	"numasched/sched/host"
	"numasched/sched/policy"
	"numasched/sched/sim"
)

// A Timing is how long runs of a workload took, in ns per unit.
type Timing struct{ Least, Median float64 }

// better is the one of two timings with the least time; the zero Timing is none.
func (t Timing) better(than Timing) Timing {
	if t.Least == 0 || than.Least < t.Least {
		return than
	}
	return t
}

// measure runs a program on a machine as the harness does, under the arm flat. It
// returns the number of units of work in a run.
func measure(prog workload.Program, machine sched.Config, w harness.Watch) (units float64, err error) {
	if machine.Arm, err = policy.ByName("flat"); err != nil {
		return 0, err
	}
	machine.Arm.SchedLock = false // the host has none either, and is to be compared with
	in, err := prog.New()
	if err != nil {
		return 0, err
	}
	_, err = harness.Measure(in, machine, harness.Repetition{Runs: 1, Warm: true, Seed: 1}, w)
	return float64(in.Tasks), err
}

// timings is the watch of runs that go on for a third of a second.
type timings struct {
	start time.Time
	sum   time.Duration
	times []float64 // ns
}

func (l *timings) Start() { l.start = time.Now() }

func (l *timings) Stop() (again bool) {
	took := time.Since(l.start)
	l.times, l.sum = append(l.times, float64(took)), l.sum+took
	return len(l.times) < 7 || l.sum < time.Second/3
}

// onHost times a program on this host.
func onHost(prog workload.Program, procs int) (t Timing, err error) {
	m, err := host.New(host.Config{Procs: procs})
	if err != nil {
		return t, err
	}
	defer m.Close()
	var l timings
	units, err := measure(prog, sched.Config{Machine: m, Procs: procs}, &l)
	if err != nil {
		return t, err
	}
	slices.Sort(l.times)
	return Timing{l.times[0] / units, l.times[len(l.times)/2] / units}, nil
}

// simulatedNs returns what a unit of the program takes on the simulated machine, in
// virtual ns, after a run that warms its caches up.
func simulatedNs(prog workload.Program, p *sim.Preset, procs int) (ns float64, err error) {
	m, err := sim.New(sim.Config{Preset: p})
	if err != nil {
		return 0, err
	}
	l := simulated.Lap{Machine: m}
	units, err := measure(prog, sched.Config{Machine: m, Procs: procs}, &l)
	if err != nil {
		return 0, err
	}
	return float64(l.Account().Now/sim.Nanosecond) / units, nil
}
