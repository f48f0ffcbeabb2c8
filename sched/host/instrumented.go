package host

import (
	"numasched/sched"
	"numasched/sched/internal/machine"
)

// An Instrumented machine has somebody else see to every Work: a stopwatch, for example.
type Instrumented struct {
	*Machine
	Do func(w *sched.Work, kernel func()) // must call kernel
}

// Work implements [sched.Machine].
func (i *Instrumented) Work(_ *machine.M, w *sched.Work, _ int64, kernel func()) int64 {
	i.Do(w, kernel)
	return 0
}
