package trace

import (
	"sync"

	"numasched/sched/internal/machine"
)

// checkedEvents bounds what Checked keeps of each M: 16 MB.
const checkedEvents = 1 << 19

// A T is what Checked needs of a testing.TB.
type T interface {
	Helper()
	Cleanup(func())
	Errorf(format string, args ...any)
}

// Checked returns a value for [sched.Config].Events, or for a Machine's EventSink, in a test:
// it records what schedulers do. When the test ends, and they are closed, that is validated.
func Checked(t T) func(*machine.M) machine.EventSink {
	t.Helper()
	var mu sync.Mutex
	of := make(map[any]*Recorder) // by scheduler
	t.Cleanup(func() {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		for _, r := range of {
			if err := r.Validate(); err != nil {
				t.Errorf("what the scheduler says it did: %v", err)
			}
		}
	})
	return func(m *machine.M) machine.EventSink {
		mu.Lock()
		defer mu.Unlock()
		r := of[m.Owner()]
		if r == nil {
			r = &Recorder{Limit: checkedEvents}
			of[m.Owner()] = r
		}
		return r.Sink(m)
	}
}
