package trace

import (
	"sync"

	"numasched/sched/internal/machine"
)

// A Recorder keeps events. The zero Recorder keeps all of them, without times. It serves one
// scheduler. Read what it has kept when the scheduler is closed.
type Recorder struct {
	Clock bool // ask the machine for the time of every event, which costs more than to keep it
	Limit int  // if not 0, about how many events of each M are kept: the first ones
	Last  int  // if not 0, about how many events of each M are kept: the last ones

	mu   sync.Mutex
	logs []*machine.EventLog
}

// A Record is an event and when it was.
type Record = machine.TimedEvent

// Kept returns how many events there are, and whether some were not kept.
func (r *Recorder) Kept() (n int, cut bool) {
	for _, l := range r.logs {
		for events := l.Read(); events.Peek() != nil; events.Skip() {
			n++
		}
		cut = cut || l.Cut()
	}
	return n, cut
}

// Sink returns who is to be told of m's events: it is made for [sched.Config].Events.
func (r *Recorder) Sink(m *machine.M) machine.EventSink { return r.newLog(int32(m.ID)) }

func (r *Recorder) newLog(m int32) *machine.EventLog {
	limit, last := r.Limit, r.Last != 0
	if last {
		limit = r.Last
	}
	l := machine.NewEventLog(m, r.Clock, limit, last)
	r.mu.Lock()
	r.logs = append(r.logs, l)
	r.mu.Unlock()
	return l
}
