// Package simulated runs workloads on simulated machines, in virtual time, and turns
// what comes out into results like any others. Everything it prints is simulated, and a
// seed gives the same bytes wherever it runs.
package simulated

import (
	"fmt"
	"time"

	"numasched/experiments/harness"
	"numasched/experiments/histogram"
	"numasched/experiments/workload"
	"numasched/sched"
	"numasched/sched/policy"
	"numasched/sched/sim"
	"numasched/topology"
)

// A Run is one simulated run, as --json shows it. Times are virtual.
type Run struct {
	Simulated  bool    `json:"simulated"` // always true
	Preset     string  `json:"preset"`
	Arm        string  `json:"arm"`
	Workload   string  `json:"workload"`
	Params     string  `json:"params,omitempty"`
	Procs      int     `json:"procs"`
	Seed       uint64  `json:"seed"`
	MakespanNs int64   `json:"makespan_ns"`
	Throughput float64 `json:"throughput_per_s"` // units of the workload
	Unit       string  `json:"unit"`

	WorkNs        int64   `json:"work_ns"`
	SchedulingNs  int64   `json:"scheduling_ns"`
	IdleNs        int64   `json:"idle_ns"`
	WorkInflation float64 `json:"work_inflation"` // over the same work done alone on its data's node; 0 if there was none

	Locality     float64 `json:"locality"` // share of the bytes from memory that came from the CPU's own node; -1 if none came
	HomeRuns     int64   `json:"home_runs"`
	AwayRuns     int64   `json:"away_runs"`
	StealsL3     int64   `json:"steals_l3"`
	StealsNode   int64   `json:"steals_node"`
	StealsRemote int64   `json:"steals_remote"`
	WakesLocal   int64   `json:"wakes_local"`
	WakesRemote  int64   `json:"wakes_remote"`
	Migrations   int64   `json:"thread_migrations"`

	Bandwidth []Link `json:"bandwidth"`
	Bytes     int64  `json:"bytes_from_memory"`
	Declared  int64  `json:"bytes_of_workload,omitempty"` // that it must move, by its own count
	Units     int64  `json:"units"`

	WakeP50Ns int64 `json:"wake_p50_ns"`
	WakeP99Ns int64 `json:"wake_p99_ns"`

	Reported []workload.Reported `json:"reported,omitempty"` // by the workload itself

	BoundNs    int64   `json:"lower_bound_ns"`
	BoundBy    string  `json:"lower_bound_by"`
	BoundRatio float64 `json:"makespan_over_bound"` // 0 without a bound

	Events   int64    `json:"events"`
	Hash     string   `json:"event_hash"`
	WallMs   int64    `json:"wall_ms,omitempty"` // on this computer; left out if output must not vary
	Checks   []string `json:"checks,omitempty"`  // the checks that failed
	Checked  []string `json:"checked,omitempty"` // what --check has found, with 99.9 % confidence
	Assumed  []string `json:"assumed,omitempty"`
	Warnings []string `json:"warnings,omitempty"` // what was asked for and not done

	histograms []harness.Histogram // of latencies, if any, and of wake-ups

	wall time.Duration // that this computer took to simulate Events
}

type Link struct {
	Name  string  `json:"name"`
	Bytes int64   `json:"bytes"`
	GBps  float64 `json:"GBps"`
	Share float64 `json:"share_of_peak"`
}

// A Machine is what is simulated, and the seed of all random choices there.
type Machine struct {
	Preset   *sim.Preset
	Topology *topology.Topology
	Seed     uint64

	// NoLock has flat and its kin do without Go's lock, as they do on a host
	// (policy.Arm.SchedLock): for predictions of what is measured there.
	NoLock bool

	Trace sched.SchedTrace // of Run, at virtual times; Check traces nothing
}

// Of returns the machine of a preset, with the topology that the preset names.
func Of(p *sim.Preset, seed uint64) (Machine, error) {
	topo, err := topology.Load(p.Topology)
	return Machine{Preset: p, Topology: topo, Seed: seed}, err
}

// A Lap is the watch of runs on a simulated machine.
type Lap struct {
	Machine *sim.Machine
	Wall    time.Duration // that this computer took

	before, after sim.Account
	start         time.Time
}

// Start implements [harness.Watch].
func (l *Lap) Start() {
	l.before = l.Machine.Account()
	l.start = time.Now()
}

