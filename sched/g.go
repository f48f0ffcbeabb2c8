package sched

import (
	"sync/atomic"

	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// A G is a task. It has a stack of its own, a carrier, only from the moment it
// blocks. Until then it runs on the carrier of its M.
//
// The scheduler passes a *G to the function that the G runs. It is the right to ask
// the scheduler for things. Only that function and what it calls may use it, and only
// until the function returns: Gs are reused.
type G struct {
	// A G is two cache lines of 64 bytes. To make, queue, run and free a G that never
	// blocks touches the first line only, or both if it was forked. What few Gs need
	// is in rest.

	next   *G           // on a list, of whoever owns that list
	task   Task         // what it runs; nil: arg.Data, see call
	c      *carrier     // its stack; nil until it first blocks
	m      *M           // while it runs, its M
	group  *Group       // that it is a member of
	home   atomic.Int32 // index of the domain it is at home at, or noHome; thieves look
	barred bar          // why it may not ask the scheduler for anything; 0 if it may
	why    WaitReason   // what it waits for; WaitNone while it does not
	forks  uint16       // times it was joined, so that a second Join is noticed
	arg    Arg          // of task; Data is in the first line; A is what task has returned

	parent   *G     // that forked it
	joined   word32 // joinRunning, joinDone or joinWaiting
	queuePos uint64 // on the one queue of arms without rings: its position + 1

	seq   uint32 // events that named it, see event.go
	depth uint32 // children that it is running inside joins, as itself: see short

	rest *gRest // nil until it is needed

	_ [8]byte // to the end of the second line
}

// A gRest is what only some Gs need: one that has parked, one that does Work, the one
// that a Run waits for. It stays with its G.
type gRest struct {
	// A G that waits at a channel needs only the first line, on a machine of one domain: see wait.go.
	waiter waiter  // its first
	served *waiter // the last that was dequeued of those with a claim
	claim  word32  // see waiter

	p     *P           // that it parked on; unset on machines of one domain
	trail policy.Trail // where it was made ready of late

	run  *run    // that waits for the G
	cond *waiter // of Cond.Wait, which may not use the others; nil until needed, and in use

	// What ends its wait early, see parkUntil.
	done   *Chan[struct{}]
	commit func(*M, *G) bool

	// What it waits for while it is parked, for the commit function.
	group *Group
	child *G

	sleep *timer // of Sleep; nil until first needed
	wake  int64  // when it is due

	io     *pollHalf // that it waits for
	ioNode *Node     // whose poller tells
	frame  any       // *frame[A, R]: of Fork; nil until first needed

	work Work // that it does

	// Of Config.Debug, for a DeadlockError.
	started *string // where it was
	since   int64   // when it parked last
}

// needRest returns g.rest, which it makes when first needed.
func (g *G) needRest() *gRest {
	if g.rest == nil {
		g.setRest(new(gRest))
	}
	return g.rest
}

func (g *G) setRest(rest *gRest) {
	g.rest = rest
	rest.waiter.g = g
	rest.claim.line = g.joined.line
}

// noHome is the home of a G that has not run yet.
const noHome = -1

// A Task is a function that can be forked without a closure. An Arg brings what it
// needs, and Join returns what it returns.
type Task func(g *G, arg Arg) int

// An Arg is what a forked [Task] works on. Put a pointer to shared data into Data, which
// does not allocate, and what differs between tasks into A and B. For more, there is [Fork].
//
// It is four words, because Go's compiler keeps larger structs in memory and not in registers.
// With a fifth word a fork and its join took 1.2 times as long.
type Arg struct {
	Data any
	A, B int
}

// A bar is why a G may not ask the scheduler for anything.
type bar uint8

const (
	cancelled     bar = 1 + iota // it must not go on, even if it recovers what says so
	busyInSyscall                // its M has no P
	ended                        // what it ran has returned
	watched                      // it may, but each time it is checked who asks: Config.Debug
)

// running returns the M that runs g. It panics if g is barred: a deferred function of a
// cancelled G has asked for something, or the function of a system call has.
func (g *G) running() *M {
	if g.barred != 0 {
		g.refuse()
	}
	return g.m
}

// wrapped is what a G runs whose function is called by one of the scheduler's own, which also
// does something before or afterwards.
type wrapped interface {
	run(*G)
	user() any // the function, as the user wrote it
}

// call has g run data, which is a func(*G) or wrapped.
func call(g *G, data any) {
	if fn, ok := data.(func(*G)); ok {
		fn(g)
	} else {
		data.(wrapped).run(g)
	}
}

// mustRun panics if a G is started with a nil function.
func mustRun(ok bool) {
	if !ok {
		panic(errNilFunc)
	}
}

// refuse panics with why g may not ask for anything, or returns if it may after all.
func (g *G) refuse() {
	switch g.barred {
	case cancelled:
		panic(errCancelled)
	case busyInSyscall:
		panic(errInSyscall)
	case ended:
		panic(errEnded)
	}
	if c := currentCarrier(); c != nil && c.runs != g {
		panic(errOtherG)
	}
}

// invoke runs g's function. A panic stops the scheduler, see panicked. runInline is its
// twin, in which runtime.Goexit stops the scheduler as well.
func (g *G) invoke() {
	returned := false
	defer func() {
		if returned {
			return
		}
		value := recover()
		if value == nil && g.mayExit() && calledGoexit() {
			g.exit()
			return
		}
		g.panicked(value, nil)
	}()
	if g.task != nil {
		g.arg.A = g.task(g, g.arg)
	} else {
		call(g, g.arg.Data)
	}
	if g.barred == cancelled {
		panic(errCancelled) // again: others may still see g where it was to wait
	}
	returned = true
}

// runInline runs child, which has not started, on g's stack. If child blocks, g is
// blocked with it. That costs g nothing, because g waits for child anyway. A G that forks
// and joins may not return to the scheduling loop for long, so now and then runInline looks
// at the time slice and at the thread's binding. It is invoke as well, rather than a call
// of it, because forks are so short.
func (g *G) runInline(child *G) {
	m := g.m
	if looks := m.p.stats.inlined(); looks || m.memory != nil || m.events != nil {
		m = g.lookInline(child, looks)
	}
	child.m, m.c.runs = m, child
	returned := false
	defer func() {
		if !returned {
			child.panicked(recover(), g)
		}
	}()
	if child.task != nil {
		child.arg.A = child.task(child, child.arg)
	} else {
		call(child, child.arg.Data)
	}
	if child.barred == cancelled {
		panic(errCancelled)
	}
	returned = true
	m = child.m // which may be another now
	g.m, m.c.runs = m, g
	m.eventEnd(child)
}

// short reports whether g forks and joins in the short way. A child that g takes back is a call
// then: it gets g, and its own G is free before it begins. Until it is public nobody else has
// heard of it, so there are no events of it either. Events of one that was public say that it ends
// as it is taken back. Whose children and Groups are whose is told by g and its depth. It is so
// where run queues are rings, but not on a simulated machine, which charges for every step, and not
// under Config.Debug, which tells all Gs apart.
func (g *G) short() bool { return g.barred == 0 && g.m.plain }

// hasFresh reports whether g's next child may take the short way: its G stands in the ring.
func (g *G) hasFresh() bool { return g.short() && g.m.p.ring.hasFresh() }

// beginCall is the start of a call of a child. It is so small that it is inlined.
func (g *G) beginCall() {
	if g.m.p.stats.inlined() {
		g.lookAround()
	}
}

// endCall is its end, unless the child panics. Then g.depth is not what it was before.
func (g *G) endCall(depth uint32) {
	if g.barred == cancelled {
		panic(errCancelled)
	}
	g.depth = depth
}

// runInlineMember runs a member of a Group, whose slot has been taken back in the short way, as
// Join runs a child.
func (g *G) runInlineMember(child *G) {
	data := child.arg.Data
	child.arg.Data, child.group = nil, nil
	if child.home.Load() != noHome {
		child.home.Store(noHome) // it was placed
	}
	g.beginCall()
	depth := g.depth
	defer func() {
		if g.depth != depth {
			g.panicked(recover(), g)
		}
	}()
	g.depth = depth + 1
	call(g, data)
	g.endCall(depth)
}

// lookAround looks whether g is to give way, and where its thread is.
func (g *G) lookAround() *M {
	m := g.preemptible()
	m.checkBinding(false)
	return m
}

// lookInline is the start of an inline run that somebody minds, or that looks around.
func (g *G) lookInline(child *G, looks bool) *M {
	m := g.m
	m.spend(machine.CostInline)
	if looks {
		m = g.lookAround()
	}
	m.eventG(machine.EventInline, child, 0)
	return m
}

// Go starts fn as a G of its own on this node.
func (g *G) Go(fn func(*G)) {
	m := g.running()
	mustRun(fn != nil)
	gp := m.newG()
	gp.arg.Data = fn
	m.runqput(gp, true)
	m.wakep(m.p.node)
	g.spawned(m)
}

// GoAt is Go with a [Placement].
func (g *G) GoAt(where Placement, fn func(*G)) {
	m := g.running()
	mustRun(fn != nil)
	gp := m.newG()
	gp.arg.Data = fn
	m.spawnAt(gp, where)
	g.spawned(m)
}

// Yield lets other Gs run. g goes to the end of its home node's queue; in arms without
// homes, to the end of the queue of the node that it is on.
func (g *G) Yield() {
	g.running().p.stats.Yields++
	g.park(WaitYield, commitYield)
}

func commitYield(m *M, gp *G) bool {
	n := m.p.node
	m.eventG(machine.EventRequeue, gp, 0)
	if home := m.placeOf(gp.home.Load(), m.p.domain); home != nil && home != n {
		n = home // it was stolen, and returns
		m.send(n, gp)
	} else {
		m.queuePut(n, gp)
	}
	m.wakep(n)
	return true
}

// Nanotime returns the machine's clock in nanoseconds.
func (g *G) Nanotime() int64 { return g.m.s.machine.Nanotime(&g.m.M) }

// P returns the number of the P that g runs on now, from 0.
func (g *G) P() int { return g.running().p.id }

// Node returns the ID of the NUMA node that g runs on as the scheduler has
// mapped it, or -1 on a machine without nodes.
func (g *G) Node() int { return g.running().p.domain.id }

// Sched returns the scheduler that runs g.
func (g *G) Sched() *Sched { return g.m.s }
