package sched

import (
	"fmt"
	"slices"
	"sync/atomic"

	"numasched/sched/internal/machine"
	"numasched/topology"
)

// Procs may be changed while Gs run: Go's procresize. Go stops the world for it. Here a G
// that computes cannot be stopped, and all others would wait for it. So nothing stops. Each
// P comes and goes by itself, at a moment at which somebody has it to himself.
//
// P i always lies at the ith seat (mapping.go). So n Ps are the first n, and P 0 never
// goes. A P that has gone is kept, with what it has counted, and comes again when it is
// wanted.
//
// A P that comes is in the hands of who calls SetProcs, as if it had just been retaken from
// a system call. handoffp makes it idle and looks whether it is needed.
//
// A P that goes is one whose id is not below layout.procs. Sched.stopping has the bit
// resizing while there is one that has not gone yet. Whoever has such a P in its hands
// dismisses it:
//
//   - SetProcs, which takes it off the idle list, or from an M in a system call;
//   - the M that holds it, in its next turn of the scheduling loop (leave);
//   - handoffp, where it would become idle otherwise.
//
// None is missed. SetProcs sets the bit before it looks for idle Ps. An M that is about to
// make its P idle looks at the bit under the Node's lock. So either it sees the bit, or
// SetProcs finds the P idle.
//
// Invariants:
//   - A P that has gone is on no list, nobody holds it, and it has no G and no timer.
//   - layout.ps has every P that has not gone. So who looks at all of them, as the last
//     searcher does before it sleeps, misses nothing. What is in it and has gone is empty.
//   - layout.made and layout.nodes only grow, at the end.
//   - The upper half of Sched.npidle is how many Ps have not gone, and so are counted when
//     all are to be idle. One word has both, so that nobody sees one of them change alone.
//     A P is counted until what it had is queued elsewhere: see checkdead.
//   - layout and P.gone change under Sched.lock; P.gone and Node.nprocs under the Node's
//     lock as well.

// A layout is which Ps and Nodes there are. It never changes; SetProcs makes another.
type layout struct {
	procs int       // how many Ps there are to be
	ps    []*P      // the first of made: all that have not gone, and perhaps some that have
	made  []*P      // all that there ever were
	nodes []*Node   // on which there ever were Ps; by Node.index
	near  [][]*Node // all nodes in order of distance from one, which is first; by Node.index
	psOf  [][]*P    // those of ps that are mapped to a Node; by Node.index

	victims []victims // see victims.go; by domain.index
}

// A wordLayout is like word32, and holds a *layout.
type wordLayout struct {
	v    atomic.Pointer[layout]
	line machine.Line
}

func (w *wordLayout) load(m *M) *layout {
	if m.memory != nil {
		m.access(w.line, machine.Load)
	}
	return w.v.Load()
}

func (w *wordLayout) store(m *M, l *layout) {
	if m.memory != nil {
		m.access(w.line, machine.Store)
	}
	w.v.Store(l)
}

// ps returns all Ps that have not gone, and perhaps some that have.
func (m *M) ps() []*P { return m.s.layout.load(m).ps }

// nodes returns all Nodes that ever had Ps.
func (m *M) nodes() []*Node { return m.s.layout.load(m).nodes }

// near returns all Nodes that ever had Ps in order of distance from n.
func (m *M) near(n *Node) []*Node { return m.s.layout.load(m).near[n.index] }

// psOf returns the Ps of n that have not gone, and perhaps some that have.
func (m *M) psOf(n *Node) []*P { return m.s.layout.load(m).psOf[n.index] }

// grow has l.made have at least n Ps.
func (l *layout) grow(s *Sched, n int) {
	l.made = slices.Clip(l.made)
	for id := len(l.made); id < n; id++ {
		l.made = append(l.made, s.newP(id))
	}
}

