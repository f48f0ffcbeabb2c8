package claims

import (
	"slices"

	"numasched/experiments/harness"
	"numasched/experiments/simulated"
	"numasched/experiments/workload"
	"numasched/sched/policy"
	"numasched/sched/sim"
	"numasched/topology"
)

// Machines are the presets of which claims are made: four sockets with four and with eight
// nodes, and two sockets with four and with two.
var Machines = []string{"snb-4s-ring", "opteron-4x6276", "bdw-2x2680v4-cod", "ivb-2x2680v2"}

// QuickMachines are those of the quick table.
var QuickMachines = []string{"snb-4s-ring", "opteron-4x6276"}

// alone reports whether each constant of a machine is also perturbed by itself. That takes
// most of the runs, so it is done only where the distances to memory are assumed. Elsewhere
// the assumed constants are costs of caches, of the kernel and of the scheduler, and they
// are drawn together.
func alone(p *sim.Preset) bool { return slices.Contains(p.AssumedConstants(), "idle_ns/other") }

// subject is the arm that claims are about.
const subject = harness.Subject

// flat is what Go does, and the arm that says how many requests can be served.
const flat = harness.DefaultBaseline

// bestFlat is the name of the baseline that is the best of all arms that are AsGo.
const bestFlat = "best flat"

// armsThat returns the names of some arms, in the order of the table of all arms.
func armsThat(are func(*policy.Arm) bool) (names []string) {
	for i := range policy.Arms {
		if a := &policy.Arms[i]; are(a) {
			names = append(names, a.Name)
		}
	}
	return names
}

// flats are flat with memory as Go programs get it.
func flats() []string { return armsThat(func(a *policy.Arm) bool { return a.AsGo }) }

// rivals are what a careful person uses today instead of flat.
func rivals() []string { return armsThat(func(a *policy.Arm) bool { return a.Rival }) }

// static is the rival that is written by hand.
func static() string { return armsThat(func(a *policy.Arm) bool { return a.Static })[0] }

// wrongMap is the control. No constant is perturbed alone for it.
func wrongMap() string {
	return armsThat(func(a *policy.Arm) bool { return a.Map == policy.DerangedMap })[0]
}

// ablations are numa without one of its mechanisms, in the order of the mechanisms.
func ablations() (names []string) {
	for m := policy.Nothing + 1; m < policy.Mechanisms; m++ {
		names = append(names, armsThat(func(a *policy.Arm) bool { return a.Without == m })...)
	}
	return names
}

// ablationSeeds is how many of the seeds ablations and other arms run that no claim needs.
const ablationSeeds = 3

// A test is what is simulated of one machine and workload.
type test struct {
	Block
	machine  *sim.Preset
	topology *topology.Topology
	program  workload.Program
	singles  bool
	others   []string                                    // arms that run for some seeds only
	gaps     map[string]func() (workload.Program, error) // of a variant; see prepare
}

// A Plan is what a claim table needs simulated.
type Plan struct {
	Seeds    int
	Machines []harness.TopoMeta
	seed     uint64 // the first
	tests    []*test
	shard    [2]int // which of how many shards of the pieces; 0 of 0 is all of them
}

// NewPlan returns the plan for some machines and programs, or for those of the table if
// progs is nil. Without singles no constant is perturbed alone.
func NewPlan(machines []*sim.Preset, progs []workload.Program, seed uint64, singles bool) (*Plan, error) {
	p := &Plan{seed: seed}
	comparisons := 0
	for _, preset := range machines {
		m, err := simulated.Of(preset, seed)
		if err != nil {
			return nil, err
		}
		topo := m.Topology
		meta := harness.SimulatedTopology(preset.Name, topo, preset.Assumed())
		p.Machines = append(p.Machines, meta)
		cpus := topo.Allowed.Len()
		of := progs
		if of == nil {
			if of, err = programs(topo); err != nil {
				return nil, err
			}
		}
		for _, prog := range of {
			if prog.Open {
				if prog, err = loaded(m, prog, cpus); err != nil {
					return nil, err
				}
				if err := prog.Set("seed", int64(seed)); err != nil {
					return nil, err
				}
			}
			t := &test{machine: preset, topology: topo, program: prog, singles: singles && alone(preset) && !prog.Open}
			t.Cell = harness.Cell{Workload: prog.Name, Params: prog.Sizes(), Topo: preset.Name, Procs: cpus}
			t.Unit = harness.Time.In(prog.Unit)
			if prog.Open {
				t.Unit = harness.P99.Unit
			}
			t.Arms = append([]string{subject}, compared(prog)...)
			t.others = ablations()
			if !prog.Homed {
				t.others = append([]string{wrongMap()}, ablations()...)
			}
			t.Arms = append(t.Arms, t.others...)
			p.tests = append(p.tests, t)
			comparisons += len(baselines(t.Arms))
		}
	}
	p.Seeds = seedsFor(hypotheses * comparisons)
	return p, nil
}

// compared returns the arms that numa is compared with under every variant.
func compared(prog workload.Program) []string {
	if prog.Homed {
		return append(flats(), static(), wrongMap())
	}
	return []string{flat}
}

// programs returns the workloads of the table on a machine: first those whose data has homes, last
// those with arrivals.
func programs(topo *topology.Topology) (progs []workload.Program, err error) {
	room := workload.Room{CPUs: int64(topo.Allowed.Len())}
	for _, c := range slices.Concat(topo.L2, topo.L3) {
		room.Bytes += c.Bytes
	}
	room.Bytes = max(2*room.Bytes, 1<<20*room.CPUs)
	rank := func(p workload.Program) int {
		switch {
		case p.Homed:
			return 0
		case p.Open:
			return 2
		}
		return 1
	}
	for _, w := range workload.All {
		if w.Claimed == nil {
			continue
		}
		for _, sizes := range w.Claimed(room) {
			p, err := w.Parse(sizes, true)
			if err != nil {
				return nil, err
			}
			progs = append(progs, p)
		}
	}
	slices.SortStableFunc(progs, func(a, b workload.Program) int { return rank(a) - rank(b) })
	return progs, nil
}
