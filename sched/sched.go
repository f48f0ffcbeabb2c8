package sched

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"numasched/sched/internal/coro"
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// A Config says what a scheduler is made of.
type Config struct {
	Machine Machine
	Arm     policy.Arm
	Procs   int    // how many Ps; 0 means as many as the machine allows CPUs
	Seed    uint64 // of the random choices

	// NoSysmon leaves out the M that takes Ps away from Gs in long system calls, as
	// before Go 1.1, and that finds Gs which wait for what the scheduler does not know.
	NoSysmon bool

	// MaxMs is how many Ms there may be, sysmon among them: when one more is needed, the
	// scheduler stops with a [TooManyMsError]. 0 means 10000, as in Go, or twice Procs if
	// that is more.
	MaxMs int

	// NoPreempt lets a G keep its P until it blocks, yields or ends, as before Go 1.2.
	NoPreempt bool

	// Debug finds more misuse, and makes everything slower: a *G that is used after its
	// function has returned, and one that is used by another G. Both panic. Without it they
	// may do anything. It also has a [DeadlockError] say where each G was started and how
	// long it has waited.
	Debug bool

	// Report is told, in words for a person, when Gs hold up others in a way that the
	// scheduler can only watch, and when somebody outside has changed which CPUs the process
	// may run on. nil means that it goes to the standard error. sysmon calls it, or the
	// machine, perhaps at the same time.
	Report func(text string)

	// FollowCPUs has the number of Ps follow the CPUs that the process may run on, when
	// somebody changes them from outside (taskset, a cpuset): as by [Sched.SetProcs], to as
	// many as are left of those that the machine allowed, whatever it was before.
	FollowCPUs bool

	// Events, if not nil, returns who is told of the events of an M: nil if nobody is. It is
	// called once for every M, before the M does anything, and for the M with the ID -1 that
	// stands for callers from outside.
	Events func(*machine.M) machine.EventSink

	SchedTrace SchedTrace // lines about the state of the scheduler now and then; none unless asked for
}

// A Sched schedules Gs on the Ps and Ms of one machine.
type Sched struct {
	_ toLine

	stopping word32 // stopping once the scheduler fails or is closed; or publishing and resizing; or 0
	quiet    word32 // 1 while Quiesce waits for all Ps to be idle
	_        [lineSize - 16]byte

	npidle word32 // idle Ps of all Nodes, and how many Ps there are: see census
	_      [lineSize - 8]byte

	nretaken    word32 // Ms in system calls whose P sysmon has taken
	sysmonWaits word32 // 1 while sysmon sleeps because every P is idle
	_           [lineSize - 16]byte

	noutside word32 // Gs that somebody outside may wake: they wait for a context
	_        [lineSize - 8]byte

	nm word32 // Ms that have not ended; read without the lock
	_  [lineSize - 8]byte

	lock       mutex  // protects what follows
	nfreec     word32 // length of freec; read without the lock
	runs       []*run
	err        error   // why the scheduler stops, if it has failed
	later      []error // what Gs panicked with after that
	statsAsked uint64  // calls of Stats
	allc       list[carrier]
	freec      *carrier
	ncarriers  int  // that were ever made
	allm       []*M // Ms that were ever started, but for locked ones that have ended
	mcount     int  // how many were started
	sysmonM    *M   // nil until the first Run, or for ever
	_          linePad

	machine    Machine
	arm        policy.Arm
	goLock     bool // Node.lock is taken where Go takes sched.lock: see schedlock.go
	noSysmon   bool
	noPreempt  bool
	maxMs      int
	stuckAfter int64 // policy.StuckAfter; tests have less patience
	report     func(string)
	events     func(*machine.M) machine.EventSink

	trace                 SchedTrace
	traceStart, traceLast int64
	view                  *view // for trace.Detail, else nil

	layout         wordLayout // which Ps and Nodes there are, see procs.go
	seats          []seat
	seed           uint64
	domains        []*domain
	severalDomains bool // there are several domains
	rules          policy.Rules

	followCPUs bool
	cpuChanges atomic.Uint32 // of the CPUs that the process may run on
	detach     func()        // ends the use of the Machine
	changes    []string      // what was reported of them; under lock

	strays sync.Map // IDs of nodes that Gs were sent to and that have no CPUs for this process

	dones  sync.Map       // *doneChan by the Done channel of the context
	reaped sync.WaitGroup // goroutines that end a carrier, see goexit.go
	mayAsk bar            // of Gs that may ask for anything: watched under Config.Debug, or 0

	lines atomic.Uint32

	outer  sync.Mutex // serialises callers from outside while they use m0
	m0     *M         // stands for them
	closed bool       // Close was called; under outer

	guests  guests
	stopped chan struct{} // closed when stopping is stopping; nil on a simulated machine

	reuse *reuse // nil outside the explorer
}

