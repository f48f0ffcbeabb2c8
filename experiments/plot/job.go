package plot

import (
	"slices"
	"strings"

	"numasched/experiments/harness"
)

// A job is a workload with its sizes. A size that follows the machine, such as that of an
// array twice as large as its caches, does not tell jobs apart: only its name counts.
type job struct{ workload, params, byMachine string }

// title names the job with its sizes.
func (j job) title() string {
	parts := []string{j.workload}
	if j.params != "" {
		parts = append(parts, strings.ReplaceAll(j.params, "/", " "))
	}
	if j.byMachine != "" {
		parts = append(parts, j.byMachine+" by machine")
	}
	return strings.Join(parts, " · ")
}

// jobsOf returns the job of each group, and all jobs in order of first appearance.
func jobsOf(groups []harness.Group) (each, all []job) {
	follow := map[string]map[string]bool{}
	for _, g := range groups {
		if follow[g.Workload] == nil {
			follow[g.Workload] = followMachine(groups, g.Workload)
		}
		j := job{workload: g.Workload}
		var params, names []string
		for size := range strings.SplitSeq(g.Params, "/") {
			if name, _, _ := strings.Cut(size, "="); follow[g.Workload][name] {
				names = append(names, name)
			} else {
				params = append(params, size)
			}
		}
		j.params, j.byMachine = strings.Join(params, "/"), strings.Join(names, ", ")
		each = append(each, j)
		if !slices.Contains(all, j) {
			all = append(all, j)
		}
	}
	return each, all
}

// followMachine returns the sizes of a workload that every group has, that are the same
// throughout each machine, and that differ between machines.
func followMachine(groups []harness.Group, workload string) map[string]bool {
	values := map[string]map[string][]string{} // by size and machine
	groupsWith, all := map[string]int{}, 0
	for _, g := range groups {
		if g.Workload != workload {
			continue
		}
		all++
		for size := range strings.SplitSeq(g.Params, "/") {
			name, value, _ := strings.Cut(size, "=")
			groupsWith[name]++
			if values[name] == nil {
				values[name] = map[string][]string{}
			}
			if !slices.Contains(values[name][g.Topo], value) {
				values[name][g.Topo] = append(values[name][g.Topo], value)
			}
		}
	}
	follow := map[string]bool{}
	for name, of := range values {
		one, differ, first := groupsWith[name] == all, false, ""
		for _, vs := range of {
			one = one && len(vs) == 1
			if first == "" {
				first = vs[0]
			}
			differ = differ || vs[0] != first
		}
		if one && differ {
			follow[name] = true
		}
	}
	return follow
}

// JobNames returns a short name for the job of each group: the workload, with the sizes that
// tell it from others of the run.
func JobNames(groups []harness.Group) (names []string) {
	each, _ := jobsOf(groups)
	for _, j := range each {
		names = append(names, sized(groups, j))
	}
	return names
}
