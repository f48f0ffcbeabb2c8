package sim

import (
	"fmt"
	"strings"
)

// A StallError says that a simulation was stopped because it would not have ended by
// itself, and what its threads were doing.
type StallError struct {
	Why     string
	Now     Time
	Threads []string
}

func (e *StallError) Error() string {
	n := min(len(e.Threads), 8)
	more := ""
	if n < len(e.Threads) {
		more = fmt.Sprintf(", and %d more", len(e.Threads)-n)
	}
	return fmt.Sprintf("simulation stalled at %d ns: %s: %s%s", e.Now/Nanosecond, e.Why, strings.Join(e.Threads[:n], ", "), more)
}

// patience is how many accesses the scheduler may make without starting, switching or
// ending anything. It allows every P to search every other one.
func (k *Machine) patience() int64 {
	n := int64(len(k.kernel.threads))
	return 1<<24 + 64*n*n
}

// stalled reports whether the simulation would not end by itself.
func (k *Machine) stalled() bool {
	return k.fault != nil || k.now > k.limit || k.idleRuns > k.idleLimit
}

// stall stops the simulation. It leaves the scheduler's coroutines as they are, so the
// scheduler can be neither used nor closed any more.
func (k *Machine) stall() {
	e := k.fault
	if e == nil {
		e = &StallError{Why: "the scheduler does nothing but look at its words"}
		if k.now > k.limit {
			e.Why = "the limit of virtual time is reached"
		}
	}
	e.Now = k.now
	names := [...]string{running: "runs", ready: "waits for a CPU", blocked: "sleeps", ended: "has ended"}
	for _, t := range k.kernel.threads {
		if t.state != ended {
			who := ""
			if t.m != nil {
				who = fmt.Sprintf("M%d (P%d, ", t.m.ID, t.m.P())
			} else {
				who = t.plain.name + " ("
			}
			e.Threads = append(e.Threads, fmt.Sprintf("%scpu %d, %d ns) %s", who, t.cpu, t.clock/Nanosecond, names[t.state]))
		}
	}
	panic(e)
}

// Guard calls f. It returns the [StallError] that stopped f, or f's own error.
func Guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*StallError)
			if !ok {
				panic(r)
			}
			err = e
		}
	}()
	return f()
}