// A run is one call of [Sched.Run], with the G that it waits for.
type run struct {
	g      G
	rest   gRest
	done   word32
	exited bool // by runtime.Goexit; valid when done is

	_ [40]byte // see line.go
}

// New makes a scheduler. Ms start when there is work for them. Close it after use:
// its threads refer to it, so the garbage collector never frees a scheduler that is
// dropped without Close, nor its threads and stacks.
//
// The error names the field of cfg that is wrong, and what it wants.
func New(cfg Config) (*Sched, error) {
	if v := reflect.ValueOf(cfg.Machine); cfg.Machine == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, errors.New("sched: Config.Machine is nil: want a Machine, as host.New returns it if its error is nil")
	}
	if cfg.Arm.Name == "" {
		return nil, errors.New("sched: Config.Arm has no name: want an arm, as policy.ByName returns it")
	}
	topo := cfg.Machine.Topology()
	cpus := topo.Allowed.Len()
	if cfg.Procs == 0 {
		cfg.Procs = cpus
	}
	if cfg.Procs < 1 || cfg.Procs > cpus {
		return nil, fmt.Errorf("sched: Config.Procs is %d: want 1 to %d, the CPUs that %s allows", cfg.Procs, cpus, topo.Origin)
	}
	if cfg.Procs > maxProcs {
		return nil, fmt.Errorf("sched: Config.Procs is %d: want at most %d", cfg.Procs, maxProcs)
	}
	if cfg.MaxMs == 0 {
		cfg.MaxMs = max(defaultMaxMs, 2*cpus)
	}
	if least := cfg.Procs + 1; cfg.MaxMs < least {
		return nil, fmt.Errorf("sched: Config.MaxMs is %d: want at least %d, one for each P and sysmon, or 0 for the default", cfg.MaxMs, least)
	}
	s := &Sched{maxMs: cfg.MaxMs, stuckAfter: policy.StuckAfter, machine: cfg.Machine, arm: cfg.Arm, noSysmon: cfg.NoSysmon, noPreempt: cfg.NoPreempt, report: cfg.Report, events: cfg.Events}
	if s.report == nil {
		s.report = func(text string) { os.Stderr.WriteString(text) }
	}
	if cfg.Debug {
		s.mayAsk = watched
	}
	if s.machine.Memory() == nil {
		s.stopped = make(chan struct{})
	}
	s.guests.left.L = &s.guests
	if s.machine.Memory() == nil {
		s.guests.doors = make([]door, topo.Online.Len())
	} else {
		s.guests.doors = make([]door, 1) // nobody saves anything there
	}
	s.m0 = &M{M: machine.M{ID: -1}, s: s}
	s.m0.Worker = s.m0
	s.lock.key.line = s.newLines(1)
	s.npidle.line = s.newLines(1)
	s.noutside.line = s.newLines(1)
	s.nretaken.line = s.newLines(1)
	s.sysmonWaits.line = s.nretaken.line
	s.stopping.line = s.newLines(1)
	s.nm.line = s.newLines(1)
	s.quiet.line = s.stopping.line
	s.nfreec.line = s.lock.key.line
	s.goLock = s.arm.SchedLock && s.machine.Memory() != nil
	s.mapPs(topo, cfg.Procs, cfg.Seed)
	if err := s.initTrace(&cfg); err != nil {
		return nil, err
	}
	s.m0.listen(s.eventsOf(s.m0))
	s.m0.plain = s.machine.Memory() == nil && s.arm.Local && s.mayAsk != watched
	s.followCPUs = cfg.FollowCPUs
	var err error
	if s.detach, err = s.machine.Attach(s.cpusChanged); err != nil {
		return nil, fmt.Errorf("sched: Config.Machine cannot be used: %w", err)
	}
	return s, nil
}

// newLines returns the first of n new cache lines.
func (s *Sched) newLines(n uint32) machine.Line { return machine.Line(s.lines.Add(n) - n + 1) }

// NodeIDs returns the kernel IDs of the nodes that Ps are, or were, mapped onto, in the
// order of their first P; -1 stands for CPUs that no node has.
func (s *Sched) NodeIDs() (ids []int) {
	for _, p := range s.layout.v.Load().made {
		if !slices.Contains(ids, p.domain.id) {
			ids = append(ids, p.domain.id)
		}
	}
	return ids
}

// NodeOfP returns the kernel ID of the node that the P with an index is mapped onto, or -1.
// The index is that of a P that there is, or that there may be after a SetProcs.
func (s *Sched) NodeOfP(p int) int { return s.seats[p].domain.id }

// Arm returns the arm that the scheduler was made with.
func (s *Sched) Arm() policy.Arm { return s.arm }

