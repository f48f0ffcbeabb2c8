package simulated

import (
	"numasched/experiments/harness"
	"numasched/experiments/workload"
)

// A Grid is what one command simulates: every program on every machine with each of its numbers
// of Ps, under all arms.
type Grid struct {
	Seed     uint64
	Machines []Sized
	Programs []workload.Program
	Arms     []string
	Shard    harness.Shard
}

// A Sized is a machine with the numbers of Ps that are simulated there.
type Sized struct {
	Machine
	Procs []int
}

// Sweep returns the grid's shard as a sweep, and how many cells there are to make shards of.
func (g Grid) Sweep() (sw *Sweep, all int) {
	sw = &Sweep{Seed: g.Seed}
	for _, m := range g.Machines {
		m.Seed = g.Seed
		sw.Machines = append(sw.Machines, harness.SimulatedTopology(m.Preset.Name, m.Topology, m.Preset.Assumed()))
		for _, p := range g.Programs {
			for _, n := range m.Procs {
				for _, arm := range g.Arms {
					if all++; g.Shard.Has(all - 1) {
						sw.Cells = append(sw.Cells, Cell{Machine: m.Machine, Arm: arm, Program: p, Procs: n})
					}
				}
			}
		}
	}
	return sw, all
}
