package explore

import (
	"errors"
	"fmt"

	"numasched/sched"
	"numasched/sched/internal/inspect"
	"numasched/sched/internal/machine"
	"numasched/sched/trace"
	"numasched/topology"
)

// A word records what one execution has done to a cache line, or to a flag of the
// program.
type word struct {
	written          uint64 // hash of the thread that last wrote it, then
	read             uint64 // sum of the hashes of those that have read it since
	readers, writers uint32 // one bit for each thread
}

// A Machine implements [sched.Machine] for one execution of one program. One thread runs
// at a time. A point is before every access to a shared word and every futex call; at
// every point the picker says which thread goes on.
type Machine struct {
	topo    *topology.Topology
	s       *sched.Sched
	in      inspect.Inside // of s
	model   *goRuntime     // in the place of s, see model.go
	picker  picker         // nil: go on while possible, then the next in turn
	until   int            // the first point at which the picker wants to be asked
	every   bool           // it wants to be asked at every point, not at marked words only
	hashing bool           // the state is known and must stay known
	search  *search        // that wants to hear of accesses while hashing; nil for other pickers
	threads []*thread
	pool    []*thread
	cur     *thread
	next    *thread
	others  [maxThreads]*thread // what candidates returns
	due     [maxThreads]*thread // what dueNext returns
	now     int64               // what the clock shows, see clock.go
	hurried bool                // the clock has gone on while an M could

	pollers []*poller       // of this execution
	books   trace.Validator // of what the scheduler says it does

	step     int // points so far
	maxSteps int
	switches int // times that another thread went on
	idles    int // times in a row that thread 0 went on because no other could
	readied  int // times that a thread became able to go on, or may have become so

	words  []word   // that have ever been accessed
	places []uint16 // by index, see index: 1 + the place in words, or 0
	marked []bool   // by index: accesses are points at which to search, see search.go
	grew   bool     // an execution has marked a word
	sum    uint64   // of the hashes of all threads

	deviations []Deviation // from what would happen without a picker
	err        error       // ends the execution
	closed     bool        // Close has returned
	onWait     func()      // what the caller does in place of its first wait
	trace      *timeline   // nil but for replays
}

func index(line machine.Line) int { return int(line) + flags }

func (x *Machine) reset() {
	x.threads = x.threads[:0]
	x.cur, x.next = nil, nil
	x.step, x.switches, x.idles, x.readied = 0, 0, 0, 0
	x.until, x.every, x.hashing, x.search = 0, false, false, nil
	x.deviations = x.deviations[:0]
	x.err, x.closed, x.grew, x.onWait = nil, false, false, nil
	x.sum, x.now, x.hurried = 0, 0, false
	x.pollers = x.pollers[:0]
	x.books.Reset()
	clear(x.words)
	x.cur = x.newThread(nil)
	x.next = x.cur
}

// mix is the finaliser of MurmurHash3, by Austin Appleby.
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// setHash gives t another history.
func (x *Machine) setHash(t *thread, h uint64) {
	x.sum += h - t.hash
	t.hash = h
}

// touch records an access of t that happens now.
func (x *Machine) touch(t *thread, i int, kind machine.Access) {
	if x.hashing {
		x.hashAccess(t, i, kind)
	}
	if x.trace != nil {
		x.trace.access(x, t, i, kind)
	}
}

// hashAccess adds an access to the history, which is the state. It marks the word if
// several threads have now touched it and one has written it.
func (x *Machine) hashAccess(t *thread, i int, kind machine.Access) {
	w, bit := x.word(i), uint32(1)<<t.id
	if kind == machine.Load {
		x.setHash(t, mix(t.hash+w.written+uint64(i)*0xD1B54A32D192ED03))
		w.read += t.hash
		w.readers |= bit
		t.look = mix(t.look + w.written + uint64(i)*0xD1B54A32D192ED03)
	} else {
		x.setHash(t, mix(t.hash+w.written+w.read*0x9E3779B97F4A7C15+uint64(i)*0xD1B54A32D192ED03+1))
		w.written, w.read = t.hash, 0
		w.writers |= bit
		t.look = t.hash
	}
	if x.search != nil {
		x.search.accessed(x, t, x.places[i], kind)
	}
	if !x.marked[i] && w.writers != 0 && (w.readers|w.writers)&^bit != 0 {
		x.marked[i], x.grew = true, true
	}
}

// word returns the word with an index.
func (x *Machine) word(i int) *word {
	for i >= len(x.places) {
		x.places = append(x.places, 0)
		if len(x.marked) < len(x.places) {
			x.marked = append(x.marked, true)
		}
	}
	if x.places[i] == 0 {
		x.words = append(x.words, word{})
		x.places[i] = uint16(len(x.words))
	}
	return &x.words[x.places[i]-1]
}

// Access implements [machine.Memory].
func (x *Machine) Access(m *machine.M, line machine.Line, kind machine.Access) {
	t := x.cur
	if t.m != m && !x.isOuter(m) {
		x.fail(fmt.Errorf("two Ms on one carrier: M%d runs where M%d has entered", m.ID, t.id-1))
		return
	}
	if x.err != nil {
		return
	}
	i := index(line)
	if t.m == m || t.id == 0 {
		x.point(t, i)
		x.touch(t, i, kind)
	} else {
		x.touchLast(t, i, kind)
	}
}

// Scan implements [machine.Memory]: between any two loads others may go on.
func (x *Machine) Scan(m *machine.M, s machine.Scan) {
	for line, more := s.Next(); more; line, more = s.Next() {
		x.Access(m, line, machine.Load)
	}
}

// Spin implements [machine.Memory].
func (x *Machine) Spin(m *machine.M, _ int64, kernel func(), s machine.Scan) {
	for line, more := s.Next(); more; line, more = s.Next() {
		if line == 0 {
			kernel()
		} else {
			x.Access(m, line, machine.Load)
		}
	}
}

