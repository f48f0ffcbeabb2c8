package harness

import "numasched/experiments/workload"

// HomedNodes is how many nodes a machine has at least on which work whose data has homes
// has much to win.
const HomedNodes = 4

// AtLeast is the share of the baseline's throughput that numa has at least where there
// is nothing to win.
const AtLeast = 0.98

// Homed reports whether the workload of c has data with homes.
func (c *Cell) Homed() bool {
	w := workload.ByName(c.Workload)
	return w != nil && w.Homed
}

// Open reports whether arrivals decide how long the workload of c takes. Then latencies
// are compared, not times.
func (c *Cell) Open() bool {
	w := workload.ByName(c.Workload)
	return w != nil && w.Open
}

// Skewed reports whether the sizes of c make its workload's tasks uneven.
func (c *Cell) Skewed() bool {
	w := workload.ByName(c.Workload)
	if w == nil {
		return false
	}
	p, err := w.Parse(c.Params, false)
	return err == nil && p.Skewed()
}

// BoundByMemory reports whether memory is the limit of r's simulated runs: its busiest
// part is as busy as the lower bound says.
func (r *Row) BoundByMemory() bool { return r.Mid(Busiest)*r.Mid(OverBound) > 99.5 }
