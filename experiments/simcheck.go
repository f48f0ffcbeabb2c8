package main

import (
	"fmt"
	"math"

	"numasched/topology"
)

// The invariants of simulated runs. What a run shows by itself is checked on every
// run (verify). What takes other runs to see is checked by --check (check): two
// machines are compared over several seeds, for one run says little. A steal more
// or less at the start changes all that follows: the makespans of one arm on one
// machine spread by 1 to 10 % over seeds, and those of page-yield by 80 %.
//
// "With all latencies equal, numa and flat agree" is checked on one node of as many
// CPUs: a machine whose latencies are all equal is one node to its kernel. It is
// false, and must be, where equal latencies are put on a machine that still has
// nodes. There the arms differ by what they know: on synthetic:4x4 with equal
// latencies (10 seeds, quick sizes) numa takes 45 % less than flat for triad, whose
// tasks it spreads evenly over the memory controllers, 22 % less for heat, and,
// because Gs are stolen less willingly from other nodes, 51 % more for fib.

const (
	checkSeeds = 16   // at most
	checkBatch = 4    // seeds between two looks at whether they suffice
	checkLimit = 0.01 // what counts as a difference
)

// verify checks what r shows by itself.
func (r *simRun) verify() {
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
	// One P gives T1: it does everything itself, one thing after the other.
	if n := r.StealsL3 + r.StealsNode + r.StealsRemote; n != 0 {
		bad("one P steals %d times", n)
	}
	if busy := r.WorkNs + r.SchedulingNs; float64(r.MakespanNs) > 1.01*float64(busy)+100_000 {
		bad("one P is busy for %d of %d ns", busy, r.MakespanNs)
	}
}

// check compares r with runs on one P, with all latencies doubled and, if it is one
// of the arm numa, with all latencies equal.
func (o simOptions) check(r *simRun, arm string, l load, procs int) error {
	one, err := o.run(arm, l, 1)
	if err != nil {
		return err
	}
	for _, c := range one.Checks {
		r.Checks = append(r.Checks, "on one P: "+c)
	}
	slow := o
	slow.preset = o.preset.Scale(2, 1, " with latencies doubled")
	lo, hi, n, err := ratio(func(seed uint64) (old, new *simRun, err error) {
		return runBoth(o, arm, slow, arm, seed, l, procs)
	})
	if err != nil {
		return err
	}
	r.compared("twice the latencies", lo, hi, n, hi < -checkLimit)
	if arm != "numa" {
		return nil
	}
	cores := len(o.topo.Cores)
	even, err := topology.Synthetic(topology.SyntheticSpec{CoresPerL3: cores, ThreadsPerCore: (o.topo.Online.Len() + cores - 1) / cores})
	if err != nil {
		return err
	}
	equal := simOptions{o.preset.Uniform(), even, o.seed}
	lo, hi, n, err = ratio(func(seed uint64) (old, new *simRun, err error) {
		return runBoth(equal, "flat", equal, "numa", seed, l, procs)
	})
	if err != nil {
		return err
	}
	r.compared("numa instead of flat, with all latencies equal", lo, hi, n, hi < -checkLimit || lo > checkLimit)
	return nil
}

// runBoth runs one seed in two ways. Arms that choose nothing at random would give
// the same for every seed, so latencies are a thousandth longer for each as well:
// Alameldeen and Wood's way (HPCA 2003) to get more than one sample of a
// deterministic machine.
func runBoth(a simOptions, armA string, b simOptions, armB string, seed uint64, l load, procs int) (old, new *simRun, err error) {
	for _, o := range []*simOptions{&a, &b} {
		o.seed += seed
		o.preset = o.preset.Scale(1000+int64(seed), 1000, "")
	}
	if old, err = a.run(armA, l, procs); err != nil {
		return nil, nil, err
	}
	new, err = b.run(armB, l, procs)
	return old, new, err
}

// compared notes what a comparison has shown, and whether it must not.
func (r *simRun) compared(what string, lo, hi float64, seeds int, wrong bool) {
	text := fmt.Sprintf("%s: %+.1f ± %.1f %% over %d seeds", what, 50*(lo+hi), 50*(hi-lo), seeds)
	r.Checked = append(r.Checked, text)
	if wrong {
		r.Checks = append(r.Checks, text)
	}
}

// ratio returns the 99.9 % confidence interval of the change from old to new makespans
// over seeds, as many as it takes to tell it from checkLimit, up to checkSeeds.
func ratio(runs func(seed uint64) (old, new *simRun, err error)) (lo, hi float64, seeds int, err error) {
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

// studentT is the quantile of Student's t for an interval of 99.9 %, for the degrees
// of freedom that ratio can have. There are many comparisons, and several looks at
// each: 95 % would raise false alarms.
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
