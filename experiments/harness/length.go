package harness

import "time"

// The defaults of a quick run.
const (
	quickReps   = 6
	quickBudget = 15 * time.Second
)

// Length chooses the number of repetitions of a run, and how long one is. What is 0 is not
// given. A budget is for the whole run.
func Length(cells, reps int, target, budget time.Duration, quick bool) (int, time.Duration) {
	if reps == 0 {
		reps = 10
		if quick {
			reps = quickReps
		}
	}
	if quick && target == 0 && budget == 0 {
		budget = quickBudget
	}
	if budget > 0 {
		// Choosing run lengths and warming up cost about two repetitions.
		target = min(time.Second, max(time.Millisecond, budget/time.Duration(cells*(reps+2))))
	}
	if target == 0 {
		target = time.Second
	}
	return reps, target
}