// NewBuffer returns memory for [G.Work] to read and write. Its errors are the
// machine's, no memory or not that much, and that it has no such node. Some arms place the
// memory elsewhere than asked.
func (s *Sched) NewBuffer(bytes int64, where Placement) (*Buffer, error) {
	if id, ok := where.Node(); ok && s.machine.Topology().Node(id) == nil {
		var ids []string
		for _, n := range s.machine.Topology().Nodes {
			ids = append(ids, strconv.Itoa(n.ID))
		}
		return nil, fmt.Errorf("sched: a buffer on node %d: there is no such node, want one of %s", id, strings.Join(ids, ", "))
	}
	switch s.arm.Memory {
	case policy.Interleaved:
		where = Interleave
	case policy.OnOneNode:
		if id := s.NodeOfP(0); id >= 0 {
			where = OnNode(id)
		}
	case policy.FirstTouch:
		where = Default
	}
	return s.machine.NewBuffer(bytes, where)
}

// NewBuffer is [Sched.NewBuffer] for memory that g will touch first. On a wrong map of the
// nodes, that lies on the node where g is believed to be: else what g touches would be
// local again.
func (g *G) NewBuffer(bytes int64, where Placement) (*Buffer, error) {
	s := g.Sched()
	if id := g.Node(); s.arm.Map != policy.RightMap && where == Default && id >= 0 {
		where = OnNode(id)
	}
	return s.NewBuffer(bytes, where)
}

// FreeBuffer gives memory back that no Work will use again.
func (s *Sched) FreeBuffer(b *Buffer) {
	if b == nil {
		panic("sched: FreeBuffer of nil: want what NewBuffer returned")
	}
	s.machine.FreeBuffer(b)
}

// The values of Sched.stopping, beside 0.
const (
	stopping   = 1 // for good: every M ends
	publishing = 2 // for the moment: every M publishes the statistics of its P
	resizing   = 4 // until some P has gone: see procs.go
)

// Run runs fn as a G and returns when fn has returned. Gs that fn started and
// did not wait for go on.
//
// The error is a *[PanicError] if a G has panicked, a *[DeadlockError] if this Run
// waits, every P is idle and no G is ready, or [ErrClosed]. A G that waits for what a
// later Run would send is such a deadlock, too: the scheduler does not know of Runs
// to come. After an error the scheduler stops: no G that is ready or blocked goes on,
// but one that computes does so until it next asks the scheduler for something. Only
// Close waits for that; free what Gs use after Close, not after Run.
//
// Run may be called by any goroutine, and by several at a time, but not by a G.
func (s *Sched) Run(fn func(*G)) error {
	mustRun(fn != nil)
	return s.runData(fn)
}

// runData is Run of what call can run.
func (s *Sched) runData(data any) error {
	if g := Current(); g != nil && g.m.s == s {
		panic(errRunInG)
	}
	m := s.m0
	s.outer.Lock()
	if s.closed {
		s.outer.Unlock()
		return ErrClosed
	}
	r := &run{done: word32{line: s.newLines(1)}}
	gp := s.initG(&r.g, &r.rest)
	gp.arg.Data, gp.rest.run = data, r
	s.lock.lock(m)
	if s.err != nil {
		err := s.err
		s.lock.unlock(m)
		s.outer.Unlock()
		return err
	}
	s.runs = append(s.runs, r)
	m.eventG(machine.EventSpawn, gp, 0)
	n := m.ps()[0].node
	m.queuePut(n, gp) // under s.lock, see checkdead
	s.lock.unlock(m)
	m.wakep(n)
	if s.sysmonM == nil && !s.noSysmon {
		m.newSysmon()
	}
	s.outer.Unlock()

	for r.done.load(m) == 0 {
		s.machine.Futexsleep(&m.M, r.done.futex(), 0, -1)
	}
	if r.done.load(m) == runStopped {
		return s.failure()
	}
	if r.exited {
		return ErrGoexit
	}
	return nil
}

// Start starts fn as a G and returns at once: for goroutines that are no Gs. It returns
// [ErrClosed] after Close, or why the scheduler has stopped.
func (s *Sched) Start(fn func(*G)) error {
	mustRun(fn != nil)
	return s.startData(fn)
}

// startData is Start of what call can run.
func (s *Sched) startData(data any) error {
	err := ErrClosed
	s.fromOutside(func(m *M) {
		s.lock.lock(m)
		err = s.err
		s.lock.unlock(m)
		if err != nil {
			return
		}
		gp := s.initG(new(G), nil)
		gp.arg.Data = data
		m.eventG(machine.EventSpawn, gp, 0)
		n := m.ps()[0].node
		m.queuePut(n, gp)
		m.wakep(n)
		if s.sysmonM == nil && !s.noSysmon {
			m.newSysmon()
		}
	})
	return err
}

const (
	runDone    = 1
	runStopped = 2
)

