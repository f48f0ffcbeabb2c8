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
	return func(c *PlanCell, rep Repetition) (out Outcome, err error) {
		w := workload.ByName(c.Workload)
		if w == nil {
			return out, fmt.Errorf("unknown workload %q", c.Workload)
		}
		prog, err := w.Parse(c.Params, false)
		if err != nil {
			return out, err
		}
		in, err := prog.New()
		if err != nil {
			return out, err
		}
		// Collect what the last repetition left behind, so that no arm pays for the
		// garbage of another.
		runtime.GC()
		if peer := peers.ByName(c.Arm); peer != nil {
			out.Why = "peers are not bound"
			out.Elapsed, err = peer.Measure(w.Name, prog.Params, c.Procs, rep.Runs, rep.Warm)
		} else if c.Arm == Goroutine {
			out.Why = "stock goroutines are not bound"
			t := stopwatch{procs: c.Procs}
			_, err = Measure(in, sched.Config{Procs: c.Procs}, rep, &t)
			out.Elapsed, out.Values = t.elapsed, append(reported(in), t.values()...)
		} else {
			err = out.measure(c, w, in, rep, topos[c.Topo])
		}
		if h := in.Latencies(); h != nil {
			out.Histograms = []Histogram{{Latency, h}}
		}
		if h := in.Starts(); h != nil {
			out.Histograms = append(out.Histograms, Histogram{Start, h})
			for _, m := range []*Metric{Start50, Start999} {
				out.Values = append(out.Values, Value{Value: float64(h.Quantile(m.Part, 1000)), Unit: m.Unit})
			}
		}
		out.Values = append(timing(w, in, out.Elapsed, rep.Runs), out.Values...)
		return out, err
	}
}

// measure measures an arm of this module's.
func (out *Outcome) measure(c *PlanCell, w *workload.Workload, in *workload.Instance, rep Repetition, topo *topology.Topology) error {
	arm, err := policy.ByName(c.Arm)
	if err != nil {
		return err
	}
	// The topology is that of the beginning of the run. If a CPU has gone offline
	// since then, a thread cannot be bound, and the outcome says so.
	m, err := host.New(host.Config{Topology: topo, Procs: c.Procs})
	if err != nil {
		return err
	}
	t := stopwatch{procs: c.Procs, touches: m.PageTouches}
	of, err := Measure(in, sched.Config{Machine: m, Arm: arm, Procs: c.Procs}, rep, &t)
	if err = errors.Join(err, m.Close()); err != nil {
		return err
	}
	out.Elapsed = t.elapsed
	out.Values = counts(w, float64(in.Tasks)*float64(rep.Runs), &of.Stats)
	out.Values = append(out.Values, reported(in)...)
	out.Values = append(out.Values, t.values()...)
	out.Warnings = append(m.Warnings(), of.Warnings...)
	out.Wanted = arm.Bind
	switch {
	case !arm.Bind:
		out.Why = "the arm does not bind threads"
	case m.Pretended():
		out.Why = "the nodes are pretended"
	case len(of.BindErrs) > 0:
		out.Why = of.BindErrs[0].Error()
	default:
		out.Bound = true
	}
	return nil
}

// A stopwatch is the watch of this host.
type stopwatch struct {
	procs   int
	touches func() (local, remote int64) // of pages, so far; nil: nobody counts

	clock         float64 // the lesser one of before and after
	cpu           time.Duration
	start         time.Time
	elapsed       time.Duration
	local, remote int64 // pages touched meanwhile
	peak          int64 // bytes of memory; 0 if not known
}

func (t *stopwatch) Start() {
	t.clock = effectiveClock(t.threads())
	if t.touches != nil {
		t.local, t.remote = t.touches()
	}
	forgetPeak()
	t.cpu = ownCPUTime()
	t.start = time.Now()
}

func (t *stopwatch) Stop() bool {
	t.elapsed = time.Since(t.start)
	t.cpu = ownCPUTime() - t.cpu
	t.peak = peakMemory()
	if t.touches != nil {
		local, remote := t.touches()
		t.local, t.remote = local-t.local, remote-t.remote
	}
	t.clock = min(t.clock, effectiveClock(t.threads()))
	return false
}

// threads is how many run at a time.
func (t *stopwatch) threads() int { return max(1, min(t.procs, runtime.NumCPU())) }

// values returns what the stopwatch has seen besides the time.
func (t *stopwatch) values() (vs []Value) {
	if all := t.local + t.remote; all > 0 {
		vs = append(vs, Value{100 * float64(t.local) / float64(all), Pages.Unit})
	}
	vs = append(vs, Value{round3(t.clock), Clock.Unit})
	if t.cpu > 0 { // the collector and sysmon have threads of their own
		vs = append(vs, Value{round3(min(100, 100*t.cpu.Seconds()/(t.elapsed.Seconds()*float64(t.procs)))), Busy.Unit})
	}
	if t.peak > 0 {
		vs = append(vs, Value{round3(float64(t.peak) / 1e6), Peak.Unit})
	}
	return vs
}

// timing returns the time per unit of work, and the bandwidth if the workload says
// how many bytes it moves.
func timing(w *workload.Workload, in *workload.Instance, elapsed time.Duration, runs int) []Value {
	vs := []Value{{float64(elapsed.Nanoseconds()) / (float64(in.Tasks) * float64(runs)), Time.In(w.Unit)}}
	if in.Bytes > 0 {
		vs = append(vs, Value{float64(in.Bytes) * float64(runs) / elapsed.Seconds() / 1e6, Bandwidth.Unit})
	}
	return vs
}

// reported returns what the workload has counted itself.
func reported(in *workload.Instance) (vs []Value) {
	for _, r := range in.Reported() {
		vs = append(vs, Value(r))
	}
	return vs
}

// counts returns what the scheduler counted while it did that many units of work.
func counts(w *workload.Workload, units float64, st *sched.Stats) []Value {
	var vs []Value
	if runs := st.HomeRuns + st.AwayRuns; runs > 0 {
		vs = append(vs, Value{100 * float64(st.HomeRuns) / float64(runs), Local.Unit})
	}
	vs = append(vs,
		Value{float64(st.StealsL3+st.StealsNode) / units, StealsNear.In(w.Unit)},
		Value{float64(st.StealsRemote) / units, StealsFar.In(w.Unit)},
	)
	if st.Samples > 0 {
		vs = append(vs,
			Value{100 * float64(st.OnNode) / float64(st.Samples), OnNode.Unit},
			Value{float64(st.Samples), Samples.Unit})
	}
	return vs
}
