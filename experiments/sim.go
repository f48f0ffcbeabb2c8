package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"numasched/experiments/harness"
	"numasched/experiments/scenario"
	"numasched/experiments/workload"
	"numasched/sched"
	"numasched/sched/policy"
	"numasched/sched/sim"
	"numasched/sched/sim/micro"
	"numasched/topology"
)

const simDoc = `Runs the scheduler on simulated machines, in virtual time. Everything it prints
is simulated. Every run is checked: it must not beat the lower bound, its time must
be accounted for, and one P must neither steal nor wait. --check makes 9 to 65 more
runs of each, over 4 to 16 seeds, until a difference of 1 % shows or is excluded:
with all latencies doubled nothing may get faster, and with all latencies equal (on
one node) numa must take as long as flat.

The arm numa-wrongmap does not separate sharding from locality. A node of its map has
CPUs of several real nodes, the node of its data among them, and whichever CPU is fast
empties the queue. So more of its bytes are local than chance gives: see the column
"local". With half of the CPUs the deal is uneven, too, and the seed decides.

--out writes a result directory; --verify DIR runs what is in one again. --scenario
FILE runs what a file describes, and --microbench measured tables: both take --json.

Arms:

`

// A simRun is one simulated run, as --json shows it. Times are virtual.
type simRun struct {
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

	Bandwidth []simLink `json:"bandwidth"`
	Bytes     int64     `json:"bytes_from_memory"`
	Declared  int64     `json:"bytes_of_workload,omitempty"` // that it must move, by its own count
	Units     int64     `json:"units"`

	WakeP50Ns int64 `json:"wake_p50_ns"`
	WakeP99Ns int64 `json:"wake_p99_ns"`

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

	wall time.Duration // that this computer took to simulate Events
}

type simLink struct {
	Name  string  `json:"name"`
	Bytes int64   `json:"bytes"`
	GBps  float64 `json:"GBps"`
	Share float64 `json:"share_of_peak"`
}

// simOptions is what a run needs besides its arm, workload and procs.
type simOptions struct {
	preset *sim.Preset
	topo   *topology.Topology
	seed   uint64
}

// simFlags is the command line of sim.
type simFlags struct {
	presets, arms, workloads, procs string
	scenario, out, verify           string
	seed                            uint64
	full, json, check, wall, micro  bool
}

func simCommand(line []string) *cobra.Command { return new(simFlags).command(line) }

// command returns the command that sets f.
func (f *simFlags) command(line []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "run the scheduler on a simulated machine, in virtual time",
		Long:  simDoc + schedulersHelp() + "\nPresets:\n\n" + wrapList(sim.PresetNames()),
		Example: `  experiments sim --preset skx-2x8180 --arm flat,numa --workload fib:n=20,triad
  experiments sim --preset synthetic:4x8 --arm all --workload heat --procs 8,16,32 --json
  experiments sim --preset snb-4s-ring,skx-8s --arm gm,flat,numa --workload triad,fib --procs 1/4,all --out results/mine
  experiments sim --verify results/mine
  experiments sim --scenario experiments/scenario/studies/azusa-2002.json
  experiments sim --microbench --preset skx-2x8180`,
		Args: noListItems,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.checkFlags(cmd.Flags()); err != nil {
				return err
			}
			return f.simulate(line, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.presets, "preset", "", "comma-separated `LIST` of machines: presets, synthetic:NxC, or a file.json\nas \"experiments calibrate\" writes it")
	fs.StringVar(&f.arms, "arm", "flat,numa", "comma-separated `LIST` of arms, or \"all\"")
	fs.StringVar(&f.workloads, "workload", "fib", "comma-separated `LIST` of workloads; sizes as in fib:n=32")
	fs.StringVar(&f.procs, "procs", "all", "comma-separated `LIST` of numbers of Ps, or shares of a machine's CPUs, as in 1/4,1/2,all")
	fs.Uint64Var(&f.seed, "seed", 1, "`SEED` of random choices")
	fs.BoolVar(&f.full, "full", false, "default sizes; otherwise the quick ones")
	fs.BoolVar(&f.json, "json", false, "print JSON")
	fs.BoolVar(&f.check, "check", false, "check the invariants that take more runs, 9 to 65 for each")
	fs.BoolVar(&f.wall, "wall", true, "say how long this computer took; --wall=false for output that never varies")
	fs.StringVar(&f.scenario, "scenario", "", "run what `FILE` describes, see experiments/scenario")
	fs.BoolVar(&f.micro, "microbench", false, "run MLC, likwid and core-to-core on the presets and compare with the measured tables")
	fs.StringVar(&f.out, "out", "", "write a result `DIR`, which must not exist, for report, plot and compare, and say what was found")
	fs.StringVar(&f.verify, "verify", "", "run what is in the result `DIR` again and compare it byte for byte")
	complete(cmd, "preset", completeList(sim.PresetNames(), true))
	complete(cmd, "arm", completeList(append(schedulerNames(), "all"), false))
	complete(cmd, "workload", completeList(append(workloadNames(), "quick", "all"), false))
	complete(cmd, "procs", completeList([]string{"1/8", "1/4", "1/2", "all"}, false))
	complete(cmd, "scenario", cobra.FixedCompletions([]cobra.Completion{"json"}, cobra.ShellCompDirectiveFilterFileExt))
	complete(cmd, "out", completeDirs)
	complete(cmd, "verify", completeDirs)
	return cmd
}

