package sched

import "numasched/sched/policy"

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
// Under Go's lock (schedlock.go) a submitter looks at nsearch first, and at idle Ps under
// the lock. A sleeper makes its P idle under that lock. So the cases are the same.
//
// An M that was not allowed to search takes the last look as well, if nobody on its
// node searches any more.
//
// If the last look finds something, m goes back to searching. But it may find only
// what m has just spared: Gs at home on other nodes. Then m dozes for policy.Grace,
// and may take some of those afterwards. So in arms with homes a G can be queued while
// a P is idle, but for no longer than that at a time: if work of its own wakes m before, its next
// Grace is a whole one. policy.Rest has the order of all this.
//
// In numago the dozes add up to a Grace. Here they do not. On simulated machines the sum had a gain
// and a loss:
//
//   - Work of its own woke a node's M every 20 us. On another node a G was queued at home behind a
//     busy one. It ran after 74 us, and after 4.8 ms without the sum. Onenode took 0.94 to 0.99
//     times as long.
//   - Wakestorm took 1.2 to 1.8 times as long. Nothing keeps its Gs on a node but each other, and
//     with the sum they spread over the nodes.
func (m *M) sleep() *G {
	s, p := m.s, m.p
	n := p.node
	n.lock.lock(m)
	if gp := m.queueGetLocked(n, m.queueBatch(n)); gp != nil {
		n.lock.unlock(m)
		return gp
	}
	if state := s.stopping.load(m); state == stopping || goes(m, state, p) {
		n.lock.unlock(m)
		return nil
	}
	p.stats.Sleeps++
	searched := m.searching
	m.searching, m.hunger = false, 0 // before others can see the P, and with it m
	all := m.releasep().allIdle()
	n.lock.unlock(m)

	searchers := uint32(0)
	if searched {
		searchers = uint32(n.nsearch.add(m, -1))
		if s.goLock {
			if gp := m.recheckQueue(n); gp != nil {
				return gp
			}
		}
	} else {
		searchers = n.nsearch.load(m)
	}
	for step := p.pol.Rest(searchers); ; {
		yes := false
		switch step {
		case policy.LastLook, policy.LastLookHomes, policy.LookAgain:
			yes = m.workFor(n)
		case policy.FarOnly:
			yes = p.onlyFarWork(m) && !m.tryFair()
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
			if !s.goLock {
				m.waitForP(n)
			}
			return nil // without a P, m is to stop: see stopm
		}
		step = step.Next(yes)
	}
}

// allPsIdle is called when every P was idle a moment ago.
func (m *M) allPsIdle() {
	s := m.s
	m.checkdead()
	if s.quiet.load(m) != 0 {
		s.quiet.store(m, 0)
		s.machine.Futexwakeup(&m.M, s.quiet.futex(), 1)
	}
}

// hungerOf is how many Gs at home on other nodes m may take for n after its Grace.
func (m *M) hungerOf(n *Node) uint32 {
	now := m.s.machine.Nanotime(&m.M)
	n.lock.lock(m)
	h := n.appetite.After(now)
	n.lock.unlock(m)
	return h
}

// hasWork looks at the run queue of p.
func (p *P) hasWork(m *M) bool { return p.ring.len(m) != 0 || p.runnext.load(m) != nil }

// workFor looks at every queue that n's Ms could take from.
func (m *M) workFor(n *Node) bool {
	l := m.s.layout.load(m)
	nodes, ps := l.nodes, l.ps
	if m.s.arm.Closed {
		nodes, ps = l.near[n.index], l.psOf[n.index]
	}
	for _, n := range nodes {
		if m.queued(n) {
			return true
		}
	}
	if !m.s.arm.Local {
		return false
	}
	for _, p := range ps {
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
	if m.queued(n) {
		return false
	}
	for _, v := range m.psOf(n) {
		if v.domain == p.domain && v.hasWork(m) {
			return false
		}
	}
	return true
}

// tryFair reports whether m searches again at once, instead of a doze, because something may
// be queued that nobody spares. It does so once: if m comes back with nothing, it dozes.
func (m *M) tryFair() bool {
	m.triedFair = !m.triedFair && m.anyFair()
	return m.triedFair
}

// anyFair reports whether something may be queued that nobody spares since Works are light
// somewhere. It looks at the first G of each ring, and at no G in queues.
func (m *M) anyFair() bool {
	light := false
	for _, n := range m.nodes() {
		if n.light.load(m) != 0 {
			if m.queued(n) {
				return true
			}
			light = true
		}
	}
	if !light {
		return false
	}
	s := m.sparing()
	for _, p := range m.ps() {
		if state := p.ring.state.load(m); ringLen(state) != 0 && !s.spares(p.ring.slots[ringHead(state)%ringSize].load()) {
			return true
		}
		if gp := p.runnext.load(m); gp != nil && !s.spares(gp) {
			return true
		}
	}
	return false
}

// wakep is called after work was published on n: it wakes an idle P, nearest to
// n first, to search for it, unless a searcher there will find it.
func (m *M) wakep(n *Node) {
	if m.s.goLock {
		m.wakepLikeGo(n)
		return
	}
	if m.count().idle() != 0 {
		m.wakeNear(n)
	}
}

// wakeNear is wakep where a P is idle.
func (m *M) wakeNear(n *Node) {
	for _, n := range m.near(n) {
		if n.nidle.load(m) == 0 {
			continue
		}
		if policy.EnoughSearchers(n.nsearch.load(m)) || !n.nsearch.cas(m, 0, 1) {
			return
		}
		n.lock.lock(m)
		p, mp := m.takeFirstIdle(n)
		if p == nil {
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
