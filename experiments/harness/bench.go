package harness

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"numasched/experiments/peers"
	"numasched/experiments/workload"
	"numasched/sched"
	"numasched/sched/host"
	"numasched/sched/policy"
	"numasched/topology"
)

// Goroutine is the arm that runs a workload's stock version on GOMAXPROCS
// threads of Go's own scheduler.
const Goroutine = "goroutine"

// HostBench measures on this machine. Topos are the plan's topologies by label. A
// topology that is not the host's is pretended.
func HostBench(topos map[string]*topology.Topology) Bench {
	return func(c *PlanCell, rep Repetition) (Outcome, error) {
		w := workload.ByName(c.Workload)
		if w == nil {
			return Outcome{}, fmt.Errorf("unknown workload %q", c.Workload)
		}
		params, err := w.Parse(c.Params)
		if err != nil {
			return Outcome{}, err
		}
		in, err := w.New(params)
		if err != nil {
			return Outcome{}, err
		}
		// Collect what the last repetition left behind, so that no arm pays for the
		// garbage of another.
		runtime.GC()
		if c.Arm == Goroutine {
			return benchStock(c, w, in, rep)
		}
		if peer := peers.ByName(c.Arm); peer != nil {
			return benchPeer(c, w, in, params, rep, peer)
		}
		return benchSched(c, w, in, rep, topos[c.Topo])
	}
}

func benchStock(c *PlanCell, w *workload.Workload, in *workload.Instance, rep Repetition) (out Outcome, err error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(c.Procs))
	if in.Setup != nil {
		if err := in.Setup(nil); err != nil {
			return out, err
		}
	}
	if rep.Warm {
		if err := in.Stock(); err != nil {
			return out, err
		}
	}
	start := time.Now()
	for range rep.Runs {
		if err := in.Stock(); err != nil {
			return out, err
		}
	}
	out.Elapsed = time.Since(start)
	if in.Check != nil {
		if err := in.Check(nil); err != nil {
			return out, err
		}
	}
	out.Why = "stock goroutines are not bound"
	out.Values = timing(w, in, out.Elapsed, rep.Runs)
	return out, nil
}

func benchPeer(c *PlanCell, w *workload.Workload, in *workload.Instance, params workload.Params, rep Repetition, peer *peers.Peer) (out Outcome, err error) {
	if out.Elapsed, err = peer.Measure(w.Name, params, c.Procs, rep.Runs, rep.Warm); err != nil {
		return out, err
	}
	out.Why = "peers are not bound"
	out.Values = timing(w, in, out.Elapsed, rep.Runs)
	return out, nil
}

func benchSched(c *PlanCell, w *workload.Workload, in *workload.Instance, rep Repetition, topo *topology.Topology) (out Outcome, err error) {
	arm, err := policy.ByName(c.Arm)
	if err != nil {
		return out, err
	}
	// The topology is that of the beginning of the run. If a CPU has gone offline
	// since then, a thread cannot be bound, and the outcome says so.
	m, err := host.New(host.Config{Topology: topo, Procs: c.Procs})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	s, err := sched.New(sched.Config{Machine: m, Arm: arm, Procs: c.Procs, Seed: rep.Seed})
	if err != nil {
		return out, err
	}
	closed := false
	defer func() {
		if !closed {
			s.Close() // its error is the one that is returned already
		}
	}()
	if in.Setup != nil {
		if err := in.Setup(s); err != nil {
			return out, err
		}
	}
	run := func(times int) error {
		var wrong error
		err := s.Run(func(g *sched.G) {
			for range times {
				if wrong = in.Run(g); wrong != nil {
					return
				}
			}
		})
		return errors.Join(err, wrong)
	}
	if rep.Warm {
		if err := run(1); err != nil {
			return out, err
		}
	}
	s.Quiesce()
	before := s.Stats()
	local, remote := m.PageTouches()
	start := time.Now()
	if err := run(rep.Runs); err != nil {
		return out, err
	}
	out.Elapsed = time.Since(start)
	s.Quiesce()
	st := s.Stats().Sub(before)
	if in.Check != nil {
		if err := in.Check(s); err != nil {
			return out, err
		}
	}
	out.Values = append(timing(w, in, out.Elapsed, rep.Runs), counts(w, float64(in.Tasks)*float64(rep.Runs), &st)...)

	if in.Touches != nil {
		if local, all := in.Touches(); all > 0 {
			out.Values = append(out.Values, Value{100 * float64(local) / float64(all), UnitTouched})
		}
	}
	nowLocal, nowRemote := m.PageTouches()
	local, remote = nowLocal-local, nowRemote-remote
	if local+remote > 0 {
		out.Values = append(out.Values, Value{100 * float64(local) / float64(local+remote), UnitPages})
	}
	out.Warnings = append(m.Warnings(), s.Warnings()...)
	out.Wanted = arm.Bind
	bindErrs := s.BindErrors()
	switch {
	case !arm.Bind:
		out.Why = "the arm does not bind threads"
	case m.Pretended():
		out.Why = "the nodes are pretended"
	case len(bindErrs) > 0:
		out.Why = bindErrs[0].Error()
	default:
		out.Bound = true
	}
	closed = true
	return out, s.Close()
}

// timing returns the time per unit of work, and the bandwidth if the workload says
// how many bytes it moves.
func timing(w *workload.Workload, in *workload.Instance, elapsed time.Duration, runs int) []Value {
	vs := []Value{{float64(elapsed.Nanoseconds()) / (float64(in.Tasks) * float64(runs)), "ns/" + w.Unit}}
	if in.Bytes > 0 {
		vs = append(vs, Value{float64(in.Bytes) * float64(runs) / elapsed.Seconds() / 1e6, "MB/s"})
	}
	return vs
}

// counts returns what the scheduler counted while it did that many units of work.
func counts(w *workload.Workload, units float64, st *sched.Stats) []Value {
	var vs []Value
	if runs := st.HomeRuns + st.AwayRuns; runs > 0 {
		vs = append(vs, Value{100 * float64(st.HomeRuns) / float64(runs), UnitLocal})
	}
	local, remote := StealUnits(w.Unit)
	vs = append(vs,
		Value{float64(st.StealsL3+st.StealsNode) / units, local},
		Value{float64(st.StealsRemote) / units, remote},
	)
	if st.Samples > 0 {
		vs = append(vs,
			Value{100 * float64(st.OnNode) / float64(st.Samples), UnitBound},
			Value{float64(st.Samples), UnitBoundSamples})
	}
	return vs
}