// laterMax bounds how many panics Close returns: a million Gs may have the same.
const laterMax = 100

// finish ends a run.
func (m *M) finish(r *run, how uint32) {
	r.done.store(m, how)
	m.s.machine.Futexwakeup(&m.M, r.done.futex(), 1)
}

// endRun ends the G that a Run waits for.
func (m *M) endRun(r *run) {
	s := m.s
	s.lock.lock(m)
	i := slices.Index(s.runs, r)
	if i >= 0 {
		s.runs = slices.Delete(s.runs, i, i+1)
	}
	s.lock.unlock(m)
	if i >= 0 {
		m.finish(r, runDone)
	}
}

// Close ends the scheduler. What runs goes on until it next blocks, yields or
// returns. What is blocked is cancelled: its deferred functions run, and it ends,
// even if one of them recovers. They may Alloc and Free; whatever else they ask of
// the scheduler panics. A G that computes, or recovers and blocks again, for ever
// holds Close up for ever.
//
// Close returns the error that stopped the scheduler, if it had failed, joined with a
// *[PanicError] for every later panic of a deferred function. A second Close returns
// [ErrClosed], at once. Close may be called by any goroutine, but not by a G.
func (s *Sched) Close() error {
	m := s.m0
	s.outer.Lock()
	if s.closed {
		s.outer.Unlock()
		return ErrClosed
	}
	s.closed = true
	m.stop(ErrClosed) // a guest may come, in m's name as well
	s.outer.Unlock()  // deferred functions may call Run, which then says that s is closed
	defer s.detach()

	for again := true; again; again = s.nm.Peek() != 0 { // a guest that left may have started an M
		for n := s.nm.load(m); n != 0; n = s.nm.load(m) {
			s.machine.Futexsleep(&m.M, s.nm.futex(), n, -1)
		}
		s.awaitGuests()
	}
	s.reaped.Wait()
	s.endCarriers()
	for _, n := range m.nodes() {
		if pl := n.poller(); pl != nil {
			pl.Close()
		}
	}
	s.flushCaches()
	s.forgoContexts()

	s.lock.lock(m)
	defer s.lock.unlock(m)
	if s.err == ErrClosed {
		return errors.Join(s.later...)
	}
	if len(s.later) == 0 {
		return s.err
	}
	return errors.Join(append([]error{s.err}, s.later...)...)
}

// endCarriers ends all carriers and so runs the deferred functions of Gs that are
// blocked. No M is left. A deferred function may call [runtime.Goexit], as
// testing.T.FailNow does. That ends the goroutine that ends its carrier. So the scheduler
// starts a goroutine to end carriers, and another goes on where that one ended.
func (s *Sched) endCarriers() {
	for c := range s.allc.all {
		c.m = nil
	}
	s.freec = nil
	if s.reuse != nil {
		for c := s.allc.first(); c != nil; c = s.allc.first() {
			s.forgetCarrier(c)
			s.reuse.put(c)
		}
		return
	}
	for s.allc.first() != nil {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			me := coro.Current()
			for c := s.allc.first(); c != nil; c = s.allc.first() {
				s.forgetCarrier(c)
				if !c.endStack(me) {
					panic("sched: bug: somebody enters a stack after the last M has ended")
				}
			}
		}()
		<-ended
	}
}

func (s *Sched) failure() error {
	s.lock.lock(s.m0)
	defer s.lock.unlock(s.m0)
	return s.err
}

// stop makes every M end, for the given reason. The first reason counts; panics that
// come later are kept for Close to return.
func (m *M) stop(err error) {
	s := m.s
	s.lock.lock(m)
	if s.err != nil {
		if pe, ok := err.(*PanicError); ok && len(s.later) < laterMax {
			s.later = append(s.later, pe)
		}
		s.lock.unlock(m)
		return
	}
	s.err = err
	m.eventM(machine.EventStop, m)
	s.stopping.store(m, stopping)
	if s.stopped != nil {
		close(s.stopped)
	}
	runs, sysmon, locked := s.runs, s.sysmonM, s.lockedMs()
	s.runs = nil
	s.lock.unlock(m)

	for _, r := range runs {
		m.finish(r, runStopped)
	}
	if sysmon != nil {
		m.stopSysmon(sysmon)
	}
	for _, mp := range locked {
		mp.note.wakeup(m) // for no P: it ends
	}
	for _, n := range m.nodes() {
		n.lock.lock(m)
		for p := n.idle.first(); p != nil; p = n.idle.first() {
			m.pidletake(n, p)
		}
		for mp := n.midle.first(); mp != nil; mp = n.midle.first() {
			m.mtake(n, mp)
			mp.note.wakeup(m) // for no P: it ends
		}
		if n.poll.load(m) != 0 {
			m.breakPoll(n)
		}
		n.lock.unlock(m)
	}
}
