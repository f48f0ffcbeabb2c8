package sched

import (
	"slices"

	"numasched/sched/policy"
)

// schedule returns the G that m runs next, or nil if the scheduler stops. An M that
// has searched and found work makes sure that another M goes on searching.
func (m *M) schedule() *G {
	m.spend(CostSchedule)
	gp := m.findRunnable()
	if gp != nil && m.searching {
		m.resetSearching()
	}
	return gp
}

// resetSearching ends m's search because it has found something.
func (m *M) resetSearching() {
	m.searching, m.hunger = false, 0
	m.p.node.nsearch.add(m, -1)
	// There may be more where that came from, and whoever put it there may have
	// relied on us: see wakep.
	m.wakep(m.p.node)
}

// findRunnable looks for work until there is some. It returns nil if the scheduler stops.
func (m *M) findRunnable() *G {
	m.share()
again:
	for {
		if state := m.s.stopping.load(m); state != 0 {
			if state == stopping {
				return nil
			}
			m.publishStats()
		}
		m.turn()
		for turn := m.p.pol.Turn(); turn != 0; turn = turn.Next() {
			var gp *G
			switch p := m.p; turn.Look() {
			case policy.Timers:
				m.runTimers(p)
			case policy.Own:
				gp = m.runqget(false)
			case policy.RingFirst:
				gp = m.runqget(true)
			case policy.Queue:
				gp = m.queueGet(p.node, m.queueBatch(p.node))
			case policy.QueueOne:
				gp = m.queueGet(p.node, 1)
			case policy.FarOne:
				gp = m.queueGet(p.node.near[p.pol.FarNode()], 1)
			case policy.StealWork:
				if m.search() {
					gp = m.steal()
				}
			case policy.PollNode:
				if m.pollNode() {
					continue again
				}
			case policy.GoIdle:
				gp = m.sleep()
			}
			if gp != nil {
				return gp
			}
		}
	}
}

// pickLocal returns what m's P has at hand, or nil if the scheduling loop had
// better look.
func (m *M) pickLocal() *G {
	look := m.p.pol.Peek()
	if look == 0 || m.timerDue(m.p) {
		return nil
	}
	gp := m.runqget(look == policy.RingFirst)
	if gp != nil {
		m.turn()
	}
	return gp
}

// turn begins a turn of the scheduling loop.
func (m *M) turn() {
	p := m.p
	if p.pol.Tick() {
		m.checkBinding()
	}
	if p.slice.load(m) != sliceFresh {
		p.slice.store(m, sliceFresh)
	}
}

// search makes m a searcher, if the policy allows it. It reports whether m is one.
func (m *M) search() bool {
	n := m.p.node
	if !m.searching {
		idle := n.nidle.load(m)
		if !policy.MaySearch(n.nsearch.load(m), uint32(len(n.ps)), idle) {
			return false
		}
		m.searching = true
		n.nsearch.add(m, 1)
	}
	return true
}

