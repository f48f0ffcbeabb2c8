package sched

import (
	"context"
	"unsafe"

	"numasched/sched/internal/machine"
)

// Fork and Join, Group and Wait. A join first takes back the child that nobody has
// stolen, from the owner's end of the ring, and calls it. While the child is private
// (runq.go) that costs a few stores, and no atomic read-modify-write. A join waits only for
// a child that was stolen.
//
// So most children are never Gs of their own. Invariants of those that are called (G.short):
//
//   - The child's G is a free one from the moment that it is called. What it runs has been
//     read from it before.
//   - Neither is what a typed fork keeps with that G (fork.go): others may use it before the
//     call returns. So the result travels as what the call returns.
//   - g, which calls, has its own children and Groups only at the depth at which it made
//     them. So a child that uses what is its parent's panics, wherever it runs. What a child
//     has left behind, and must not have, may pass for that of the next.

// A Child is a forked G that has not been joined.
type Child struct {
	g     *G
	forks uint16 // that g had when it was forked
	depth uint32 // of the parent
}

const (
	joinRunning = iota // or still queued
	joinDone
	joinWaiting // the parent waits, parked
)

// Fork starts task(arg) as a child of g, without a closure. g must Join every
// child before it returns; the last forked is best joined first. The *G that the child gets may
// be g.
func (g *G) Fork(task Task, arg Arg) Child {
	mustRun(task != nil)
	if !g.hasFresh() {
		return g.forkSlow(task, arg)
	}
	m := g.m
	gp := m.p.takeFresh()
	gp.arg.A, gp.arg.B = arg.A, arg.B
	gp.arg.Data, gp.task, gp.parent = arg.Data, task, g // together: one look whether the collector marks
	if m.keepsMuch() {
		m.offer()
	}
	return Child{gp, gp.forks, g.depth}
}

// forkSlow is Fork where something is out of the ordinary.
//
//go:noinline
func (g *G) forkSlow(task Task, arg Arg) Child {
	gp := g.running().newChild()
	gp.task, gp.arg, gp.parent = task, arg, g
	g.runqfork(gp)
	return Child{gp, gp.forks, g.depth}
}

// Join waits for a child of g and returns what its task returned. It panics if c is
// the child of another G, or was joined before.
func (g *G) Join(c Child) int {
	child := c.of(g)
	if m := g.m; g.short() && m.p.ring.newest() == child {
		m.p.ring.drop()
		if m.keepsMuch() {
			m.offer()
		}
	} else if taken, short := g.takeChild(child); !short {
		return g.joinOwn(child, taken)
	}
	task, arg := child.task, child.arg
	child.joinedOnce()
	g.beginCall()
	depth := g.depth
	defer func() {
		if g.depth != depth {
			g.panicked(recover(), g)
		}
	}()
	g.depth = depth + 1
	ret := task(g, arg)
	g.endCall(depth)
	return ret
}

// of returns c's G. It panics if c is no child of g that is to be joined.
func (c Child) of(g *G) *G {
	if c.g == nil || c.g.parent != g || c.g.forks != c.forks || c.depth != g.depth {
		panic(errNotChild)
	}
	return c.g
}

// joinedOnce readies c for its next life, after the join.
func (c *G) joinedOnce() {
	c.task, c.arg.Data, c.parent = nil, nil, nil
	c.forks++
}

// takeChild takes child back from the run queue, if that is possible, and reports whether it
// has, and whether that is in the short way.
func (g *G) takeChild(child *G) (taken, short bool) {
	m := g.running()
	if taken = m.unqueue(child); !taken || !g.short() {
		return taken, false
	}
	if m.events != nil { // child was public: else Join has taken it back
		m.tellTaken(child)
	}
	return true, true
}

// joinOwn is the rest of Join for a child that is a G of its own. taken says that it was taken
// back, and has not run.
func (g *G) joinOwn(child *G, taken bool) int {
	if taken {
		g.m.keepTaken()
		g.runInline(child)
	} else {
		if child.joined.load(g.m) != joinDone {
			g.needRest().child = child
			g.park(WaitJoin, commitJoin)
		}
		child.joined.store(g.m, joinRunning) // for its next life
		g.m.eventG(machine.EventJoin, child, 0)
	}
	ret := child.arg.A
	child.joinedOnce()
	g.m.gfput(child)
	return ret
}