// touchLast is touch without a point before it: see isOuter. If somebody may want to go on
// before it, that can only be at t's last point.
func (x *Machine) touchLast(t *thread, i int, kind machine.Access) {
	x.touch(t, i, kind)
	if x.hashing && x.marked[i] && t.last >= 0 && !x.marked[t.last] {
		x.marked[t.last], x.grew = true, true
	}
}

// isOuter reports whether m stands for callers from outside. The scheduler also acts in
// its name when an M ends, on that M's thread. That thread has no stack that could be
// left, so there is no point.
func (x *Machine) isOuter(m *machine.M) bool { return m.ID == -1 }

// describe returns a name for what lies in a cache line and its value now, as
// [inspect.Inside] does.
func (x *Machine) describe(line machine.Line) (name, value string) {
	if x.model != nil {
		return x.model.describe(line)
	}
	return x.in.DescribeLine(line)
}

// closing reports whether the scheduler stops.
func (x *Machine) closing() bool { return x.in.Stopping() }

// Futexsleep implements [sched.Machine].
func (x *Machine) Futexsleep(m *machine.M, w machine.Word, val uint32, ns int64) {
	t := x.cur
	if x.err != nil {
		if t.id == 0 {
			panic(errAborted) // it waits for what will never happen
		}
		return
	}
	if f := x.onWait; t.id == 0 && f != nil {
		x.onWait = nil
		f()
	}
	until := x.end(ns)
	i := index(w.Line)
	x.point(t, i)
	x.touch(t, i, machine.RMW)
	if w.Peek() == val {
		x.sleep(t, w, until)
	}
}

// Futexwakeup implements [sched.Machine]. The sleeper with the lowest number wakes first.
// Linux does not promise an order either. It is the M's number, which the scheduler gives
// out under a lock. The number of a thread is no part of the state.
func (x *Machine) Futexwakeup(m *machine.M, w machine.Word, n int) {
	t := x.cur
	if x.err != nil {
		return
	}
	i := index(w.Line)
	if t.m == m || t.id == 0 {
		x.point(t, i)
		x.touch(t, i, machine.RMW)
	} else {
		x.touchLast(t, i, machine.RMW)
	}
	for n > 0 && x.wakeFirst(w) {
		n--
	}
}

// wakeFirst wakes the first that sleeps on w, and reports whether anybody does.
func (x *Machine) wakeFirst(w machine.Word) bool {
	var first *thread
	for _, o := range x.threads {
		if o.word == w && o.state == asleep && (first == nil || o.number() < first.number()) {
			first = o
		}
	}
	if first == nil {
		return false
	}
	x.wake(first)
	x.setHash(first, mix(first.hash+x.cur.hash))
	if x.trace != nil {
		x.trace.note(x, x.cur, "wakes "+x.name(first))
	}
	return true
}

// Newosproc implements [sched.Machine].
func (x *Machine) Newosproc(m, by *machine.M) {
	if x.closed {
		x.fail(fmt.Errorf("after Close, M%d was started", m.ID))
		return
	}
	t := x.newThread(m)
	if t.m == nil {
		return
	}
	x.setHash(t, mix(x.cur.hash+0x5851F42D4C957F2D))
	if x.trace != nil {
		x.trace.note(x, x.cur, "starts "+x.name(t))
	}
}

// NativeWaits implements [sched.Machine].
func (x *Machine) NativeWaits() []string { return nil }

// Attach implements [sched.Machine]: nobody is outside.
func (x *Machine) Attach(func(topology.CPUSet, string)) (detach func(), err error) {
	return func() {}, nil
}

// GrowProcs implements [sched.Machine]: it does nothing.
func (x *Machine) GrowProcs(int) {}

// Procyield implements [sched.Machine].
func (x *Machine) Procyield(*machine.M) { x.yield(x.cur) }

// Osyield implements [sched.Machine].
func (x *Machine) Osyield(*machine.M) { x.yield(x.cur) }

// Memory implements [sched.Machine].
func (x *Machine) Memory() machine.Memory { return x }

// EventSink implements [sched.Machine].
func (x *Machine) EventSink(*machine.M) machine.EventSink { return x }

// Event implements [machine.EventSink]: what the scheduler says it does must be possible.
func (x *Machine) Event(_ *machine.M, e machine.Event) {
	if x.err != nil {
		return
	}
	if err := x.books.Check(&e); err != nil {
		x.fail(err)
	}
}

// Spend implements [machine.Memory]: nothing costs time.
func (x *Machine) Spend(*machine.M, machine.Cost) {}

// Topology implements [sched.Machine].
func (x *Machine) Topology() *topology.Topology { return x.topo }

// Bind implements [sched.Machine]: it does nothing.
func (x *Machine) Bind(*machine.M, topology.CPUSet) error { return nil }

// BoundHere implements [sched.Machine]: an M has one thread all its life.
func (x *Machine) BoundHere(*machine.M) bool { return true }

// Getcpu implements [sched.Machine]: nobody knows.
func (x *Machine) Getcpu(*machine.M) int { return -1 }

// Work implements [sched.Machine]: work takes no time, so kernel does it.
func (x *Machine) Work(_ *machine.M, _ *sched.Work, _ int64, kernel func()) int64 {
	kernel()
	return 0
}

// NewBuffer implements [sched.Machine]: there is no memory here.
func (x *Machine) NewBuffer(int64, sched.Placement) (*sched.Buffer, error) {
	return nil, errors.New("explore: no memory for buffers on this machine")
}

// FreeBuffer implements [sched.Machine].
func (x *Machine) FreeBuffer(*sched.Buffer) {}