// sleep makes m's P idle and puts m to sleep until somebody wakes it. It returns a G
// if the node's queue turned out not to be empty, and nil if m should look again.
//
// No wake-up is lost. A submitter publishes work, then looks at npidle, then at
// nsearch (wakep). A sleeper makes its P idle, then stops being a searcher. If it was
// the last searcher on its node, it then looks at every queue once more. So there are
// three cases:
//
//   - The submitter sees an idle P and no searcher. It wakes an M.
//   - It sees a searcher. That one has not stopped searching, so its last look is
//     still to come, and finds the work.
//   - It sees no idle P. Ps that are idle later had not become idle, so the last look
//     of their Ms is still to come, too.
//
// An M that was not allowed to search takes the last look as well, if nobody on its
// node searches any more.
//
// If the last look finds something, m goes back to searching. But it may find only
// what m has just spared: Gs at home on other nodes. Then m dozes for policy.Grace,
// and may take some of those afterwards. So in arms with homes a G can be queued while
// a P is idle, but for no longer than that. policy.Rest has the order of all this.
func (m *M) sleep() *G {
	s, p := m.s, m.p
	n := p.node
	n.lock.lock(m)
	if gp := m.queueGetLocked(n, m.queueBatch(n)); gp != nil {
		n.lock.unlock(m)
		return gp
	}
	if s.stopping.load(m) == stopping {
		n.lock.unlock(m)
		return nil
	}
	p.stats.Sleeps++
	searched := m.searching
	m.searching, m.hunger = false, 0 // before others can see the P, and with it m
	all := int(m.releasep()) == len(s.ps)
	n.lock.unlock(m)

	searchers := uint32(0)
	if searched {
		searchers = uint32(n.nsearch.add(m, -1))
	} else {
		searchers = n.nsearch.load(m)
	}
	rest, step := p.pol.Rest(searchers)
	for {
		yes := false
		switch step {
		case policy.LastLook, policy.LookAgain:
			yes = m.workAnywhere()
		case policy.FarOnly:
			yes = p.onlyFarWork(m)
		case policy.Doze:
			if m.note.sleepFor(m, policy.Grace) {
				m.woken()
				return nil
			}
		case policy.Resume, policy.ResumeHungry:
			if m.unidle(p) {
				m.searching = true
				if step == policy.ResumeHungry {
					m.hunger = m.hungerOf(n)
				}
				n.nsearch.add(m, 1)
				return nil
			}
			m.wakep(n) // p, or m, was needed for something else
		case policy.SleepNow:
			if all {
				m.allPsIdle()
			}
			m.waitForP(n)
			return nil
		}
		step = rest.Next(yes)
	}
}

// allPsIdle is called when every P was idle a moment ago.
func (m *M) allPsIdle() {
	s := m.s
	m.checkdead()
	if s.quiet.load(m) != 0 {
		s.quiet.store(m, 0)
		s.machine.Futexwakeup(m, &s.quiet, 1)
	}
}

// hungerOf is how many Gs at home on other nodes m may take for n after its Grace.
func (m *M) hungerOf(n *Node) uint32 {
	now := m.s.machine.Nanotime(m)
	n.lock.lock(m)
	h := n.appetite.After(now)
	n.lock.unlock(m)
	return h
}

// hasWork looks at the run queue of p.
func (p *P) hasWork(m *M) bool { return p.ring.len(m) != 0 || p.runnext.load(m) != nil }

// workAnywhere looks at every queue that m could take from.
func (m *M) workAnywhere() bool {
	for _, n := range m.s.nodes {
		if n.nrunq.load(m) != 0 {
			return true
		}
	}
	if !m.s.arm.Local {
		return false
	}
	for _, p := range m.s.ps {
		if p.hasWork(m) {
			return true
		}
	}
	return false
}

// onlyFarWork reports whether nothing is queued in p's domain, so that all that p's M
// has declined is elsewhere. Where Ps of several domains share a Node, the Node's queue
// counts as near.
func (p *P) onlyFarWork(m *M) bool {
	n := p.node
	if n.nrunq.load(m) != 0 {
		return false
	}
	for _, v := range n.ps {
		if v.domain == p.domain && v.hasWork(m) {
			return false
		}
	}
	return true
}

// wakep is called after work was published on n: it wakes an idle P, nearest to
// n first, to search for it, unless a searcher there will find it.
func (m *M) wakep(n *Node) {
	if m.s.npidle.load(m) == 0 {
		return
	}
	for _, n := range n.near {
		if n.nidle.load(m) == 0 {
			continue
		}
		if policy.EnoughSearchers(n.nsearch.load(m)) || !n.nsearch.cas(m, 0, 1) {
			return
		}
		n.lock.lock(m)
		p, mp := n.idle.first(), (*M)(nil)
		if p != nil {
			m.pidletake(n, p)
			mp = m.mget(n, p)
		} else {
			// Somebody was faster. Uncount the searcher under the lock: an M that is
			// about to sleep there must not rely on it.
			n.nsearch.add(m, -1)
		}
		n.lock.unlock(m)
		if p != nil {
			m.startm(p, mp, true)
			return
		}
	}
}