// parse reads the arguments of a sim command that a result directory keeps.
func (f *simFlags) parse(args []string) error {
	cmd := f.command(nil)
	if err := cmd.ParseFlags(args); err != nil {
		return flagError(cmd, args, err)
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		return err
	}
	return f.checkFlags(cmd.Flags())
}

// checkFlags refuses flags that exclude each other.
func (f *simFlags) checkFlags(fs *pflag.FlagSet) (err error) {
	// A flag that would have no effect is an error: whoever sets it expects one.
	alone := map[string][]string{"scenario": {"json"}, "microbench": {"json", "preset"}, "verify": nil}
	for _, mode := range []string{"scenario", "microbench", "verify"} {
		if !map[string]bool{"scenario": f.scenario != "", "microbench": f.micro, "verify": f.verify != ""}[mode] {
			continue
		}
		fs.Visit(func(set *pflag.Flag) {
			if err == nil && set.Name != mode && !slices.Contains(alone[mode], set.Name) {
				err = usagef("--%s and --%s exclude each other", mode, set.Name)
			}
		})
		return err
	}
	if f.out == "" {
		return nil
	}
	for name, set := range map[string]bool{"--json": f.json, "--check": f.check} {
		if set {
			return usagef("--out and %s exclude each other", name)
		}
	}
	return nil
}

// simulate does what the flags say; line is the whole command line.
func (f *simFlags) simulate(line []string, stdout, stderr io.Writer) error {
	switch {
	case f.micro:
		return simMicro(splitList(f.presets), f.json, stdout, stderr)
	case f.scenario != "":
		return simScenario(f.scenario, f.json, stdout, stderr)
	case f.verify != "":
		return verifySweep(f.verify, stdout, stderr)
	}
	sw, err := f.sweep()
	if err != nil {
		return err
	}
	if f.out != "" {
		return sw.write(f.out, line, stdout, stderr)
	}
	var jobs []job[*simRun]
	for _, c := range sw.cells {
		jobs = append(jobs, job[*simRun]{c.title(), func() (*simRun, error) {
			r, err := c.run(c.arm, c.prog, c.procs)
			if err == nil && f.check {
				err = c.check(r, c.arm, c.prog, c.procs)
			}
			if r != nil && !f.wall {
				r.WallMs, r.wall = 0, 0
			}
			return r, err
		}})
	}
	runs, err := inParallel(stderr, jobs)
	if err != nil {
		return err
	}
	return showSim(runs, f.json, stdout)
}

// showSim prints runs. The error is the first check that failed.
func showSim(runs []*simRun, asJSON bool, w io.Writer) error {
	if asJSON {
		if err := printJSON(w, runs); err != nil {
			return err
		}
	} else {
		printSim(w, runs)
	}
	return failedCheck(runs)
}

