package claims

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"numasched/experiments/harness"
	"numasched/experiments/progress"
	"numasched/experiments/simulated"
	"numasched/experiments/workload"
	"numasched/sched/sim"
)

// Load is how many requests arrive by themselves, as a share of those that flat serves on
// the same machine if all come at once.
const Load = 0.70

// An outcome is what one run is judged by.
type outcome struct {
	value    float64 // in the block's unit
	makespan int64   // to the nanosecond
}

// machineOf returns the machine of a variant.
func (t *test) machineOf(v *variant, seed uint64) (simulated.Machine, error) {
	p, err := t.machine.Perturbed(v.factors)
	if err != nil {
		return simulated.Machine{}, err
	}
	return simulated.Machine{Preset: p.Scale(1000+int64(v.seed), 1000, ""), Topology: t.topology, Seed: seed + uint64(v.seed)}, nil
}

// prepare makes ready what all arms of a variant have in common: how often requests arrive.
// It is found when the first of them runs.
func (t *test) prepare(vs []variant, seed uint64) {
	t.gaps = map[string]func() (workload.Program, error){}
	for i := range vs {
		v := &vs[i]
		t.gaps[v.name] = sync.OnceValues(func() (workload.Program, error) {
			m, err := t.machineOf(v, seed)
			if err != nil {
				return workload.Program{}, err
			}
			return loaded(m, t.program, t.Procs)
		})
	}
}

// run simulates one arm under one variant.
func (t *test) run(arm string, v *variant, seed uint64) (outcome, error) {
	m, err := t.machineOf(v, seed)
	if err != nil {
		return outcome{}, err
	}
	prog := t.program
	if prog.Open {
		if prog, err = t.gaps[v.name](); err != nil {
			return outcome{}, err
		}
		prog.Params = maps.Clone(prog.Params) // other arms have it too
		if err := prog.Set("seed", int64(m.Seed)); err != nil {
			return outcome{}, err
		}
	}
	r, err := m.Run(arm, prog, t.Procs)
	if err == nil {
		err = simulated.FailedCheck([]*simulated.Run{r})
	}
	if err != nil {
		return outcome{}, fmt.Errorf("%s: %w", v.name, err)
	}
	o := outcome{value: float64(r.MakespanNs) / float64(r.Units), makespan: r.MakespanNs}
	if prog.Open {
		at := slices.IndexFunc(r.Reported, func(x workload.Reported) bool { return x.Unit == harness.P99.Unit })
		if at < 0 {
			return outcome{}, fmt.Errorf("%s reports no %s", prog.Name, harness.P99.Unit)
		}
		o.value = r.Reported[at].Value
	}
	return o, nil
}

// Requests for each P that tell how many flat can serve: the time that the second number
// takes more than the first. Both begin with Ps that sleep.
const (
	shortBurst = 40
	longBurst  = 80
)

// loaded returns prog with arrivals that load m as [Load] says.
func loaded(m simulated.Machine, prog workload.Program, procs int) (workload.Program, error) {
	of := func(gap, n int64) (workload.Program, error) {
		p := workload.Program{Workload: prog.Workload, Params: maps.Clone(prog.Params)}
		if err := p.Set("gap", gap); err != nil {
			return p, err
		}
		return p, p.Set("n", n)
	}
	var took [2]int64
	for i, n := range []int64{shortBurst, longBurst} {
		all, err := of(100, n)
		if err != nil {
			return prog, err
		}
		r, err := m.Run("flat", all, procs)
		if err == nil {
			err = simulated.FailedCheck([]*simulated.Run{r})
		}
		if err != nil {
			return prog, err
		}
		took[i] = r.MakespanNs
	}
	if took[1] <= took[0] {
		return prog, fmt.Errorf("%s: %d requests for each P take %d ns, %d take %d: want a longer time, which tells how many flat serves", prog.Name, shortBurst, took[0], longBurst, took[1])
	}
	each := float64(took[1]-took[0]) / (longBurst - shortBurst)
	return of(max(100, int64(each/Load)), prog.Params["n"])
}

