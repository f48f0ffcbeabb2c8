package usage

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"numasched/experiments/harness"
	"numasched/topology"
)

// Procs reads numbers of Ps: "1,2,4".
func Procs(s string) ([]int, error) {
	var ps []int
	for _, item := range List(s) {
		p, err := strconv.Atoi(item)
		if err != nil {
			return nil, Errorf("--procs %q: want numbers of Ps from 1 to the CPUs of the topology, as in 1,2,4", item)
		}
		if !slices.Contains(ps, p) {
			ps = append(ps, p)
		}
	}
	if s != "" && len(ps) == 0 {
		return nil, Errorf("--procs: empty list (want numbers, as in 1,2,4)")
	}
	return ps, nil
}

// Fit refuses numbers of Ps for which one of the topologies has too few CPUs.
func Fit(procs []int, list []*topology.Topology) error {
	for _, t := range list {
		for _, p := range procs {
			if p < 1 || p > t.Allowed.Len() {
				return Errorf("--procs %d is impossible: %s has %s that may be used (want 1 to %d)", p, t.Origin, harness.Count(t.Allowed.Len(), "CPU", "CPUs"), t.Allowed.Len())
			}
		}
	}
	return nil
}

// Shares reads numbers of Ps and shares of a machine's CPUs: "16,1/2,all".
func Shares(s, machine string, cpus int) ([]int, error) {
	var ps []int
	for _, item := range List(s) {
		if item == "all" {
			item = "1/1"
		}
		n, d, share := strings.Cut(item, "/")
		num, err := strconv.Atoi(n)
		if share && err == nil {
			var den int
			if den, err = strconv.Atoi(d); err == nil && num >= 1 && num <= den && den <= math.MaxInt/max(1, cpus) {
				num = max(1, cpus*num/den)
			} else {
				num = 0
			}
		}
		if err != nil || num < 1 {
			return nil, Errorf("--procs %q: want numbers of at least 1 or shares of the CPUs, as in 16,1/2,all", item)
		}
		if num > cpus {
			return nil, Errorf("--procs %d is impossible: %s has %s (want 1 to %d)", num, machine, harness.Count(cpus, "CPU", "CPUs"), cpus)
		}
		if !slices.Contains(ps, num) {
			ps = append(ps, num)
		}
	}
	if len(ps) == 0 {
		return nil, Errorf("--procs: empty list (want numbers or shares, as in 16,1/2,all)")
	}
	slices.Sort(ps)
	return ps, nil
}
