package sched

import (
	"slices"

	"numasched/sched/policy"
)

const (
	fairTicks    = 61     // every so many turns the node's queue comes first, as in Go
	ringTick     = 30     // and so many turns later the ring before runnext, see runqget
	farTicks     = 8 * 61 // every so many, another node's before that
	bindingTicks = 16     // every so many, the thread's binding is checked
)

// schedule returns the G that m runs next, or nil if the scheduler stops. A G
// that looked for work and found some makes sure that another looks on.
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

// findRunnable looks for work until there is some.
func (m *M) findRunnable() *G {
	s, p := m.s, m.p
	for {
		if state := s.stopping.load(m); state != 0 {
			if state == stopping {
				return nil
			}
			m.publishStats()
		}
		p.tick++
		if p.tick%bindingTicks == 0 {
			m.checkBinding()
		}
		if gp := m.findQueued(); gp != nil {
			return gp
		}
		if s.arm.Local && m.search() {
			if gp := m.steal(); gp != nil {
				return gp
			}
		}
		if gp := m.sleep(); gp != nil {
			return gp
		}
	}
}

// findQueued looks where m's P has a right to look.
func (m *M) findQueued() *G {
	p := m.p
	n := p.node
	if p.tick%fairTicks == 0 {
		if p.tick%farTicks == 0 && len(n.near) > 1 {
			far := n.near[1+p.random()%uint32(len(n.near)-1)]
			if gp := m.queueGet(far, 1); gp != nil {
				return gp
			}
		}
		if gp := m.queueGet(n, 1); gp != nil {
			return gp
		}
	}
	if m.s.arm.Local {
		if gp := m.runqget(p.tick); gp != nil {
			return gp
		}
	}
	return m.queueGet(n, m.queueBatch(n))
}

// pickLocal returns what m's P has at hand, or nil if the scheduling loop had
// better look.
func (m *M) pickLocal() *G {
	p := m.p
	if !m.s.arm.Local || (p.tick+1)%fairTicks == 0 {
		return nil
	}
	gp := m.runqget(p.tick + 1)
	if gp != nil {
		p.tick++
		if p.tick%bindingTicks == 0 {
			m.checkBinding()
		}
	}
	return gp
}

// search makes m a searcher unless there are enough: at most half as many as
// there are busy Ps, or stealing costs more than it finds.
func (m *M) search() bool {
	n := m.p.node
	if !m.searching {
		busy := len(n.ps) - int(n.nidle.load(m))
		if 2*int(n.nsearch.load(m)) >= busy {
			return false
		}
		m.searching = true
		n.nsearch.add(m, 1)
	}
	return true
}

// sleep makes m's P idle and m sleep until somebody wakes them. It returns a G
// if the node's queue turned out not to be empty, nil if m should look again.
//
// No wake-up is lost. A submitter publishes work, then looks at npidle, then at
// nsearch (wakep). m makes its P idle, then stops being a searcher, then, if it
// was the last on its node, looks at every queue once more. Either the submitter
// sees an idle P and no searcher, and wakes one; or it saw a searcher that had
// not yet stopped, whose last look is still to come; or it saw no idle P, and
// the searchers that are now idle had not yet become so, and their last look is
// to come too. An M that was not allowed to search looks again as well if nobody
// on its node searches any more.
//
// If the last look finds something after all, m goes back to searching; but what
// it finds may be what it has just declined, Gs at home on other nodes. Then it
// sleeps for policy.Grace only, after which it may take some of those. So in arms
// with homes a G can be queued while a P is idle, but for no longer than that.
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
	all := int(m.pidleput(n, p)) == len(s.ps)
	n.lock.unlock(m)

	searchers := int32(0)
	if searched {
		searchers = n.nsearch.add(m, -1)
	} else {
		searchers = int32(n.nsearch.load(m))
	}
	if searchers == 0 && m.workAnywhere() {
		grace := s.homes && m.onlyFarWork()
		if grace && m.note.sleepFor(m, policy.Grace) {
			m.checkBinding()
			return nil
		}
		if (!grace || m.workAnywhere()) && m.unidle(p) {
			m.searching = true
			if grace {
				m.hunger = m.hungerOf(n)
			}
			n.nsearch.add(m, 1)
			return nil
		}
	}
	if all {
		m.checkdead()
		if s.quiet.load(m) != 0 {
			s.quiet.store(m, 0)
			s.machine.Futexwakeup(m, &s.quiet, 1)
		}
	}
	m.note.sleep(m)
	m.checkBinding()
	return nil
}

// hungerOf is how many Gs at home on other nodes m may take for n after its Grace.
func (m *M) hungerOf(n *Node) uint32 {
	now := m.s.machine.Nanotime(m)
	n.lock.lock(m)
	n.hunger, n.hungry = policy.Hunger(n.hunger, now-n.hungry), now
	h := n.hunger
	n.lock.unlock(m)
	return h
}

