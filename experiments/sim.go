package main

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"numasched/experiments/harness"
	"numasched/experiments/scenario"
	"numasched/experiments/simulated"
	"numasched/experiments/spell"
	"numasched/experiments/usage"
	"numasched/sched"
	"numasched/sched/sim"
	"numasched/sched/sim/micro"
)

const simDoc = `Runs the scheduler on simulated machines, in virtual time. Everything it prints
is simulated.

Every run is checked: it must not beat the lower bound, its time must be accounted for,
and one P must neither steal nor wait. --check makes 9 to 65 more runs of each, over 4 to
16 seeds, until a difference of 1 % shows or is excluded. With all latencies doubled
nothing may get faster. With all latencies equal (on one node) numa must take as long as
flat.

The arms numa-wrongmap and numa-randommap are controls. On the map of numa-wrongmap a
node has the CPUs of another node. On the map of numa-randommap it has CPUs of all nodes.
The rest is as in numa, so what numa gains over numa-wrongmap is gained by locality. See
the column "local".

In simulation the arms flat, interleave and their kin take a lock wherever Go 1.26 takes
sched.lock. On a host they do not. Use --nolock to predict a measurement.

--out writes a result directory, and --verify DIR repeats what is in one.

--claims writes a result directory with the claim table: what may be said of numa beside
other arms, over seeds and over other values of all constants that nobody has measured.
It takes 8 minutes of CPU time, with --full hours. If it is interrupted, the same command
goes on where it stopped. The table can be made in parts: --claims --full --shard 3/20
simulates one part, on any computer or day. From all 20 parts "experiments merge" makes,
to the byte, what one run would have written.

--schedtrace 1ms prints the state of the scheduler to standard error about every
millisecond of virtual time, in lines like those of Go's GODEBUG=schedtrace. sysmon writes
them, so they come up to 10 ms late. They include the run that warms up the caches, and
they do not change the simulation. --scheddetail adds a line for every P, M and G. The
variable NUMASCHED is for hosts and is not read here.

--scenario FILE runs what a file describes, and --microbench runs measured tables. Both
take --json. --scenario FILE --out RESULTS.json keeps each variant as soon as it is
finished. If that is interrupted, the same command goes on with the others.

Arms:

`

// simFlags is the command line of sim.
type simFlags struct {
	presets, arms, workloads, procs string
	scenario, out, verify           string
	seed                            uint64
	full, json, check, wall, micro  bool
	noLock                          bool
	claims, claimLoads              bool // claimLoads: with these workloads, not those of the table
	shard                           harness.Shard
	schedTrace                      time.Duration
	schedDetail                     bool
}

// noLockFlag is the flag of sim for predictions of what run measures.
const noLockFlag = "nolock"

func simCommand(line []string) *cobra.Command { return new(simFlags).command(line) }

// command returns the command that sets f.
func (f *simFlags) command(line []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "run the scheduler on a simulated machine, in virtual time",
		Long:  simDoc + usage.SchedulersHelp() + "\nPresets:\n\n" + usage.Wrap(sim.PresetNames()),
		Example: `  experiments sim --preset skx-2x8180 --arm flat,numa --workload fib:n=20,triad
  experiments sim --preset synthetic:4x8 --arm all --workload heat --procs 8,16,32 --json
  experiments sim --preset snb-4s-ring,skx-8s --arm gm,flat,numa --workload triad,fib --procs 1/4,all --out results/mine
  experiments sim --verify results/mine
  experiments sim --claims --out results/claims
  experiments sim --claims --full --shard 3/20 --out results/claims-part3
  experiments sim --scenario experiments/scenario/studies/azusa-2002.json
  experiments sim --preset synthetic:2x2 --arm numa --workload heat --schedtrace 1ms --scheddetail
  experiments sim --microbench --preset skx-2x8180`,
		Args: usage.NoListItems,
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
	fs.BoolVar(&f.noLock, noLockFlag, false, "flat and its kin without Go's sched.lock, as \"run\" measures them")
	fs.BoolVar(&f.micro, "microbench", false, "run MLC, likwid and core-to-core on the presets and compare with the measured tables")
	fs.BoolVar(&f.claims, "claims", false, "simulate what the claim table needs; with --full more machines, and each constant alone")
	fs.StringVar(&f.out, "out", "", "write a result `DIR`, which must not exist, for report, plot and compare, and say what was found;\nwith --scenario, a file of finished variants")
	fs.StringVar(&f.verify, "verify", "", "run what is in the result `DIR` again and compare it byte for byte")
	fs.DurationVar(&f.schedTrace, "schedtrace", 0, "print the scheduler's state to standard error after each `DURATION` of virtual time, as in 1ms")
	fs.BoolVar(&f.schedDetail, "scheddetail", false, "with --schedtrace: a line for every P, M and G, too")
	usage.ShardFlag(fs, &f.shard, "the runs")
	usage.Complete(cmd, "preset", usage.CompleteList(sim.PresetNames(), true))
	usage.Complete(cmd, "arm", usage.CompleteList(append(usage.Schedulers(), "all"), false))
	usage.Complete(cmd, "workload", usage.CompleteList(append(usage.WorkloadNames(), "quick", "all"), false))
	usage.Complete(cmd, "procs", usage.CompleteList([]string{"1/8", "1/4", "1/2", "all"}, false))
	usage.Complete(cmd, "scenario", cobra.FixedCompletions([]cobra.Completion{"json"}, cobra.ShellCompDirectiveFilterFileExt))
	usage.Complete(cmd, "schedtrace", cobra.FixedCompletions([]cobra.Completion{"100us", "1ms", "10ms"}, cobra.ShellCompDirectiveNoFileComp))
	usage.Complete(cmd, "out", usage.CompleteDirs)
	usage.Complete(cmd, "verify", usage.CompleteDirs)
	return cmd
}

