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
	logs []*log
}

// A Record is an event and when it was.
type Record struct {
	machine.Event
	Time int64 // nanoseconds on the machine's clock; 0 without Recorder.Clock
}

// chunkSize is how many events a log makes room for at a time: a power of two.
const chunkSize = 1024

// Kept returns how many events there are, and whether some were not kept.
func (r *Recorder) Kept() (n int, cut bool) {
	for _, l := range r.logs {
		n += l.len()
		cut = cut || l.cut
	}
	return n, cut
}

// A packed is a Record as a log keeps it: in words that are stored whole. To copy a struct
// of small fields right after they are stored takes several times as long.
type packed struct {
	what uint64 // Kind, P+1 from bit 8, G from bit 32
	seq  uint64
	arg  uint64
	time int64
}

func (p *packed) record(m int32) Record {
	return Record{Time: p.time, Event: machine.Event{Kind: machine.EventKind(p.what), M: m, P: int32(uint32(p.what)>>8) - 1, G: uint32(p.what >> 32),
		Seq: uint32(p.seq), Arg: p.arg}}
}

// A log keeps the events of one M.
type log struct {
	chunk  *[chunkSize]packed // the last one
	n      int                // events in it
	clock  bool
	m      int32
	room   int  // how many more chunks it may have
	wraps  bool // the oldest is forgotten when there is no more room
	cut    bool // some events were not kept
	chunks []*[chunkSize]packed
}

// Sink returns who is to be told of m's events: it is made for [sched.Config].Events.
func (r *Recorder) Sink(m *machine.M) machine.EventSink {
	l := r.newLog(int32(m.ID))
	r.mu.Lock()
	r.logs = append(r.logs, l)
	r.mu.Unlock()
	return l
}

func (r *Recorder) newLog(m int32) *log {
	l := &log{m: m, clock: r.Clock, room: 1 << 62, n: chunkSize}
	switch {
	case r.Last != 0:
		l.room, l.wraps = max((r.Last+chunkSize-1)/chunkSize, 2), true
	case r.Limit != 0:
		l.room = (r.Limit + chunkSize - 1) / chunkSize
	}
	return l
}

// len returns how many events l has.
func (l *log) len() int {
	if len(l.chunks) == 0 {
		return 0
	}
	return (len(l.chunks)-1)*chunkSize + l.n
}

// Event implements [machine.EventSink].
func (l *log) Event(m *machine.M, e machine.Event) {
	if l.n == chunkSize && !l.grow() {
		return
	}
	p := &l.chunk[l.n&(chunkSize-1)]
	p.what = uint64(e.Kind) | uint64(uint32(e.P+1))<<8 | uint64(e.G)<<32
	p.seq = uint64(e.Seq)
	p.arg = e.Arg
	p.time = 0
	if l.clock {
		p.time = m.Nanotime()
	}
	l.n++
}

// grow makes room, and reports whether it may.
func (l *log) grow() bool {
	switch {
	case len(l.chunks) < l.room:
		l.chunk = new([chunkSize]packed)
	case l.wraps:
		l.cut = true
		l.chunk = l.chunks[0]
		l.chunks = append(l.chunks[:0], l.chunks[1:]...)
	default:
		l.cut = true
		return false
	}
	l.chunks = append(l.chunks, l.chunk)
	l.n = 0
	return true
}