// unidle takes p, m's own, off the idle list, unless somebody else has, who then
// wakes m.
func (m *M) unidle(p *P) bool {
	n := p.node
	n.lock.lock(m)
	took := p.idle
	if took {
		m.pidletake(n, p)
	}
	n.lock.unlock(m)
	return took
}

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
		if p.ring.len(m) != 0 || p.runnext.load(m) != nil {
			return true
		}
	}
	return false
}

// onlyFarWork reports whether nothing is queued at m's place: what m has declined
// is elsewhere. Where Ps of several places share a Node, the Node's queue is near.
func (m *M) onlyFarWork() bool {
	n := m.p.node
	if n.nrunq.load(m) != 0 {
		return false
	}
	for _, p := range n.ps {
		if p.place == m.p.place && (p.ring.len(m) != 0 || p.runnext.load(m) != nil) {
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
		if n.nsearch.load(m) != 0 || !n.nsearch.cas(m, 0, 1) {
			return
		}
		n.lock.lock(m)
		p := n.idle
		if p != nil {
			m.pidletake(n, p)
		} else {
			// Somebody was faster. Under the lock, so that an M that is about to
			// sleep there does not take our searcher that never was for another.
			n.nsearch.add(m, -1)
		}
		n.lock.unlock(m)
		if p != nil {
			m.startm(p, true)
			return
		}
	}
}

// startm has p's M run, or gives p one. The caller has taken p off the idle
// list, and has counted it as a searcher if it is to be one.
func (m *M) startm(p *P, searching bool) {
	if m.p != nil {
		m.p.stats.wakes(m.p, p)
	}
	if p.m == nil {
		m.newm(p, searching)
		return
	}
	p.m.searching = searching
	p.m.note.wakeup(m)
}

// ready makes gp, which was parked, runnable.
func (m *M) ready(gp *G) {
	s, p := m.s, m.p
	if m.memory != nil {
		gp.path = max(gp.path, m.Path) // it waited for what m runs
	}
	if s.homes {
		here := int32(p.place.index)
		if gp.from != here {
			gp.from, gp.away = here, 0
		}
		gp.away++
		switch home := gp.home.Load(); policy.Ready(home, here, gp.away) {
		case policy.Move:
			gp.home.Store(here)
			p.stats.Follows++
		case policy.AtHome:
			if pl := s.places[home]; pl.hasPs() {
				m.readyAt(pl.node, gp)
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
	if p := gp.p; p.node == n && m.unidle(p) {
		p.runnext.swap(m, gp) // p is ours until we start its M, and its ring is empty
		m.startm(p, false)
		return
	}
	m.queuePut(n, gp)
	m.wakep(n)
}

// place makes the fresh gp runnable where it was asked to be. Arms without homes
// note what was asked, so that locality can be told, and ignore it.
func (m *M) place(gp *G, where Placement) {
	s, n := m.s, m.p.node
	if id, ok := where.Node(); ok {
		i := slices.IndexFunc(s.places, func(pl *place) bool { return pl.id == id })
		if i < 0 {
			s.strays.LoadOrStore(id, true)
		} else if s.apart {
			pl := s.places[i]
			gp.home.Store(int32(i))
			if s.homes && pl.node != n && pl.hasPs() {
				m.queuePut(pl.node, gp)
				m.wakep(pl.node)
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
	m.starts(gp)
	gp.m, gp.c = m, m.c
	gp.invoke(nil)
	m = gp.m
	if m.c.thread.Locked() {
		m.c.thread.Unlock()
		m.stop(gp.endedLocked())
	}
	switch {
	case gp.group != nil:
		m.endMember(gp.group)
	case gp.parent != nil:
		m.endFork(gp)
		return // gp is its parent's now
	case gp.run != nil:
		m.endRun(gp.run)
		return
	}
	gp.fn, gp.group = nil, nil
	m.gfput(gp)
}

// resume accounts for a parked gp that m is about to enter.
func (m *M) resume(gp *G) {
	m.p.stats.Resumed++
	m.ran(gp)
	m.starts(gp)
}

// ran notes where gp runs. Where it first runs is its home.
func (m *M) ran(gp *G) {
	p := m.p
	if m.s.apart {
		switch gp.home.Load() {
		case noHome:
			gp.home.Store(int32(p.place.index))
			p.stats.HomeRuns++
		case int32(p.place.index):
			p.stats.HomeRuns++
		default:
			p.stats.AwayRuns++
		}
	} else {
		p.stats.HomeRuns++
	}
}

// checkBinding samples where m's thread is and, if it should be bound and is
// elsewhere, binds it again: a goroutine does not own its thread. Go's runtime
// preempts one that has run for 10 ms, and another thread may take it up. So this
// is called every few turns, after every sleep and before every [G.Work].
func (m *M) checkBinding() {
	p := m.p
	if !m.s.arm.Bind {
		return
	}
	if m.bound {
		cpu := m.s.machine.Getcpu(m)
		if cpu < 0 {
			return
		}
		p.stats.Samples++
		if p.place.cpus.Contains(cpu) {
			p.stats.OnNode++
			return
		}
	}
	m.bound = true
	if m.bindErr == nil {
		m.bindErr = m.s.machine.Bind(m, p.place.cpus)
		p.stats.Binds++
	}
}
