package sched

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"numasched/sched/internal/machine"
	"numasched/sched/internal/threadlock"
)

// A goroutine that is no G may run one itself, instead of waking an M for it and waiting. It
// comes as a guest: it takes an idle P, and runs the G on its own thread, as a C thread does that
// calls Go. To wake an M costs a futex call and a switch of threads, and so does the way back.
// (Sysmon alone may have to be woken, if all Ps were idle.)
//
// A guest is an M that no thread belongs to. Whoever calls Do takes one that is free, enters its
// carrier, and leaves it when the visit is over. The visit is over when the G ends, but also when
// it parks, or comes out of a system call whose P was taken: others run it then, and the caller
// waits natively. So a guest runs no other G, and never becomes an idle M.
//
//   - A guest takes its P off the idle list, as a G does that comes back from a system call. If no
//     P is idle, it queues the G and wakes an M, as Start does.
//   - It hands its P over when it leaves (handoffp), as the M of a locked G does. So nothing that the
//     G has left on the P is lost, nor what others have queued while they saw no idle P.
//   - Close waits until every guest has left. It shuts the doors first, so that those who
//     come, and those who leave, meet it at the lock. A guest is not counted in Sched.nm: it is no
//     thread more, so it takes none from Config.MaxMs. No more are made than there are Ps.
//   - Its thread is not bound. It takes a P of the node that the thread is on.

// guests are the guests of a scheduler. The free ones are at the doors of the CPUs on which they came
// last, one at each. The next visit on that CPU takes the one that it finds there, with its P, its
// stack and its G, which that CPU has in its caches. It need not take the lock for that.
type guests struct {
	doors []door

	sync.Mutex
	free []*M      // that found another one at their door, or found it shut
	made int       // those that have not ended
	left sync.Cond // all are free; its L is the Mutex
}

// A door is that of a CPU. It is a cache line.
type door struct {
	guest atomic.Pointer[M]
	came  atomic.Uint64 // callers who looked for a guest, see policy.Pace.MaySleep
	_     [lineSize - 16]byte
}

// doorShut is at every door once the scheduler stops.
var doorShut = new(M)

func (d *door) take() *M {
	if m := d.guest.Load(); m != nil && m != doorShut && d.guest.CompareAndSwap(m, nil) {
		return m
	}
	return nil
}

// came returns how many callers have looked for a guest.
func (gs *guests) came() (n uint64) {
	for i := range gs.doors {
		n += gs.doors[i].came.Load()
	}
	return n
}

// A visit is one call of Do.
type visit struct {
	fn      func(*G)
	names   any     // the function that errors call the G by
	started *string // where Do was called, under Config.Debug
	state   atomic.Uint32
	here    bool                          // it has ended on its guest's own M, so that nobody else knows of it any more
	how     error                         // valid when state is visitEnded
	done    atomic.Pointer[chan struct{}] // of who waits for that, closed then; nil if nobody does
}

// The values of visit.state.
const (
	visitNew     = iota
	visitBegun   // fn is called; whoever waits has to wait until it has ended
	visitForgone // the scheduler has stopped before: fn will not be called
	visitEnded   // fn has returned, or was unwound
)

// Do runs fn as a G and returns when fn has returned: for goroutines that are no Gs. If a P is
// idle, the goroutine runs the G itself and no thread is woken; if the G blocks, or its time slice
// is over, others go on with it. Do is made for short functions, such as the handler of a request.
// Do neither binds the thread nor finds deadlocks for its caller. A Run whose Gs all wait, for what
// only a later Do or Start will send, is in a deadlock.
//
// The error is [ErrGoexit] if fn has called runtime.Goexit, [ErrClosed] after Close, or why the
// scheduler has stopped: before fn began, or before it returned. Do returns only after the last
// deferred function of fn. So if the scheduler has stopped for another reason than Close while fn
// was blocked, Do returns in Close.
//
// On a simulated machine Do is [Sched.Run].
func (s *Sched) Do(fn func(*G)) error { return s.DoFor(fn, fn) }

