package harness

import "slices"

// HomedLoads are the workloads that stream over arrays with homes.
var HomedLoads = []string{"triad", "heat"}

// HomedNodes is how many nodes a machine has at least on which work whose data has homes
// has much to win.
const HomedNodes = 4

// AtLeast is the share of the baseline's throughput that numa has at least where there
// is nothing to win.
const AtLeast = 0.98

// Homed reports whether a workload on a simulated machine of that many nodes has data
// with homes and much to win by them.
func Homed(workload string, nodes int) bool {
	return slices.Contains(HomedLoads, workload) && nodes >= HomedNodes
}

// BoundByMemory reports whether memory is the limit of r's simulated runs: its busiest
// part is as busy as the lower bound says.
func (r *Row) BoundByMemory() bool { return r.Busiest*r.OverBound > 99.5 }
