package harness

import "time"

// The defaults of a quick run.
const (
	quickReps   = 6
	quickBudget = 15 * time.Second
)

// A Pace is what a user says about how long a run takes. What is 0 is not said.
type Pace struct {
	Reps   int           // repetitions of each cell
	Target time.Duration // wall-clock time of one repetition of one cell
	Budget time.Duration // wall-clock time of the whole run; it decides over Target
	Quick  bool          // other defaults, for a run of about quickBudget
}

// Length chooses the number of repetitions of each of the run's cells, and the wall-clock
// time of one repetition.
func (p Pace) Length(cells int) (reps int, target time.Duration) {
	reps, target = p.Reps, p.Target
	budget := p.Budget
	if reps == 0 {
		reps = 10
		if p.Quick {
			reps = quickReps
		}
	}
	if p.Quick && target == 0 && budget == 0 {
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
