package compare

import (
	"fmt"
	"slices"

	"numasched/experiments/harness"
	"numasched/experiments/spell"
)

// A BaselineError is about a baseline that is not an arm of a result directory.
type BaselineError struct {
	Dir string
	Err *spell.UnknownError
}

// Error names the directory, and its arms.
func (e *BaselineError) Error() string { return fmt.Sprintf("%s: %v", e.Dir, e.Err) }

// Dirs compares the first directory with each of the others.
func Dirs(dirs []string, baseline string) (all []*Comparison, err error) {
	var first *harness.Results
	for i, dir := range dirs {
		res, err := harness.Load(dir)
		if err != nil {
			return nil, err
		}
		if arms := res.Arms(); baseline != "" && !slices.Contains(arms, baseline) {
			return nil, &BaselineError{dir, &spell.UnknownError{What: "arm", Name: baseline, Valid: arms}}
		}
		if i == 0 {
			first = res
			continue
		}
		c, err := New(first, res, baseline)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}
