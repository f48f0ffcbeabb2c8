package sched

import "sync/atomic"

// A G is a task. It has a stack of its own, a carrier, only from the moment it
// blocks: until then it runs on the carrier of the M that runs it.
//
// A *G is passed to the function it runs, as the right to ask the scheduler for
// things, and must not be used by anything but that function. Gs are reused.
type G struct {
	// What it runs: either fn, or task with arg.
	fn   func(*G)
	task Task
	arg  Arg
	ret  int // what task returned

	// Where it runs.
	m    *M           // while it runs, its M
	c    *carrier     // nil until it starts; once it has blocked, its stack
	home atomic.Int32 // place it is at home at, or noHome; thieves look
	away int32        // consecutive wake-ups by a P of place awayAt, not home
	from int32        // see away
	p    *P           // P that ran it last

	// What waits for it, at most one of these.
	group  *Group
	run    *run
	joined Word32 // of a forked G: joinRunning, joinDone or joinWaiting
	parent *G     // of a forked G: who joins it

	// Lists. next and prev belong to the list the G is on; queue is the node
	// queue it is on, and belongs to that queue's lock.
	next, prev *G
	queue      *Node

	// What it waits for while it is parked, for the commit function.
	waitMutex *mutex
	waitGroup *Group
	waitChild *G
	waitNode  *Node
}

// noHome is the home of a G that has not run yet.
const noHome = -1

// A Task is a function that can be forked without a closure: what it needs
// comes in an Arg and what it finds goes back through Join.
type Task func(g *G, arg Arg) int

// An Arg is what a forked [Task] works on. Put a pointer to shared data into
// Data (no allocation) and what differs between tasks into A, B and C.
type Arg struct {
	Data    any
	A, B, C int
}

// invoke runs what g is for. A panic stops the scheduler, see panicked.
func (g *G) invoke() {
	returned := false
	defer func() {
		if !returned {
			g.panicked(recover())
		}
	}()
	if g.fn != nil {
		g.fn(g)
	} else {
		g.ret = g.task(g, g.arg)
	}
	returned = true
}

// runInline runs child, which has not started, on g's stack. If child blocks, g
// is blocked with it, which costs nothing that g does not owe: it waits for
// child anyway.
func (g *G) runInline(child *G) {
	m := g.m
	m.spend(CostInline)
	m.p.stats.Inlined++
	child.m, child.c = m, m.c
	child.invoke()
	g.m = child.m // which may be another now
}

// newG returns a G that has yet to be told what to run.
func (m *M) newG() *G {
	m.spend(CostSpawn)
	p := m.p
	p.stats.Spawned++
	gp := p.gfree.popFree()
	if gp == nil {
		gp = m.gfget()
	}
	return gp
}

// Go starts fn as a G of its own on this node.
func (g *G) Go(fn func(*G)) {
	m := g.m
	gp := m.newG()
	gp.fn = fn
	m.runqput(gp, true)
	m.wakep(m.p.node)
}

// GoAt is Go with a [Placement].
func (g *G) GoAt(where Placement, fn func(*G)) {
	gp := g.m.newG()
	gp.fn = fn
	g.m.place(gp, where)
}

// Yield lets other Gs run: g goes to the end of its node's queue.
func (g *G) Yield() {
	g.m.p.stats.Yields++
	g.waitNode = g.m.p.node
	g.park(commitYield)
}

func commitYield(m *M, gp *G) bool {
	m.queuePut(gp.waitNode, gp)
	m.wakep(gp.waitNode)
	return true
}

// Nanotime returns the machine's clock in nanoseconds.
func (g *G) Nanotime() int64 { return g.m.s.machine.Nanotime(g.m) }

// Node returns the ID of the NUMA node that g runs on as the scheduler has
// mapped it, or -1 on a machine without nodes.
func (g *G) Node() int { return g.m.p.place.id }

// Sched returns the scheduler that runs g.
func (g *G) Sched() *Sched { return g.m.s }