// unqueue takes child back from the run queue, if it is the last that was pushed and
// has not started. A child that has started, blocked and become ready again may stand
// there, too, but it has its own stack.
func (m *M) unqueue(child *G) bool {
	if !m.s.arm.Local {
		return m.queueRemove(child)
	}
	r := &m.p.ring
	if gp := r.newest(); gp != nil {
		if gp != child {
			return false
		}
		m.takeBack()
		return true
	}
	gp := r.recall(m)
	if gp == child && gp.c == nil {
		return true
	}
	m.unpop(gp)
	return false
}

// keepTaken is called when what unqueue or popMember has taken out is to be a G of its own.
func (m *M) keepTaken() {
	if m.s.arm.Local {
		m.p.ring.keep()
	}
}

// JoinContext is Join until ctx is done. Then it returns ctx.Err(), as it does if ctx is done
// already. The child still has to be joined. Unlike Join it never runs the child inline.
func (g *G) JoinContext(ctx context.Context, c Child) (int, error) {
	if err := g.awaitChild(ctx, c); err != nil {
		return 0, err
	}
	return g.Join(c), nil
}

// awaitChild waits until c has ended, so that Join need not wait, or until ctx is done.
func (g *G) awaitChild(ctx context.Context, c Child) error {
	return g.until(ctx, func(done *Chan[struct{}]) bool {
		m, child := g.running(), c.of(g)
		if child.joined.load(m) == joinDone {
			return false
		}
		g.needRest().child = child
		return g.parkUntil(done, WaitJoin, commitJoin, claimParent)
	})
}

// claimParent takes g from the child that it waits for, unless that has ended. It undoes
// commitJoin.
func claimParent(m *M, g *G) bool { return g.rest.child.joined.cas(m, joinWaiting, joinRunning) }

func commitJoin(m *M, g *G) bool {
	return g.rest.child.joined.cas(m, joinRunning, joinWaiting)
}

// endFork ends a forked child that was not run inline.
func (m *M) endFork(child *G) {
	parent := child.parent
	if child.joined.swap(m, joinDone) == joinWaiting {
		m.ready(parent) // from here on child is the parent's to free
	}
}

// A Group waits for Gs. The zero Group is ready for use. It belongs to the G
// that adds the first member: until that G has waited, only it may call the methods,
// and others panic. A member that adds members makes a Group of its own. The owner
// must Wait before it returns.
type Group struct {
	open int // started and not known to have ended; owned by the G
	// left counts down with every member that ends elsewhere, so it is 0 or negative
	// while the owner does not wait. To wait, the owner adds open. Whoever then makes
	// it zero wakes the owner.
	left   word32
	waiter *G
	depth  uint32 // of waiter
}

// Go starts fn as a member of the group, on g's node.
func (gr *Group) Go(g *G, fn func(*G)) {
	g.running()
	mustRun(fn != nil)
	gr.start(g, fn)
}

// start is Go of what call can run.
func (gr *Group) start(g *G, data any) {
	gr.add(g)
	if g.hasFresh() {
		gp := g.m.p.takeFresh()
		gp.task, gp.arg.Data, gp.group = nil, data, gr // it may have been forked before
		if g.m.keepsMuch() {
			g.m.offer()
		}
	} else {
		gp := g.m.newChild()
		gp.arg.Data, gp.group = data, gr
		g.runqfork(gp)
	}
	g.spawned(g.m) // which may be another than before
}

// GoAt is Go with a [Placement].
func (gr *Group) GoAt(g *G, where Placement, fn func(*G)) {
	g.running()
	mustRun(fn != nil)
	gr.startAt(g, where, fn)
}

// startAt is GoAt of what call can run.
func (gr *Group) startAt(g *G, where Placement, data any) {
	m := g.m
	gr.add(g)
	gp := m.newG()
	gp.arg.Data, gp.group = data, gr
	m.spawnAt(gp, where)
	g.spawned(m)
}

func (gr *Group) add(g *G) {
	if gr.open == 0 {
		gr.waiter, gr.depth, gr.left.line = g, g.depth, g.joined.line
	} else {
		gr.mustBeOf(g)
	}
	gr.open++
}

// mustBeOf panics if g is not gr's owner.
func (gr *Group) mustBeOf(g *G) {
	if gr.waiter != g || gr.depth != g.depth {
		panic(errNotOwner)
	}
}

// Wait returns when every member has ended.
func (gr *Group) Wait(g *G) {
	if gr.open > 0 {
		gr.mustBeOf(g)
	}
	for gr.open > 0 {
		child, short := g.takeMember(gr)
		if child == nil {
			break
		}
		if short {
			g.runInlineMember(child)
		} else {
			g.m.keepTaken()
			g.runInline(child)
			child.arg.Data, child.group = nil, nil
			g.m.gfput(child)
		}
		gr.open--
	}
	if gr.open == 0 {
		return
	}
	gr.await(g, nil)
}

