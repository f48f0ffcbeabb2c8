package harness

import (
	"strconv"
	"strings"

	"numasched/experiments/workload"
)

// OfferedLoad returns how many units of work arrive in a second for each P where arrivals
// do not wait, and the cell without the size that says so: cells of the same work under
// another load have the same. It returns false for other workloads.
func (c Cell) OfferedLoad() (perSecond float64, rest Cell, ok bool) {
	w := workload.ByName(c.Workload)
	if w == nil || w.Gap == "" {
		return 0, c, false
	}
	var others []string
	for size := range strings.SplitSeq(c.Params, "/") {
		name, text, _ := strings.Cut(size, "=")
		if name != w.Gap {
			others = append(others, size)
			continue
		}
		gap, err := strconv.ParseFloat(text, 64)
		if err != nil || gap <= 0 {
			return 0, c, false
		}
		perSecond, ok = 1e9/gap, true
	}
	rest = c
	rest.Params = strings.Join(others, "/")
	return perSecond, rest, ok
}
