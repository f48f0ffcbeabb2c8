package harness

import (
	"numasched/experiments/peers"
	"numasched/experiments/workload"
	"numasched/topology"
)

// A Grid is what a run measures: each workload on each topology with each number of Ps, under
// all arms that have it.
type Grid struct {
	Loads      []workload.Load
	Topologies []*topology.Topology
	Procs      []int // none: as many Ps as a topology allows CPUs
	Arms       []string
	Shard      Shard
}

// Cells returns the cells of the grid's shard, in the order in which they are measured, and
// how many groups there are to make shards of. The arms of a group are measured side by side,
// so no shard has a part of one.
func (x Grid) Cells() (cells []PlanCell, groups int) {
	for _, l := range x.Loads {
		for _, t := range x.Topologies {
			procs := x.Procs
			if len(procs) == 0 {
				procs = []int{t.Allowed.Len()}
			}
			for _, p := range procs {
				if groups++; !x.Shard.Has(groups - 1) {
					continue
				}
				for _, arm := range x.Arms {
					if arm == Goroutine && !l.Stock {
						continue
					}
					if peer := peers.ByName(arm); peer != nil && !peer.Has(l.Name, l.Params) {
						continue
					}
					cells = append(cells, PlanCell{
						Cell: Cell{Workload: l.Name, Params: l.Sizes(), Arm: arm, Topo: TopologyLabel(t), Procs: p},
						Unit: l.Unit,
					})
				}
			}
		}
	}
	return cells, groups
}
