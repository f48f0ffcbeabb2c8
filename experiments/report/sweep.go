package report

import (
	"fmt"
	"io"
	"slices"
	"time"

	"numasched/experiments/harness"
	"numasched/experiments/simulated"
)

// KeepSweep writes the files of a sweep that ran, and says what was found.
func KeepSweep(sw *simulated.Sweep, runs []*simulated.Run, dir string, command []string, began time.Time, lock *harness.Lock, stdout io.Writer) error {
	meta := sw.Meta(command)
	for _, r := range runs {
		if r == nil {
			continue
		}
		for _, warning := range r.Warnings {
			if w := r.Preset + ": " + warning; !slices.Contains(meta.Warnings, w) {
				meta.Warnings = append(meta.Warnings, w)
			}
		}
	}
	if err := harness.WriteSimulated(dir, meta, sw.Measurements(runs), began); err != nil {
		return err
	}
	if meta.Done > 0 {
		res, err := harness.Load(dir)
		if err != nil {
			return err
		}
		printSweep(stdout, res)
		lock.Unlock()
		if err := Publish(res); err != nil {
			return err
		}
	}
	if !meta.Complete() {
		return fmt.Errorf("%w: %d of %d runs are finished and kept in %s", harness.ErrInterrupted, meta.Done, meta.Planned, dir)
	}
	return simulated.FailedCheck(runs)
}