// ready makes gp, which was parked, runnable.
func (m *M) ready(gp *G) {
	s, p := m.s, m.p
	m.eventG(EventReady, gp, 0)
	if s.homes {
		here := int32(p.domain.index)
		switch home := gp.home.Load(); gp.rest.trail.Ready(home, here) { // rest is there: gp has parked
		case policy.Move:
			gp.home.Store(here)
			p.stats.Follows++
		case policy.AtHome:
			if d := s.domains[home]; d.hasPs() {
				m.readyAt(d.node, gp)
				return
			}
		}
	}
	m.runqput(gp, true)
	m.wakep(p.node)
}

// readyAt makes gp runnable on node n: on its last P if that is idle there, else
// in n's queue.
func (m *M) readyAt(n *Node, gp *G) {
	if p := gp.rest.p; p.node == n {
		if mp, ok := m.takeIdle(p); ok {
			p.runnext.swap(m, gp) // p is ours until we start an M for it, and its ring is empty
			m.startm(p, mp, false)
			return
		}
	}
	m.queuePut(n, gp)
	m.wakep(n)
}

// spawnAt makes the fresh gp runnable where it was asked to be. Arms without homes
// note what was asked, so that locality can be told, and ignore it.
func (m *M) spawnAt(gp *G, where Placement) {
	s, n := m.s, m.p.node
	if id, ok := where.Node(); ok {
		i := slices.IndexFunc(s.domains, func(d *domain) bool { return d.id == id })
		if i < 0 {
			s.strays.LoadOrStore(id, true)
		} else if s.severalDomains {
			d := s.domains[i]
			gp.home.Store(int32(i))
			if s.homes && d.node != n && d.hasPs() {
				m.queuePut(d.node, gp)
				m.wakep(d.node)
				return
			}
		}
	}
	m.runqput(gp, false)
	m.wakep(n)
}

// execute runs the fresh gp to its end, on m's carrier.
func (m *M) execute(gp *G) {
	m.spend(CostExecute)
	m.p.stats.Executed++
	m.ran(gp)
	m.eventG(EventStart, gp, 0)
	gp.m, gp.c = m, m.c
	m.c.runs = gp
	gp.invoke(nil)
	m = gp.m
	m.c.runs = nil
	if m.c.thread.Locked() {
		m.c.thread.Unlock()
		m.stop(gp.endedLocked())
	}
	m.eventG(EventEnd, gp, gp.group.name())
	switch {
	case gp.group != nil:
		m.endMember(gp.group)
	case gp.parent != nil:
		m.endFork(gp)
		return // gp is its parent's now
	case gp.rest != nil && gp.rest.run != nil:
		m.endRun(gp.rest.run)
		return
	}
	gp.arg.Data, gp.group = nil, nil
	m.gfput(gp)
}

// resume accounts for a parked gp that m is about to enter.
func (m *M) resume(gp *G) {
	m.p.stats.Resumed++
	m.ran(gp)
	m.eventG(EventStart, gp, 0)
}

// ran counts whether gp runs at home. A G is at home where it first runs.
func (m *M) ran(gp *G) {
	p := m.p
	if m.s.severalDomains {
		switch gp.home.Load() {
		case noHome:
			gp.home.Store(int32(p.domain.index))
			p.stats.HomeRuns++
		case int32(p.domain.index):
			p.stats.HomeRuns++
		default:
			p.stats.AwayRuns++
		}
	} else {
		p.stats.HomeRuns++
	}
}

// checkBinding samples which CPU m's thread is on, and binds the thread if that CPU is
// not of m's node. A goroutine does not own its thread: Go's runtime preempts one that
// has run for 10 ms, and another thread may take it up. So this is called every few
// turns, after every sleep and before every [G.Work].
func (m *M) checkBinding() {
	p := m.p
	if !m.s.arm.Bind {
		return
	}
	if m.bindTried {
		cpu := m.s.machine.Getcpu(m)
		if cpu < 0 {
			return
		}
		p.stats.Samples++
		if p.domain.cpus.Contains(cpu) {
			p.stats.OnNode++
			return
		}
	}
	m.bindTried = true
	if m.bindErr == nil {
		m.bindErr = m.s.machine.Bind(m, p.domain.cpus)
		p.stats.Binds++
	}
}
