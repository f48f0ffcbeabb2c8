package trace

import (
	"sync"

	"numasched/sched"
)

// A Recorder keeps events. The zero Recorder keeps all of them, without times. It serves one
// scheduler. Read what it has kept when the scheduler is closed.
type Recorder struct {
	Clock bool // ask the machine for the time of every event, which costs more than to keep it
	Limit int  // how many events of each M are kept: the first ones; 0: all

	mu   sync.Mutex
	logs []*log
}

// A Record is an event and when it was.
type Record struct {
	sched.Event
	Time int64 // nanoseconds on the machine's clock; 0 without Recorder.Clock
}

// chunkSize is how many events a log makes room for at a time.
const chunkSize = 1024

// A log keeps the events of one M.
type log struct {
	s      *sched.Sched // whose Nanotime is asked, or nil
	room   int          // how many more events it may make room for
	cut    bool         // some were not kept
	chunks [][]Record   // all but the last are full
	last   []Record
}

// Sink returns who is to be told of m's events: it is made for [sched.Config].Events.
func (r *Recorder) Sink(m *sched.M) sched.EventSink {
	l := &log{room: r.Limit}
	if r.Limit == 0 {
		l.room = 1 << 62
	}
	if r.Clock {
		l.s = m.Sched()
	}
	r.mu.Lock()
	r.logs = append(r.logs, l)
	r.mu.Unlock()
	return l
}

// Event implements [sched.EventSink].
func (l *log) Event(m *sched.M, e sched.Event) {
	if len(l.last) == cap(l.last) && !l.grow() {
		return
	}
	rec := Record{Event: e}
	if l.s != nil {
		rec.Time = m.Nanotime()
	}
	l.last = append(l.last, rec)
}

// grow makes room, and reports whether it may.
func (l *log) grow() bool {
	if l.room == 0 {
		l.cut = true
		return false
	}
	if l.last != nil {
		l.chunks = append(l.chunks, l.last)
	}
	l.last = make([]Record, 0, min(chunkSize, l.room))
	l.room -= cap(l.last)
	return true
}