// sort fills in what l knows of Nodes.
func (l *layout) sort(topo *topology.Topology, s *Sched) {
	had := len(l.nodes)
	l.nodes = slices.Clip(l.nodes)
	for _, d := range s.domains {
		n := d.node
		if n.index < 0 && slices.ContainsFunc(l.made[:len(l.ps)], func(p *P) bool { return p.node == n }) {
			n.index = len(l.nodes)
			l.nodes = append(l.nodes, n)
		}
	}
	l.psOf = make([][]*P, len(l.nodes))
	for _, p := range l.ps {
		l.psOf[p.node.index] = append(l.psOf[p.node.index], p)
	}
	l.findVictims(topo, s)
	if len(l.nodes) == had {
		return
	}
	l.near = make([][]*Node, len(l.nodes))
	if !s.arm.NodeQ {
		l.near[0] = l.nodes
		return
	}
	byID := make(map[int]*Node)
	for _, d := range s.domains {
		if d.node.index >= 0 {
			byID[d.id] = d.node
		}
	}
	for _, d := range s.domains {
		if d.node.index < 0 {
			continue
		}
		for _, id := range nearest(topo, d.id) {
			if n := byID[id]; n != nil && (n == d.node || !s.arm.Closed) {
				l.near[d.node.index] = append(l.near[d.node.index], n)
			}
		}
	}
}

// A census is a value of Sched.npidle: how many Ps there are, in the upper half, and how
// many of them are idle.
type census uint32

const (
	oneP     = 1 << 16
	maxProcs = oneP - 1
)

func (c census) procs() int { return int(c >> 16) }
func (c census) idle() int  { return int(c % oneP) }

// allIdle reports whether every P is idle.
func (c census) allIdle() bool { return c.idle() == c.procs() }

// count returns how many Ps there are, and how many of them are idle.
func (m *M) count() census { return census(m.s.npidle.load(m)) }

// Procs returns the number of Ps.
func (s *Sched) Procs() int { return s.layout.v.Load().procs }

// SetProcs changes the number of Ps to n: from 1 to as many as the machine allows CPUs,
// whatever Config.Procs was. Under arms in which nothing leaves its node each node that has
// had Ps keeps one. g is the G that calls, or nil for a goroutine that is no G.
//
// It does not wait. A P that comes runs Gs at once. A P that goes does so when the G that it
// runs next asks the scheduler for something, as in [G.Preempt], and until then there is
// one more than n. If its G is in a system call, it goes at once. What was queued on it goes
// to its Node, or to the nearest Node that still has a P, and so do its timers. A G whose
// home node has no P any more runs elsewhere, and is at home again when a P comes back.
//
// The error says that n is impossible or that Config.MaxMs leaves too few Ms for n Ps; it is
// [ErrClosed] after Close, or why the scheduler has stopped.
func (s *Sched) SetProcs(g *G, n int) error {
	err := ErrClosed
	if least, most := s.leastProcs(), min(len(s.seats), maxProcs); n < least || n > most {
		if least > 1 {
			return fmt.Errorf("sched: SetProcs(%d): want %d to %d: at least %d because under the arm %s each node that has had Ps keeps one, and at most the CPUs that %s allows",
				n, least, most, least, s.arm.Name, s.machine.Topology().Origin)
		}
		return fmt.Errorf("sched: SetProcs(%d): want %d to %d, the CPUs that %s allows", n, least, most, s.machine.Topology().Origin)
	}
	if n+1 > s.maxMs {
		return fmt.Errorf("sched: SetProcs(%d): want at most %d, because Config.MaxMs is %d, and each P and sysmon need an M", n, s.maxMs-1, s.maxMs)
	}
	if g == nil {
		s.fromOutside(func(m *M) { err = m.setProcs(n) })
		return err
	}
	m := g.running()
	if m.s != s {
		panic(errOtherProcs)
	}
	err = m.setProcs(n)
	if m = g.m; m.goes(m.p) && !m.c.thread.Locked() {
		g.park(WaitPreempted, commitYield)
	}
	return err
}

// leastProcs returns how many Ps there must be: if nothing may leave its node, one for each
// node that has Gs.
func (s *Sched) leastProcs() int {
	least, l := 1, s.layout.v.Load()
	if s.arm.Closed {
		for _, ps := range l.psOf {
			least = max(least, ps[0].id+1)
		}
	}
	return least
}