// DoFor is Do of a function that calls another one, user: a [DeadlockError] names that. It is for
// packages like host/hostnet.
func (s *Sched) DoFor(user any, fn func(*G)) error {
	mustRun(fn != nil)
	if s.machine.Memory() != nil {
		return s.Run(fn)
	}
	if g := Current(); g != nil && g.m.s == s {
		panic(errDoInG)
	}
	m := s.enterGuest()
	if m == nil {
		v := &visit{fn: fn, names: user}
		if err := s.startData(v); err != nil {
			return err
		}
		return v.ended(s)
	}
	v := m.spare
	if v == nil {
		v = new(visit)
	}
	v.fn, v.names = fn, user
	if s.mayAsk == watched {
		v.started = caller()
	}
	m.visit, m.spare = v, nil
	m.base.enter(m)
	m.base.stack.Switch(m.c.stack)
	if v.here && v.how == nil {
		v.fn, v.names, v.started, v.here = nil, nil, nil, false
		v.state.Store(visitNew)
		m.spare = v
		s.leaveGuest(m)
		return nil
	}
	s.leaveGuest(m)
	return v.ended(s)
}

// errUnwound says that fn has panicked or was cancelled: the scheduler stops, and says why.
var errUnwound = errors.New("sched: the function of Do was unwound")

// ended returns how the visit has ended, when it has, or will never begin.
func (v *visit) ended(s *Sched) error {
	if v.state.Load() != visitEnded && !v.wait(s) {
		return s.failure()
	}
	if v.how == errUnwound {
		<-s.stopped
		return s.failure()
	}
	return v.how
}

// wait returns true when the visit has ended, and false if it will never begin. Most visits of
// guests have ended before anybody waits, so the channel is made here. Whoever waits publishes
// it, then looks at the state. Who ends the visit changes the state, then looks for a channel.
func (v *visit) wait(s *Sched) bool {
	done := make(chan struct{})
	v.done.Store(&done)
	if v.state.Load() == visitEnded {
		return true
	}
	select {
	case <-done:
	case <-s.stopped:
		if v.state.CompareAndSwap(visitNew, visitForgone) {
			return false
		}
		<-done
	}
	return true
}

// run implements [wrapped].
func (v *visit) run(g *G) {
	if !v.state.CompareAndSwap(visitNew, visitBegun) {
		return
	}
	returned := false
	defer func() {
		switch {
		case g.barred == cancelled:
			v.how = errUnwound
		case returned:
		case calledGoexit():
			v.how = ErrGoexit
		default:
			v.how = errUnwound
		}
		if g.m.guest {
			v.here = true
			v.state.Store(visitEnded)
			return // whoever waits is on this thread, and goes on when the guest has left
		}
		v.state.Store(visitEnded)
		if done := v.done.Load(); done != nil {
			close(*done)
		}
		if g.barred != cancelled {
			// Whoever waits is next on this thread: let him go on, rather than wait until
			// another thread takes him over.
			runtime.Gosched()
		}
	}()
	v.fn(g)
	returned = true
}

// user implements [wrapped].
func (v *visit) user() any { return v.names }

// setFor has gp, which was made on the stack of a guest, run v.
func (v *visit) setFor(gp *G) {
	gp.arg.Data = v
	if gp.barred == watched {
		gp.rest.started = v.started
	}
}

// enterGuest returns a free guest, or nil if there is no use for one, or if the calling goroutine
// is locked to its thread: those may not enter carriers.
func (s *Sched) enterGuest() *M {
	m0 := s.m0
	if m0.count().idle() == 0 || !threadlock.Known() || threadlock.Mine().Locked() {
		return nil
	}
	at := &s.guests.doors[max(0, s.machine.Getcpu(&m0.M))%len(s.guests.doors)]
	at.came.Add(1)
	m := at.take()
	if m == nil {
		m = s.guestElsewhere()
	}
	if m != nil {
		m.door = at
	}
	return m
}

// guestElsewhere returns a guest that is not at the door of the calling thread's CPU: a new one, if
// there may be one more, so that each CPU gets its own.
func (s *Sched) guestElsewhere() *M {
	gs := &s.guests
	gs.Lock()
	if s.stopping.load(s.m0) == stopping {
		gs.Unlock()
		return nil
	}
	if n := len(gs.free); n > 0 {
		m := gs.free[n-1]
		gs.free = gs.free[:n-1]
		gs.Unlock()
		return m
	}
	if gs.made < s.m0.count().procs() {
		gs.made++
		gs.Unlock()
		return s.newGuest()
	}
	gs.Unlock()
	for i := range gs.doors {
		if m := gs.doors[i].take(); m != nil {
			return m
		}
	}
	return nil
}