// Stop implements [harness.Watch].
func (l *Lap) Stop() (again bool) {
	l.Wall = time.Since(l.start)
	l.after = l.Machine.Account()
	return false
}

// Account returns what has happened between Start and Stop.
func (l *Lap) Account() sim.Account { return l.after.Since(l.before) }

// Run simulates one run, after another one that warms up the caches.
func (o Machine) Run(arm string, prog workload.Program, procs int) (*Run, error) {
	a, err := policy.ByName(arm)
	if err != nil {
		return nil, err
	}
	return o.run(a, prog, procs)
}

func (o Machine) run(a policy.Arm, prog workload.Program, procs int) (*Run, error) {
	began := time.Now()
	if o.NoLock {
		a.SchedLock = false
	}
	m, err := sim.New(sim.Config{Preset: o.Preset, Topology: o.Topology})
	if err != nil {
		return nil, err
	}
	in, err := prog.New()
	if err != nil {
		return nil, err
	}
	l := Lap{Machine: m}
	of, err := harness.Measure(in, sched.Config{Machine: m, Arm: a, Procs: procs, SchedTrace: o.Trace}, harness.Repetition{Runs: 1, Warm: true, Seed: o.Seed}, &l)
	if err != nil {
		return nil, fmt.Errorf("%s, %s, %s: %w", o.Preset.Name, a.Name, prog.Name, err)
	}
	st := of.Stats
	d := l.Account()
	bound, by := m.Bound(d, procs)
	r := &Run{
		Simulated: true, Preset: o.Preset.Name, Arm: a.Name, Workload: prog.Name, Params: prog.Sizes(), Procs: procs, Seed: o.Seed,
		MakespanNs: int64(d.Now / sim.Nanosecond), Unit: prog.Unit,
		WorkNs: int64(d.Work / sim.Nanosecond), SchedulingNs: int64((d.Busy - d.Work) / sim.Nanosecond),
		IdleNs: int64(max(0, d.Now*sim.Time(procs)-d.Busy) / sim.Nanosecond),
		Bytes:  d.Near + d.Far, Declared: in.Bytes, Units: in.Tasks,
		Locality: -1, HomeRuns: st.HomeRuns, AwayRuns: st.AwayRuns,
		StealsL3: st.StealsL3, StealsNode: st.StealsNode, StealsRemote: st.StealsRemote,
		WakesLocal: st.WakesLocal, WakesRemote: st.WakesRemote, Migrations: d.Moves,
		WakeP50Ns: int64(d.Wakes.Percentile(50) / sim.Nanosecond), WakeP99Ns: int64(d.Wakes.Percentile(99) / sim.Nanosecond),
		BoundNs: int64(bound / sim.Nanosecond), BoundBy: by,
		Events: d.Events, Hash: fmt.Sprintf("%016x", m.Hash()), Assumed: o.Preset.Assumed(),
		Warnings: append(m.Warnings(), of.Warnings...),
	}
	if d.Now > 0 {
		r.Throughput = float64(in.Tasks) / (float64(d.Now) / 1e12)
	}
	if d.Ideal > 0 {
		r.WorkInflation = float64(d.Work) / float64(d.Ideal)
	}
	if d.Near+d.Far > 0 {
		r.Locality = float64(d.Near) / float64(d.Near+d.Far)
	}
	for _, u := range d.Resources {
		if u.Bytes > 0 {
			rate := float64(u.Bytes) / float64(d.Now) * 1e6 // bytes per microsecond
			r.Bandwidth = append(r.Bandwidth, Link{u.Name, u.Bytes, rate / 1000, rate / float64(u.Full)})
		}
	}
	if bound > 0 {
		r.BoundRatio = float64(d.Now) / float64(bound)
	}
	r.Reported = in.Reported()
	if h := in.Latencies(); h != nil {
		r.histograms = append(r.histograms, harness.Histogram{Unit: harness.Latency, Histogram: h})
	}
	wakes := new(histogram.Histogram)
	for t, n := range d.Wakes.All() {
		wakes.AddMany(int64(t/sim.Nanosecond), n)
	}
	if wakes.Len() > 0 {
		r.histograms = append(r.histograms, harness.Histogram{Unit: harness.Wake, Histogram: wakes})
	}
	r.verify()
	r.wall = l.Wall
	r.WallMs = time.Since(began).Milliseconds()
	return r, nil
}

// ForgetWall drops what depends on the computer that simulated.
func (r *Run) ForgetWall() { r.WallMs, r.wall = 0, 0 }