// setProcs is SetProcs for an n that is possible.
func (m *M) setProcs(n int) error {
	s, topo := m.s, m.s.machine.Topology()
	s.lock.lock(m)
	if err := s.err; err != nil {
		s.lock.unlock(m)
		return err
	}
	l := *s.layout.load(m)
	l.grow(s, n)
	l.procs = n
	last, there := n, 0 // Ps that have not gone are below last
	var come []*P
	for id, p := range l.made {
		switch {
		case id < len(l.ps) && !p.gone:
			there++
			last = max(last, id+1)
		case id < n:
			come = append(come, p)
		}
	}
	l.ps = l.made[:last:last]
	l.sort(topo, s)
	for _, p := range come {
		p.gone = false
		if p.layout == nil { // it is new; others find out by themselves (steal)
			p.follow(s, &l)
		}
		m.rejoin(p)
	}
	s.layout.store(m, &l)
	s.npidle.add(m, int32(len(come))*oneP)
	m.setState(resizing, there+len(come) > n)
	s.lock.unlock(m)

	s.machine.GrowProcs(n)
	for _, p := range come {
		m.eventP(machine.EventAdmit, p)
		m.handoffp(p)
	}
	for _, p := range l.ps[n:] {
		m.askToGo(p)
	}
	return nil
}

// setState sets a bit of Sched.stopping, or clears it, unless the scheduler stops. s.lock is
// held.
func (m *M) setState(bit uint32, on bool) {
	s := m.s
	old := s.stopping.load(m)
	if old == stopping {
		return
	}
	now := old &^ bit
	if on {
		now |= bit
	}
	if now != old {
		s.stopping.store(m, now)
	}
}

// goes reports whether p, which m has in its hands, is to be dismissed.
func (m *M) goes(p *P) bool { return goes(m, m.s.stopping.load(m), p) }

// goes is [M.goes] for who has looked at Sched.stopping already.
func goes(m *M, state uint32, p *P) bool {
	return state&resizing != 0 && p.id >= m.s.layout.load(m).procs
}

// askToGo dismisses p, which goes, if it is idle or in a system call. If not, it asks for p
// as sysmon does when a time slice is over.
func (m *M) askToGo(p *P) {
	if status := p.status.load(m); status&inSyscall != 0 && m.retake(p, status) {
		return // dismissed, by handoffp
	}
	n := p.node
	n.lock.lock(m)
	idle := p.idle
	if idle {
		m.pidletake(n, p)
	}
	n.lock.unlock(m)
	switch {
	case idle:
		m.dismiss(p)
	case !m.s.noPreempt:
		if slice := p.slice.load(m); slice != sliceOver {
			p.slice.cas(m, slice, sliceOver)
		}
	}
}

// leave has m, whose P goes, dismiss it and wait for another. It returns false if the
// scheduler stops.
func (m *M) leave() bool {
	n := m.p.node
	if m.searching {
		m.searching, m.hunger = false, 0
		n.nsearch.add(m, -1)
	}
	m.dismiss(m.partFromP())
	if m.workFor(n) {
		m.wakep(n) // m has queued it and meant to run it, or others relied on m to find it
	}
	return m.stopm()
}

// dismiss has p go, which m has in its hands, or hands p on if it is wanted after all. What
// p has goes elsewhere.
func (m *M) dismiss(p *P) {
	s, n := m.s, p.node
	n.lock.lock(m)
	n.nprocs.add(m, -1)
	n.lock.unlock(m)
	to := m.inUse(n)
	m.moveGs(p, to)
	m.moveTimers(p)
	m.emptyMagazines(p)
	if p.cache != nil {
		p.cache.Flush()
	}
	p.late = nil

	s.lock.lock(m)
	l := *s.layout.load(m)
	p.gone = p.id >= l.procs
	if !p.gone {
		s.lock.unlock(m)
		m.rejoin(p)
		m.handoffp(p)
		return
	}
	m.eventP(machine.EventDismiss, p)
	now := census(s.npidle.add(m, -oneP))
	if now.procs() == l.procs { // the last one has gone
		l.ps = l.made[:l.procs:l.procs]
		l.sort(s.machine.Topology(), s)
		s.layout.store(m, &l)
		m.setState(resizing, false)
	}
	s.lock.unlock(m)

	if now.allIdle() {
		m.allPsIdle()
	}
	if n.nprocs.load(m) == 0 {
		m.keep(n)
	}
}