func (s *Sched) newGuest() *M {
	s.outer.Lock()
	defer s.outer.Unlock()
	m0 := s.m0
	m := m0.allocm()
	m.guest = true
	s.lock.lock(m0)
	s.listM(m)
	s.lock.unlock(m0)
	m0.tellOf(m)
	if s.sysmonM == nil && !s.noSysmon {
		m0.newSysmon()
	}
	return m
}

// leaveGuest is called when m has left, or has ended because the scheduler stops.
func (s *Sched) leaveGuest(m *M) {
	if !m.ended && m.door.guest.CompareAndSwap(nil, m) {
		return
	}
	if m.ended {
		m.c.mustBeSound()
		m.eventM(machine.EventEndM, m)
	}
	gs := &s.guests
	gs.Lock()
	defer gs.Unlock()
	if m.ended {
		gs.made--
	} else {
		gs.free = append(gs.free, m)
	}
	if len(gs.free) == gs.made {
		gs.left.Broadcast()
	}
}

// awaitGuests returns when no guest visits. The scheduler stops, so no other one comes.
func (s *Sched) awaitGuests() {
	s.guests.Lock()
	defer s.guests.Unlock()
	for !s.guests.allLeft() {
		s.guests.left.Wait()
	}
}

// noGuests reports whether no guest visits. The scheduler stops.
func (s *Sched) noGuests() bool {
	s.guests.Lock()
	defer s.guests.Unlock()
	return s.guests.allLeft()
}

// allLeft shuts the doors, so that no guest moves from one to another while it counts, and reports
// whether no guest visits. The lock is held.
func (gs *guests) allLeft() bool {
	for i := range gs.doors {
		if m := gs.doors[i].guest.Swap(doorShut); m != nil && m != doorShut {
			gs.free = append(gs.free, m)
		}
	}
	return len(gs.free) == gs.made
}

// visitNext is a guest's part of the scheduling loop. If its visit is over it leaves. If it
// returns true, m has a P and the G of the next visit. It returns false if m is to end.
func (m *M) visitNext() bool {
	for {
		v := m.visit
		if v == nil {
			if m.p != nil {
				if m.s.stopping.load(m)&publishing != 0 {
					m.publishStats()
				}
				m.share()
				m.handoffp(m.partFromP())
			}
			if !m.awaitVisit() {
				return false
			}
			continue
		}
		m.visit = nil
		if m.s.stopping.load(m) == stopping {
			return false
		}
		m.oldp = m.pHere()
		n := m.oldp.node
		if n.nidle.load(m) != 0 {
			if p := m.idleP(m.oldp); p != nil {
				m.acquirep(p)
				m.nextg = m.newG()
				v.setFor(m.nextg)
				return true
			}
		}
		gp := m.s.initG(new(G), nil)
		v.setFor(gp)
		m.eventG(machine.EventSpawn, gp, 0)
		n = m.inUse(n)
		m.queuePut(n, gp)
		m.wakep(n)
	}
}

// awaitVisit leaves m's carrier until the next visit. It returns false if there will be none.
func (m *M) awaitVisit() bool {
	if m.memory == nil {
		return m.c.stack.Switch(m.base.stack)
	}
	if len(m.visits) == 0 {
		m.s.noutside.add(m, -1)
		if m.count().allIdle() {
			m.allPsIdle() // who made the last P idle may have seen the count, and looked no further
		}
		return false
	}
	m.visit, m.visits = m.visits[0], m.visits[1:]
	return true
}

// pHere returns a P of the node that m's thread is on, idle or not: the one that m had last, if
// that is one of them or nobody knows.
func (m *M) pHere() *P {
	s := m.s
	cpu := -1 // it makes no difference, or nobody knows
	if s.severalDomains {
		cpu = s.machine.Getcpu(&m.M)
	}
	if cpu >= 0 && (m.oldp == nil || !m.oldp.domain.cpus.Contains(cpu)) {
		for _, d := range s.domains {
			if d.cpus.Contains(cpu) && d.hasPs(m) {
				for _, p := range m.psOf(d.node) {
					if p.domain == d {
						return p
					}
				}
			}
		}
	}
	if m.oldp == nil {
		return m.ps()[0]
	}
	return m.oldp
}

// visitedBy has a guest with a thread of the simulated machine come for each of fns.
func (g *G) visitedBy(fns []func(*G)) {
	m := g.running()
	guest := m.allocm()
	guest.guest = true
	guest.oldp = m.p
	for _, fn := range fns {
		guest.visits = append(guest.visits, &visit{fn: fn, names: fn})
	}
	m.s.noutside.add(m, 1)
	m.startNew(guest, nil)
}
