package sched

import (
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// schedule returns the G that m runs next, or nil if the scheduler stops. An M that
// has searched and found work makes sure that another M goes on searching.
func (m *M) schedule() *G {
	m.spend(machine.CostSchedule)
	gp := m.findRunnable()
	if gp != nil && m.searching {
		m.resetSearching()
	}
	return gp
}

// resetSearching ends m's search because it has found something.
func (m *M) resetSearching() {
	m.searching, m.hunger, m.triedFair = false, 0, false
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
			if state&publishing != 0 {
				m.publishStats()
			}
			if goes(m, state, m.p) && !m.leave() {
				return nil
			}
		}
		m.turn()
		m.runTimers(m.p)
		for turn := m.p.pol.Turn(); turn != 0; turn = turn.Next() {
			var gp *G
			switch p := m.p; turn.Look() {
			case policy.Own:
				gp = m.runqget(false)
			case policy.RingFirst:
				gp = m.runqget(true)
			case policy.Queue:
				gp = m.queueGet(p.node, m.queueBatch(p.node))
			case policy.QueueOne:
				gp = m.queueGet(p.node, 1)
			case policy.FarOne:
				gp = m.queueGet(p.layout.near[p.node.index][p.pol.FarNode()], 1)
			case policy.PollNet:
				if m.netpoll(p.node) {
					continue again
				}
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
				if m.p == nil && !m.stopm() { // woken for no P: see keep
					return nil
				}
			}
			if gp != nil {
				return gp
			}
		}
	}
}

// turn begins a turn of the scheduling loop.
func (m *M) turn() {
	p := m.p
	if p.pol.Tick() {
		m.checkBinding(false)
	}
}

// search makes m a searcher, if the policy allows it. It reports whether m is one.
func (m *M) search() bool {
	n := m.p.node
	if !m.searching {
		idle := n.nidle.load(m)
		if !policy.MaySearch(n.nsearch.load(m), n.nprocs.load(m), idle) {
			return false
		}
		m.searching = true
		n.nsearch.add(m, 1)
	}
	return true
}

// execute runs the fresh gp to its end, on m's carrier.
func (m *M) execute(gp *G) {
	m.spend(machine.CostExecute)
	m.p.stats.Executed++
	m.ran(gp)
	m.eventBegin(gp)
	gp.m, m.c.runs = m, gp
	gp.invoke()
	gp.m.endG(gp)
}

// endG ends gp, which has run on m's carrier.
func (m *M) endG(gp *G) {
	m.c.runs = nil
	if m.c.thread.Locked() {
		m.c.thread.Unlock()
		m.stop(gp.endedLocked())
	}
	m.eventEnd(gp)
	switch {
	case gp.group != nil:
		m.endMember(gp.group)
	case gp.parent != nil:
		m.endFork(gp)
		return // gp is its parent's now
	case gp.rest != nil && gp.rest.run != nil:
		gp.barred = ended
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
	m.eventG(machine.EventStart, gp, 0)
}

// ran is called when m's scheduling loop has found gp to run. It begins a time slice
// unless gp inherits one. And it counts whether gp runs at home, which is where a G first
// runs.
func (m *M) ran(gp *G) {
	p := m.p
	if m.inherits {
		m.inherits = false
	} else {
		p.newSlice(m)
	}
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
