package simulated

import (
	"fmt"
	"math"

	"numasched/experiments/workload"
	"numasched/sched"
	"numasched/sched/policy"
	"numasched/topology"
)

// The invariants of simulated runs. Those that one run can show are checked on every
// run (verify). The others need more runs and are checked by --check (Check): it
// compares two machines over several seeds, because one run says little. One steal
// more or less at the start changes all that follows: over seeds, the makespans of one
// arm on one machine spread by 1 to 10 %, and those of page-yield by 80 %.
//
// "With all latencies equal, numa and flat agree" is checked on one node with the same
// number of CPUs, because a kernel sees a machine whose latencies are all equal as one
// node. The statement must be false on a machine that has equal latencies and still
// has nodes: there the arms differ in what they know. On synthetic:4x4 with equal
// latencies (10 seeds, quick sizes) numa takes 45 % less than flat for triad, because
// it spreads the tasks evenly over the memory controllers. It takes 22 % less for heat.
// It takes 51 % more for fib, because Ps are less willing to steal from other nodes. The flat
// of that statement has no lock of Go's (policy.Arm.SchedLock), which numa has not, either.

const (
	checkSeeds = 16   // at most
	checkBatch = 4    // seeds after which to see whether they suffice
	checkLimit = 0.01 // what counts as a difference
)

// verify checks the invariants that r alone can show.
func (r *Run) verify() {
	bad := func(format string, args ...any) { r.Checks = append(r.Checks, fmt.Sprintf(format, args...)) }
	if r.MakespanNs < r.BoundNs {
		bad("makespan %d ns is below the lower bound of %d ns (%s)", r.MakespanNs, r.BoundNs, r.BoundBy)
	}
	all, sum := r.MakespanNs*int64(r.Procs), r.WorkNs+r.SchedulingNs+r.IdleNs
	if float64(sum) < 0.99*float64(all)-100_000 {
		bad("work, scheduling and idle time make %d of %d ns", sum, all)
	}
	if r.Procs > 1 {
		return
	}
	// One P does everything itself, one thing after the other.
	if n := r.StealsL3 + r.StealsNode + r.StealsRemote; n != 0 {
		bad("one P steals %d times", n)
	}
	if busy := r.WorkNs + r.SchedulingNs; float64(r.MakespanNs) > 1.01*float64(busy)+100_000 {
		bad("one P is busy for %d of %d ns", busy, r.MakespanNs)
	}
}

// Check compares r with runs on one P, with runs with all latencies doubled and, for the
// arm numa, with runs with all latencies equal.
func (o Machine) Check(r *Run, arm string, l workload.Program, procs int) error {
	o.Trace = sched.SchedTrace{}
	a, err := policy.ByName(arm)
	if err != nil {
		return err
	}
	one, err := o.run(a, l, 1)
	if err != nil {
		return err
	}
	for _, c := range one.Checks {
		r.Checks = append(r.Checks, "on one P: "+c)
	}
	slow := o
	slow.Preset = o.Preset.Scale(2, 1, " with latencies doubled")
	lo, hi, n, err := ratio(func(seed uint64) (old, new *Run, err error) {
		return runBoth(o, a, slow, a, seed, l, procs)
	})
	if err != nil {
		return err
	}
	r.compared("twice the latencies", lo, hi, n, hi < -checkLimit)
	if arm != "numa" {
		return nil
	}
	cores := len(o.Topology.Cores)
	even, err := topology.Synthetic(topology.SyntheticSpec{CoresPerL3: cores, ThreadsPerCore: (o.Topology.Online.Len() + cores - 1) / cores})
	if err != nil {
		return err
	}
	flat, err := policy.ByName("flat")
	if err != nil {
		return err
	}
	flat.SchedLock = false
	equal := Machine{Preset: o.Preset.Uniform(), Topology: even, Seed: o.Seed}
	lo, hi, n, err = ratio(func(seed uint64) (old, new *Run, err error) {
		return runBoth(equal, flat, equal, a, seed, l, procs)
	})
	if err != nil {
		return err
	}
	r.compared("numa instead of flat, with all latencies equal", lo, hi, n, hi < -checkLimit || lo > checkLimit)
	return nil
}

// runBoth runs one seed in two ways. An arm that chooses nothing at random would give the
// same result for every seed. So latencies are also longer by a thousandth for each
// seed: Alameldeen and Wood's way (HPCA 2003) to get more than one sample of a
// deterministic machine.
func runBoth(a Machine, armA policy.Arm, b Machine, armB policy.Arm, seed uint64, l workload.Program, procs int) (old, new *Run, err error) {
	for _, o := range []*Machine{&a, &b} {
		o.Seed += seed
		o.Preset = o.Preset.Scale(1000+int64(seed), 1000, "")
	}
	if old, err = a.run(armA, l, procs); err != nil {
		return nil, nil, err
	}
	new, err = b.run(armB, l, procs)
	return old, new, err
}

// compared records what a comparison has shown. wrong says that it must not be so.
func (r *Run) compared(what string, lo, hi float64, seeds int, wrong bool) {
	text := fmt.Sprintf("%s: %+.1f ± %.1f %% over %d seeds", what, 50*(lo+hi), 50*(hi-lo), seeds)
	r.Checked = append(r.Checked, text)
	if wrong {
		r.Checks = append(r.Checks, text)
	}
}

// ratio returns the 99.9 % confidence interval of the change from old to new makespans. It
// runs as many seeds as it takes to tell the change from checkLimit, checkSeeds at most.
func ratio(runs func(seed uint64) (old, new *Run, err error)) (lo, hi float64, seeds int, err error) {
	var sum, squares float64
	for seeds < checkSeeds {
		for range checkBatch {
			old, new, err := runs(uint64(seeds))
			if err != nil {
				return 0, 0, 0, err
			}
			d := math.Log(float64(new.MakespanNs) / float64(old.MakespanNs))
			sum += d
			squares += float64(d * d) // no fused multiply-add: the same on every CPU
			seeds++
		}
		n := float64(seeds)
		mean := sum / n
		half := studentT(seeds-1) * math.Sqrt(max(0, squares-float64(n*mean*mean))/(n-1)/n)
		lo, hi = math.Exp(mean-half)-1, math.Exp(mean+half)-1
		if lo > -checkLimit && hi < checkLimit || lo > checkLimit || hi < -checkLimit {
			break
		}
	}
	return lo, hi, seeds, nil
}

// studentT is the quantile of Student's t for an interval of 99.9 %, for the degrees of
// freedom that ratio can have. With 95 % there would be false alarms, because there are
// many comparisons and each is looked at several times.
func studentT(df int) float64 {
	switch df {
	case 3:
		return 12.92
	case 7:
		return 5.41
	case 11:
		return 4.44
	}
	return 4.07 // 15
}