// WaitContext is Wait until ctx is done. Then it returns ctx.Err(), as it does if ctx is done
// already. The members still belong to the group, which has to Wait for them all the same. So
// tell them to end, perhaps by the same context. Unlike Wait it runs no member inline, because
// a G that is blocked with another cannot hear of the context.
func (gr *Group) WaitContext(ctx context.Context, g *G) error {
	return g.until(ctx, func(done *Chan[struct{}]) bool {
		g.running()
		if gr.open > 0 {
			gr.mustBeOf(g)
		}
		return gr.open > 0 && gr.await(g, done)
	})
}

// await waits for the members that are open until done is closed, which may be nil. It reports
// whether that is why it has ended.
func (gr *Group) await(g *G, done *Chan[struct{}]) (ended bool) {
	if int(int32(gr.left.load(g.m)))+gr.open > 0 {
		g.needRest().group = gr
		if g.parkUntil(done, WaitGroup, commitWait, claimOwner) {
			return true
		}
	}
	gr.open = 0
	gr.left.store(g.m, 0)
	if m := g.m; m.events != nil {
		m.tellG(machine.EventWait, g, gr.name(m.s))
	}
	return false
}

// takeMember takes a member of gr that has not started back from the owner's end of the run
// queue. It reports whether that is in the short way.
func (g *G) takeMember(gr *Group) (child *G, short bool) {
	m := g.running()
	private := m.p.ring.private() != 0 // what is taken is: events have not heard of it
	child, short = m.popMember(gr), g.short()
	if short && child != nil && !private && m.events != nil {
		m.tellTaken(child)
	}
	return child, short
}

// name is what the events of s name gr by: 0 if it is nil. No other Group has the name while
// somebody may wait for gr. The address alone would take more than 32 bits, and so a slot of its
// own in a log. Most often gr lies in the same 16 GiB as s. Then its name is odd and short.
func (gr *Group) name(s *Sched) uint64 {
	if gr == nil {
		return 0
	}
	at := uint64(uintptr(unsafe.Pointer(gr)))
	if near := at ^ uint64(uintptr(unsafe.Pointer(s))); near>>34 == 0 {
		return uint64(uint32(at>>2)) | 1 // it is a multiple of 8
	}
	return at
}

// popMember takes a member of gr that has not started back from the owner's
// end of the run queue.
func (m *M) popMember(gr *Group) *G {
	if !m.s.arm.Local {
		return m.queuePopMember(gr)
	}
	r := &m.p.ring
	if gp := r.newest(); gp != nil {
		if gp.group != gr {
			return nil
		}
		m.takeBack()
		return gp
	}
	gp := r.recall(m)
	if gp == nil || gp.group == gr && gp.c == nil {
		return gp
	}
	m.unpop(gp)
	return nil
}

// takeBack takes out the last private G of the ring. It will run inline, for who knows
// how long, so others are offered what is left.
func (m *M) takeBack() {
	r := &m.p.ring
	if r.drop(); r.private() != 0 && (r.private() > ringLen(r.state.load(m)) || m.count().idle() != 0) {
		m.offer()
	}
}

// unpop puts back a G that a pop took by mistake, and wakes a searcher, which may have
// found the ring empty meanwhile.
func (m *M) unpop(gp *G) {
	if gp != nil {
		m.p.ring.tail++ // it still stands in its slot
		m.p.ring.publish(m, 1)
		m.wakep(m.p.node)
	}
}

// commitWait decides whether g, the owner, waits. It does not if its own addition makes
// left zero. Otherwise the last member wakes it.
func commitWait(m *M, g *G) bool {
	gr := g.rest.group
	return gr.left.add(m, int32(gr.open)) != 0
}

// claimOwner takes g, the owner, from its members, unless the last of them is about to wake it.
// It undoes commitWait.
func claimOwner(m *M, g *G) bool {
	gr := g.rest.group
	for {
		left := int32(gr.left.load(m))
		if left == 0 {
			return false
		}
		if gr.left.cas(m, uint32(left), uint32(left-int32(gr.open))) {
			return true
		}
	}
}

// endMember ends a member that was not run inline.
func (m *M) endMember(gr *Group) {
	if gr.left.add(m, -1) == 0 {
		m.ready(gr.waiter)
	}
}