// rejoin has p, which m has in its hands, take timers again and count among its Node's Ps.
func (m *M) rejoin(p *P) {
	p.timers.lock.lock(m)
	p.timersGone = false
	p.timers.lock.unlock(m)
	n := p.node
	n.lock.lock(m)
	n.nprocs.add(m, 1)
	n.lock.unlock(m)
}

// inUse returns n, or the nearest Node that has Ps if n has none.
func (m *M) inUse(n *Node) *Node {
	if n.nprocs.load(m) != 0 {
		return n
	}
	for _, near := range m.near(n) {
		if near.nprocs.load(m) != 0 {
			return near
		}
	}
	return m.ps()[0].node
}

// moveGs queues at to what is queued on p, and what is queued at p's Node if that is another.
func (m *M) moveGs(p *P, to *Node) {
	var gs gList
	if gp := p.runnext.swap(m, nil); gp != nil {
		gs.push(gp)
	}
	for gp := p.ring.get(m); gp != nil; gp = p.ring.get(m) {
		gs.push(gp)
	}
	if n := p.node; n != to && m.queued(n) {
		n.lock.lock(m)
		m.emptyInbox(n)
		for gp := n.runq.pop(); gp != nil; gp = n.runq.pop() {
			gs.push(gp)
		}
		n.nrunq.store(m, 0)
		n.lock.unlock(m)
	}
	came := gs.n
	if came == 0 {
		return
	}
	to.lock.lock(m)
	for gp := gs.pop(); gp != nil; gp = gs.pop() {
		m.queuePutLocked(to, gp)
	}
	to.lock.unlock(m)
	m.startIdle(to, came)
}

// emptyMagazines gives p's free Gs to its pool.
func (m *M) emptyMagazines(p *P) {
	if m.s.mayAsk == watched {
		return // see gfull
	}
	for r := &p.ring; r.hasFresh(); {
		p.gfree.push(r.giveUp())
	}
	for _, l := range []*magazine{&p.gfree, &p.gspare} {
		if l.n > 0 {
			p.gpool.lock.lock(m)
			p.gpool.full = append(p.gpool.full, *l)
			p.gpool.lock.unlock(m)
			*l = magazine{}
		}
	}
}

// cpusChanged is called when somebody outside has changed which CPUs the process may run on.
func (s *Sched) cpusChanged(cpus topology.CPUSet, why string) {
	s.cpuChanges.Add(1) // Ms whose thread could not be bound try again
	cpus = cpus.And(s.machine.Topology().Allowed)
	text := "sched: " + why + "."
	if s.arm.Bind {
		var none []int
		for _, d := range s.domains {
			if d.cpus.And(cpus).Empty() {
				none = append(none, d.id)
			}
		}
		if len(none) == 0 {
			text += " Threads are bound to what is left of their nodes."
		} else {
			text += fmt.Sprintf(" Threads are bound to what is left of their nodes. Of nodes %v nothing is left, and threads of Ps that are mapped there are not bound.", none)
		}
	}
	if most := min(len(s.seats), maxProcs, s.maxMs-1); s.followCPUs {
		if s.SetProcs(nil, min(max(cpus.Len(), s.leastProcs()), most)) != nil {
			return // it stops
		}
		text += fmt.Sprintf(" There are %d Ps now, as Config.FollowCPUs asks.", s.Procs())
	} else {
		text += fmt.Sprintf(" There are still %d Ps; see Config.FollowCPUs.", s.Procs())
	}
	s.lock.lock(s.m0)
	s.changes = append(s.changes, text)
	s.lock.unlock(s.m0)
	s.report(text + "\n")
}
