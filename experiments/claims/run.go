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
		r, err := m.Run(flat, all, procs)
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

// Run simulates the pieces that are not among those in have, one after another, each on all
// CPUs of this computer, and calls done with each. If ctx ends first, it returns the error of
// ctx.
func (p *Plan) Run(ctx context.Context, have []Block, stderr io.Writer, done func(Block) error) error {
	for _, x := range p.pieces() {
		if slices.ContainsFunc(have, func(b Block) bool { return b.Cell == x.Cell && (b.Piece == x.number || b.Pieces == 0) }) {
			continue
		}
		b, err := x.simulate(ctx, p.seed, p.Seeds, stderr)
		if err != nil {
			return err
		}
		if err := done(*b); err != nil {
			return err
		}
	}
	return nil
}

// simulate runs the arms of a block under the variants of a piece.
func (x *piece) simulate(ctx context.Context, seed uint64, seeds int, stderr io.Writer) (*Block, error) {
	t := x.test
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

	all := x.variants(seeds)
	t.prepare(all, seed)
	needed := slices.DeleteFunc(slices.Clone(t.Arms), func(arm string) bool { return slices.Contains(t.others, arm) })
	if x.first() {
		if err := run(t.others, all[:min(ablationSeeds, seeds)]); err != nil {
			return nil, err
		}
		if err := run(needed, all); err != nil {
			return nil, err
		}
	} else {
		perturbed := slices.DeleteFunc(needed, func(arm string) bool { return arm == wrongMap() })
		exact, single := all[0], all[1:]
		var probes []variant
		if x.family > 0 {
			for _, by := range []sim.Milli{lowFactor, highFactor} {
				probes = append(probes, together(by, single))
			}
		}
		if err := run(perturbed, append(probes, exact)); err != nil {
			return nil, err
		}
		for _, arm := range perturbed {
			same := func(v variant) bool { return found[key{arm, v.name}] == found[key{arm, exact.name}] }
			if len(probes) > 0 && same(probes[0]) && same(probes[1]) {
				for _, v := range single {
					found[key{arm, v.name}] = found[key{arm, exact.name}]
				}
			} else if err := run([]string{arm}, single); err != nil {
				return nil, err
			}
		}
	}
	b := t.Block
	b.Piece, b.Pieces = x.number, x.of
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
// their locality and the rest of what results have. The shard that has the first piece of a
// block has them. The others run numa alone, so that merging finds out if they simulate
// something else.
func (p *Plan) Sweep() *simulated.Sweep {
	sw := &simulated.Sweep{Seed: p.seed, Machines: p.Machines}
	for _, x := range p.pieces() {
		arms := x.Arms
		if !x.first() {
			arms = arms[:1]
		}
		for _, arm := range arms {
			c := simulated.Cell{Machine: simulated.Machine{Preset: x.machine, Topology: x.topology, Seed: p.seed}, Arm: arm, Program: x.program, Procs: x.Procs}
			if !slices.ContainsFunc(sw.Cells, func(o simulated.Cell) bool {
				return o.Title() == c.Title() && o.Preset == c.Preset && o.Program.Sizes() == c.Program.Sizes()
			}) {
				sw.Cells = append(sw.Cells, c)
			}
		}
	}
	return sw
}