// failedCheck returns the first check that failed.
func failedCheck(runs []*simRun) error {
	for _, r := range runs {
		if len(r.Checks) > 0 {
			return fmt.Errorf("%s %s %s %d: %s", r.Preset, r.Arm, r.Workload, r.Procs, r.Checks[0])
		}
	}
	return nil
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(v)
}

// run simulates one run, after another one that warms up the caches.
func (o simOptions) run(arm string, prog workload.Program, procs int) (*simRun, error) {
	began := time.Now()
	m, err := sim.New(sim.Config{Preset: o.preset, Topology: o.topo})
	if err != nil {
		return nil, err
	}
	a, err := policy.ByName(arm)
	if err != nil {
		return nil, err
	}
	in, err := prog.New()
	if err != nil {
		return nil, err
	}
	l := harness.SimulatedLap{Machine: m}
	of, err := harness.Measure(in, sched.Config{Machine: m, Arm: a, Procs: procs}, harness.Repetition{Runs: 1, Warm: true, Seed: o.seed}, &l)
	if err != nil {
		return nil, fmt.Errorf("%s, %s, %s: %w", o.preset.Name, arm, prog.Name, err)
	}
	st := of.Stats
	d := l.Account()
	bound, by := m.Bound(d, procs)
	r := &simRun{
		Simulated: true, Preset: o.preset.Name, Arm: arm, Workload: prog.Name, Params: prog.Sizes(), Procs: procs, Seed: o.seed,
		MakespanNs: int64(d.Now / sim.Nanosecond), Unit: prog.Unit,
		WorkNs: int64(d.Work / sim.Nanosecond), SchedulingNs: int64((d.Busy - d.Work) / sim.Nanosecond),
		IdleNs: int64(max(0, d.Now*sim.Time(procs)-d.Busy) / sim.Nanosecond),
		Bytes:  d.Near + d.Far, Declared: in.Bytes, Units: in.Tasks,
		Locality: -1, HomeRuns: st.HomeRuns, AwayRuns: st.AwayRuns,
		StealsL3: st.StealsL3, StealsNode: st.StealsNode, StealsRemote: st.StealsRemote,
		WakesLocal: st.WakesLocal, WakesRemote: st.WakesRemote, Migrations: d.Moves,
		WakeP50Ns: int64(d.Wakes.Percentile(50) / sim.Nanosecond), WakeP99Ns: int64(d.Wakes.Percentile(99) / sim.Nanosecond),
		BoundNs: int64(bound / sim.Nanosecond), BoundBy: by,
		Events: d.Events, Hash: fmt.Sprintf("%016x", m.Hash()), Assumed: o.preset.Assumed(),
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
			r.Bandwidth = append(r.Bandwidth, simLink{u.Name, u.Bytes, rate / 1000, rate / float64(u.Full)})
		}
	}
	if bound > 0 {
		r.BoundRatio = float64(d.Now) / float64(bound)
	}
	r.verify()
	r.wall = l.Wall
	r.WallMs = time.Since(began).Milliseconds()
	return r, nil
}

