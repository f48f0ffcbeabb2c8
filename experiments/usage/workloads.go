package usage

import (
	"slices"
	"strings"

	"numasched/experiments/workload"
)

// Workloads reads "fib:n=32,triad", "quick" or "all".
func Workloads(s string, quick bool) ([]workload.Load, error) {
	names := append(WorkloadNames(), "quick", "all")
	var wanted []string
	for _, item := range List(s) {
		switch item {
		case "quick", "all":
			for _, w := range workload.All {
				if w.Quick || item == "all" {
					wanted = append(wanted, w.Name)
				}
			}
		default:
			wanted = append(wanted, item)
		}
	}
	var loads []workload.Load
	for _, item := range wanted {
		name, sizes, _ := strings.Cut(item, ":")
		w := workload.ByName(name)
		if w == nil {
			return nil, Errorf("--workload: %w", Unknown("workload", name, names))
		}
		p, err := w.Parse(sizes, quick)
		if err != nil {
			return nil, Errorf("--workload: %w", err)
		}
		in, err := p.New()
		if err != nil {
			return nil, Errorf("--workload: %w", err)
		}
		if !slices.ContainsFunc(loads, func(o workload.Load) bool { return o.Workload == w && o.Sizes() == p.Sizes() }) {
			loads = append(loads, workload.Load{Program: p, Stock: in.Stock != nil})
		}
	}
	if len(loads) == 0 {
		return nil, Errorf("--workload: empty list (valid: %s)", strings.Join(names, ", "))
	}
	return loads, nil
}
