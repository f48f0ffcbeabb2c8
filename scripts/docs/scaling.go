package main

import (
	"fmt"
	"slices"
	"strings"

	"numasched/experiments/harness"
)

// costs returns what all Ps together pay for a unit of work under an arm, in ns, by number of Ps.
func (b *book) costs(workload, arm string) (ps []int, ns map[int]float64) {
	ns = map[int]float64{}
	for i := range b.runs["sim-scaling"].groups {
		g := &b.runs["sim-scaling"].groups[i]
		if r := g.Find(arm); r != nil && g.Workload == workload {
			ps = append(ps, g.Procs)
			ns[g.Procs] = float64(g.Procs) * r.NsPerUnit.Center
		}
	}
	if len(ps) < 4 || ns[1] == 0 {
		b.fail("sim-scaling: %s under %s with %d numbers of Ps: want one P and more", workload, arm, len(ps))
		return []int{1}, map[int]float64{1: 1}
	}
	slices.Sort(ps)
	return ps, ns
}

// scaling sets what the run sim-scaling says: what a unit of work costs a machine, from one P
// to all its CPUs.
func (b *book) scaling() {
	b.set("scalingCommand", "%s", strings.Join(b.runs["sim-scaling"].Meta.Command, " "))
	rise := func(arm string, workloads ...string) (vs []float64) {
		for _, w := range workloads {
			ps, ns := b.costs(w, arm)
			vs = append(vs, ns[ps[len(ps)-1]]/ns[1])
		}
		return vs
	}
	trees := []string{"fib", "uts"}
	b.setRange("scalingGm", rise("gm", trees...), "%.0f")
	b.setRange("scalingFlat", rise("flat", trees...), "%.0f")
	b.setRange("scalingNuma", rise("numa", trees...), "%.0f")
	for _, w := range trees {
		gm, flat, numa := rise("gm", w)[0], rise("flat", w)[0], rise("numa", w)[0]
		b.holds(gm > 5*flat && flat > 2*numa, "with all CPUs a task of "+w+" costs most under gm, less under flat and least under numa")
	}
	b.set("scalingTriadNuma", "%.1f", rise("numa", "triad")[0])
	b.set("scalingTriadFlat", "%.0f", rise("flat", "triad")[0])
	b.set("scalingTriadStatic", "%.0f", rise("static", "triad")[0])
	// How much faster than one P, and with how many Ps a tree is fastest.
	for name, w := range map[string]string{"scalingUts": "uts", "scalingFib": "fib"} {
		ps, ns := b.costs(w, "numa")
		best := 1
		for _, p := range ps {
			if float64(p)/ns[p] > float64(best)/ns[best] {
				best = p
			}
		}
		b.set(name+"Best", "%d", best)
		b.set(name+"BestTimes", "%.1f", float64(best)*ns[1]/ns[best])
		last := ps[len(ps)-1]
		b.set(name+"AllTimes", "%.1f", float64(last)*ns[1]/ns[last])
		b.holds(best < last, "under numa "+w+" is fastest on a part of the machine")
	}
	ps, gm := b.costs("fib", "gm")
	var flat []float64 // times of a task
	for _, p := range ps {
		if p >= 16 {
			flat = append(flat, gm[p]/float64(p))
		}
	}
	b.setRange("scalingLock", flat, "%.0f")
	b.set("scalingGmOne", "%.0f", gm[1])
	b.set("scalingGmFour", "%.0f", gm[4]/4)
	b.set("scalingGmSixteen", "%.0f", gm[16]/16)
}

// costTable has the cost of a unit of a workload for every arm and number of Ps.
func (b *book) costTable(workload string) string {
	var out strings.Builder
	ps, _ := b.costs(workload, "numa")
	out.WriteString("| arm |")
	for _, p := range ps {
		fmt.Fprintf(&out, " P=%d |", p)
	}
	out.WriteString("\n|---|" + strings.Repeat("---|", len(ps)) + "\n")
	for _, arm := range b.runs["sim-scaling"].Arms() {
		_, ns := b.costs(workload, arm)
		fmt.Fprintf(&out, "| `%s` |", arm)
		for _, p := range ps {
			fmt.Fprintf(&out, " %s |", harness.FormatNs(ns[p]))
		}
		out.WriteByte('\n')
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// rises has how many times the cost on one P a unit of each workload has on all CPUs.
func (b *book) rises() string {
	var out strings.Builder
	var loads []string
	for _, g := range b.runs["sim-scaling"].groups {
		if !slices.Contains(loads, g.Workload) {
			loads = append(loads, g.Workload)
		}
	}
	out.WriteString("| arm | " + strings.Join(loads, " | ") + " |\n|---|" + strings.Repeat("---|", len(loads)) + "\n")
	for _, arm := range b.runs["sim-scaling"].Arms() {
		fmt.Fprintf(&out, "| `%s` |", arm)
		for _, w := range loads {
			ps, ns := b.costs(w, arm)
			fmt.Fprintf(&out, " %s |", harness.FormatNumber(ns[ps[len(ps)-1]]/ns[1]))
		}
		out.WriteByte('\n')
	}
	return strings.TrimSuffix(out.String(), "\n")
}