// parse reads the arguments of a sim command that a result directory keeps.
func (f *simFlags) parse(args []string) error {
	cmd := f.command(nil)
	if err := cmd.ParseFlags(args); err != nil {
		return usage.FlagError(cmd, args, err)
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		return err
	}
	return f.checkFlags(cmd.Flags())
}

// checkFlags refuses flags that exclude each other.
func (f *simFlags) checkFlags(fs *pflag.FlagSet) (err error) {
	f.claimLoads = f.claims && fs.Changed("workload")
	// A flag that would have no effect is an error: whoever sets it expects one.
	alone := map[string][]string{"scenario": {"json", "out"}, "microbench": {"json", "preset"}, "verify": nil, "claims": {"preset", "workload", "full", "seed", "out", "shard"}}
	for _, mode := range []string{"scenario", "microbench", "verify", "claims"} {
		if !map[string]bool{"scenario": f.scenario != "", "microbench": f.micro, "verify": f.verify != "", "claims": f.claims}[mode] {
			continue
		}
		fs.Visit(func(set *pflag.Flag) {
			if err == nil && set.Name != mode && !slices.Contains(alone[mode], set.Name) {
				err = usage.Errorf("--%s and --%s exclude each other", mode, set.Name)
			}
		})
		if err == nil && f.claims && f.out == "" {
			return usage.Errorf("--claims: want --out DIR, for what it finds")
		}
		return err
	}
	switch {
	case fs.Changed("schedtrace") && f.schedTrace <= 0:
		return usage.Errorf("--schedtrace %v: want more than 0, as in 1ms", f.schedTrace)
	case f.schedDetail && f.schedTrace == 0:
		return usage.Errorf("--scheddetail: want --schedtrace DURATION, too")
	}
	if f.out == "" {
		return nil
	}
	for name, set := range map[string]bool{"--json": f.json, "--check": f.check, "--schedtrace": f.schedTrace != 0} {
		if set {
			return usage.Errorf("--out and %s exclude each other", name)
		}
	}
	return nil
}

// simulate does what the flags say; line is the whole command line.
func (f *simFlags) simulate(line []string, stdout, stderr io.Writer) error {
	switch {
	case f.micro:
		tables, err := simulated.Microbench(usage.List(f.presets), stderr)
		if errors.As(err, new(*spell.UnknownError)) {
			return usage.Errorf("--preset: %w", err)
		}
		if err != nil {
			return err
		}
		if f.json {
			return harness.WriteJSON(stdout, tables)
		}
		return micro.Print(stdout, tables)
	case f.scenario != "":
		return f.simulateScenario(stdout, stderr)
	case f.verify != "":
		return verifySweep(f.verify, stdout, stderr)
	case f.claims:
		plan, err := f.plan()
		if err != nil {
			return err
		}
		return f.into(plan.Into, line, stdout, stderr)
	}
	sw, err := f.sweep()
	if err != nil {
		return err
	}
	if f.out != "" {
		return f.into(sw.Into, line, stdout, stderr)
	}
	runs, err := sw.RunWatched(simulated.Watch{Trace: sched.SchedTrace{Every: f.schedTrace, Detail: f.schedDetail}, Check: f.check}, stderr)
	if err != nil {
		return err
	}
	if !f.wall {
		for _, r := range runs {
			r.ForgetWall()
		}
	}
	return simulated.Show(stdout, runs, f.json)
}

// simulateScenario runs what a file describes.
func (f *simFlags) simulateScenario(stdout, stderr io.Writer) error {
	sc, err := scenario.Load(f.scenario)
	if errors.As(err, new(*fs.PathError)) {
		return usage.Errorf("--scenario: %w", err)
	}
	if err != nil {
		return usage.Wrong(err)
	}
	if sc.Workload != nil {
		if f.out != "" {
			return usage.Errorf("--out with --scenario %s: it has a workload and no variants: want --out of a scenario of threads", f.scenario)
		}
		runs, err := sc.RunWorkload(stderr)
		if errors.As(err, new(*scenario.MachineError)) {
			return usage.Wrong(err)
		}
		if err != nil {
			return err
		}
		return simulated.Show(stdout, runs, f.json)
	}
	results, err := sc.RunAll(f.out, stderr)
	if errors.As(err, new(*scenario.KeptError)) {
		return usage.Errorf("--out: %w", err)
	}
	if err != nil {
		return err
	}
	if f.json {
		return harness.WriteJSON(stdout, results)
	}
	scenario.Print(stdout, sc, results)
	return nil
}