// Run simulates the blocks that have none yet, one after another, each on all CPUs of this
// computer, and calls done with each. If ctx ends first, it returns the error of ctx.
func (p *Plan) Run(ctx context.Context, have []Block, stderr io.Writer, done func(Block) error) error {
	for _, t := range p.tests {
		if slices.ContainsFunc(have, func(b Block) bool { return b.Cell == t.Cell }) {
			continue
		}
		b, err := t.simulate(ctx, p.seed, p.Seeds, stderr)
		if err != nil {
			return err
		}
		if err := done(*b); err != nil {
			return err
		}
	}
	return nil
}

// simulate runs all arms of a block under all its variants.
func (t *test) simulate(ctx context.Context, seed uint64, seeds int, stderr io.Writer) (*Block, error) {
	type key struct {
		arm, variant string
	}
	found := map[key]outcome{}
	run := func(arms []string, vs []variant) error {
		var jobs []progress.Job[outcome]
		var keys []key
		for i := range vs {
			v := &vs[i]
			for _, arm := range arms {
				k := key{arm, v.name}
				if _, ok := found[k]; ok {
					continue
				}
				found[k] = outcome{}
				keys = append(keys, k)
				jobs = append(jobs, progress.Job[outcome]{Name: t.Topo + " " + t.Workload + " " + arm, Run: func() (outcome, error) {
					if err := ctx.Err(); err != nil {
						return outcome{}, err
					}
					return t.run(arm, v, seed)
				}})
			}
		}
		all, err := progress.Parallel(stderr, jobs)
		for i, o := range all {
			found[keys[i]] = o
		}
		return err
	}

	all := variants(t.machine, seeds, t.singles)
	t.prepare(all, seed)
	needed := slices.DeleteFunc(slices.Clone(t.Arms), func(arm string) bool { return slices.Contains(t.others, arm) })
	var always, single, probes []variant
	for _, v := range all {
		if v.kind == Single {
			single = append(single, v)
		} else {
			always = append(always, v)
		}
	}
	names := t.machine.AssumedConstants()
	family := map[string]int{} // of a constant, from 1
	if t.singles {
		for i, of := range families {
			for _, by := range []sim.Milli{lowFactor, highFactor} {
				v := variant{name: fmt.Sprintf("family=%d*%v", i+1, by), factors: map[string]sim.Milli{}}
				for _, name := range of {
					if slices.Contains(names, name) {
						v.factors[name] = by
						family[name] = i + 1
					}
				}
				probes = append(probes, v)
			}
		}
	}
	if err := run(t.others, always[:min(ablationSeeds, seeds)]); err != nil {
		return nil, err
	}
	if err := run(needed, always); err != nil {
		return nil, err
	}
	perturbed := slices.DeleteFunc(slices.Clone(needed), func(arm string) bool { return arm == wrongMap })
	same := func(arm, variant string) bool { return found[key{arm, variant}] == found[key{arm, always[0].name}] }
	if err := run(perturbed, probes); err != nil {
		return nil, err
	}
	for _, arm := range perturbed {
		var left []variant
		for _, v := range single {
			idle := false
			for name := range v.factors { // one
				f := family[name]
				idle = f > 0 && same(arm, fmt.Sprintf("family=%d*%v", f, lowFactor)) && same(arm, fmt.Sprintf("family=%d*%v", f, highFactor))
			}
			if idle {
				found[key{arm, v.name}] = found[key{arm, always[0].name}]
			} else {
				left = append(left, v)
			}
		}
		if err := run([]string{arm}, left); err != nil {
			return nil, err
		}
	}
	b := t.Block
	for _, v := range all {
		row := Row{Variant: v.name, kind: v.kind}
		for _, arm := range t.Arms {
			row.Values = append(row.Values, rounded(found[key{arm, v.name}].value))
		}
		b.Rows = append(b.Rows, row)
	}
	return &b, nil
}

// Sweep returns the runs with the first seed and the machines as they are, of all arms:
// their locality and the rest of what results have.
func (p *Plan) Sweep() *simulated.Sweep {
	sw := &simulated.Sweep{Seed: p.seed, Machines: p.Machines}
	for _, t := range p.tests {
		for _, arm := range t.Arms {
			sw.Cells = append(sw.Cells, simulated.Cell{Machine: simulated.Machine{Preset: t.machine, Topology: t.topology, Seed: p.seed}, Arm: arm, Program: t.program, Procs: t.Procs})
		}
	}
	return sw
}
