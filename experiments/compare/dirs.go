package compare

import (
	"slices"

	"numasched/experiments/harness"
	"numasched/experiments/usage"
)

// Dirs compares the first directory with each of the others.
func Dirs(dirs []string, baseline string) (all []*Comparison, err error) {
	var first *harness.Results
	for i, dir := range dirs {
		res, err := harness.Load(dir)
		if err != nil {
			return nil, usage.Wrong(err)
		}
		if arms := res.Arms(); baseline != "" && !slices.Contains(arms, baseline) {
			return nil, usage.Errorf("--baseline: %s: %w", dir, usage.Unknown("arm", baseline, arms))
		}
		if i == 0 {
			first = res
			continue
		}
		c, err := New(first, res, baseline)
		if err != nil {
			return nil, usage.Wrong(err)
		}
		all = append(all, c)
	}
	return all, nil
}
