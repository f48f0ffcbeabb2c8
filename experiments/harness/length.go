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

// A repetition that a budget has chosen is from shortest to longest: in less time nothing can
// be measured, and in more nothing is gained.
const (
	shortest = time.Millisecond
	longest  = time.Second
)

// Length chooses the number of repetitions of each of the run's cells, and the wall-clock
// time of one repetition.
func (p Pace) Length(cells int) (reps int, target time.Duration) {
	reps, target = p.repetitions(), p.Target
	budget := p.Budget
	if p.Quick && target == 0 && budget == 0 {
		budget = quickBudget
	}
	if budget > 0 {
		target = min(longest, max(shortest, budget/p.among(cells)))
	}
	if target == 0 {
		target = longest
	}
	return reps, target
}

// LeastBudget returns the least Budget that a run of some cells can keep.
func (p Pace) LeastBudget(cells int) time.Duration { return shortest * p.among(cells) }

func (p Pace) repetitions() int {
	switch {
	case p.Reps != 0:
		return p.Reps
	case p.Quick:
		return quickReps
	}
	return 10
}

// among returns by how many repetitions a budget is shared.
func (p Pace) among(cells int) time.Duration {
	// Choosing run lengths and warming up cost about two repetitions.
	return time.Duration(cells * (p.repetitions() + 2))
}
