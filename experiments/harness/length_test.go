package harness

import (
	"testing"
	"time"
)

// A budget is for all cells, with two repetitions more of each than are measured. It decides
// over the time of a repetition, which stays between a millisecond and a second.
func TestLengthOfARun(t *testing.T) {
	for _, c := range []struct {
		pace   Pace
		cells  int
		reps   int
		target time.Duration
	}{
		{Pace{}, 4, 10, time.Second},
		{Pace{Reps: 3, Target: 20 * time.Millisecond}, 4, 3, 20 * time.Millisecond},
		{Pace{Reps: 3, Budget: 2 * time.Second}, 4, 3, 100 * time.Millisecond},
		{Pace{Reps: 3, Target: 20 * time.Millisecond, Budget: 2 * time.Second}, 4, 3, 100 * time.Millisecond},
		{Pace{Reps: 3, Budget: time.Hour}, 4, 3, time.Second},
		{Pace{Reps: 3, Budget: Pace{Reps: 3}.LeastBudget(4)}, 4, 3, time.Millisecond},
		{Pace{Reps: 3, Budget: Pace{Reps: 3}.LeastBudget(4) + 40*time.Millisecond}, 4, 3, 3 * time.Millisecond},
		{Pace{Quick: true}, 25, quickReps, quickBudget / 200},
		{Pace{Quick: true, Target: 20 * time.Millisecond}, 25, quickReps, 20 * time.Millisecond},
		{Pace{Quick: true, Reps: 13}, 10, 13, quickBudget / 150},
	} {
		if reps, target := c.pace.Length(c.cells); reps != c.reps || target != c.target {
			t.Errorf("%+v of %d cells: %d repetitions of %v; want %d of %v", c.pace, c.cells, reps, target, c.reps, c.target)
		}
	}
}