func printSim(w io.Writer, runs []*simRun) {
	t := harness.Table{Title: "simulated machines, virtual time",
		Head: []string{"run", "makespan", "units/s", "work/sched/idle", "inflation", "local", "steals", "over bound", "Mevents/s"}}
	for _, r := range runs {
		all := float64(max(1, r.WorkNs+r.SchedulingNs+r.IdleNs))
		local, rate := "-", "-"
		if r.Locality >= 0 {
			local = fmt.Sprintf("%.1f %%", 100*r.Locality)
		}
		if r.wall > 0 {
			rate = millionEvents(r.Events, r.wall)
		}
		t.Rows = append(t.Rows, []string{
			fmt.Sprintf("%s %s P=%d %s", r.Preset, r.Workload, r.Procs, r.Arm),
			time.Duration(r.MakespanNs).String(), fmt.Sprintf("%.4g", r.Throughput),
			fmt.Sprintf("%.0f/%.0f/%.0f %%", 100*float64(r.WorkNs)/all, 100*float64(r.SchedulingNs)/all, 100*float64(r.IdleNs)/all),
			fmt.Sprintf("%.2f", r.WorkInflation), local, fmt.Sprintf("%d/%d", r.StealsL3+r.StealsNode, r.StealsRemote),
			fmt.Sprintf("%.2f (%s)", r.BoundRatio, r.BoundBy), rate,
		})
	}
	t.Print(w)
	fmt.Fprintln(w, "steals: from Ps of the same node / of other nodes")
	shown := map[string]bool{}
	for _, r := range runs {
		for _, warning := range r.Warnings {
			if line := fmt.Sprintf("warning: %s: %s", r.Preset, warning); !shown[line] {
				shown[line] = true
				fmt.Fprintln(w, harness.Wrap(line, "    "))
			}
		}
	}
	for _, r := range runs {
		if shown[r.Preset] {
			continue
		}
		shown[r.Preset] = true
		fmt.Fprintf(w, "\n%s, assumed and not measured:\n", r.Preset)
		for _, a := range r.Assumed {
			fmt.Fprintln(w, harness.Wrap("  "+a, "    "))
		}
	}
	for _, r := range runs {
		for _, c := range r.Checked {
			fmt.Fprintf(w, "\nchecked: %s %s %s %d: %s", r.Preset, r.Arm, r.Workload, r.Procs, c)
		}
	}
	fmt.Fprintln(w)
	for _, r := range runs {
		for _, c := range r.Checks {
			fmt.Fprintf(w, "\nCHECK FAILED: %s %s %s %d: %s\n", r.Preset, r.Arm, r.Workload, r.Procs, c)
		}
	}
}

// millionEvents is a rate in millions of events per second, with two digits that
// count however small it is.
func millionEvents(events int64, wall time.Duration) string {
	rate := float64(events) / wall.Seconds() / 1e6
	if rate >= 10 {
		return fmt.Sprintf("%.0f", rate)
	}
	return fmt.Sprintf("%.2g", rate)
}

// simMicro prints the measured tables and the simulated ones side by side.
func simMicro(names []string, asJSON bool, w, stderr io.Writer) error {
	all := micro.Presets()
	if len(names) == 0 {
		names = all
	}
	var jobs []job[[]micro.Cell]
	for _, name := range names {
		if !slices.Contains(all, name) {
			return usagef("--preset: %w", unknown("preset", name, all))
		}
		jobs = append(jobs, job[[]micro.Cell]{name, func() ([]micro.Cell, error) { return micro.Run(name) }})
	}
	tables, err := inParallel(stderr, jobs)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(w, tables)
	}
	return micro.Print(w, tables)
}

// simScenario runs a scenario file.
func simScenario(file string, asJSON bool, w, stderr io.Writer) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return usagef("--scenario: %w", err)
	}
	sc, err := scenario.Parse(file, data)
	if err != nil {
		return usageError{err}
	}
	if sc.Workload != nil {
		return simScenarioWorkload(sc, asJSON, w, stderr)
	}
	var jobs []job[*scenario.Result]
	for _, v := range sc.Variants {
		jobs = append(jobs, job[*scenario.Result]{v.Name, func() (*scenario.Result, error) { return sc.Run(v) }})
	}
	results, err := inParallel(stderr, jobs)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(w, results)
	}
	scenario.Print(w, sc, results)
	return nil
}

// simScenarioWorkload runs a scenario that names a workload and no threads.
func simScenarioWorkload(sc *scenario.Scenario, asJSON bool, w, stderr io.Writer) error {
	prog := sc.Workload.Program()
	preset, topo, err := sc.Machine()
	if err != nil {
		return usageError{err}
	}
	procs := sc.Workload.Procs
	if procs == 0 {
		procs = topo.Allowed.Len()
	}
	var jobs []job[*simRun]
	for _, arm := range sc.Workload.Arms {
		for i := range sc.Runs {
			jobs = append(jobs, job[*simRun]{prog.Name + " " + arm, func() (*simRun, error) {
				return simOptions{preset, topo, sc.Seed + uint64(i)}.run(arm, prog, procs)
			}})
		}
	}
	runs, err := inParallel(stderr, jobs)
	if err != nil {
		return err
	}
	return showSim(runs, asJSON, w)
}
