package sched

import "numasched/sched/policy"

// Time slices and preemption. A G may keep its P for a time slice. When sysmon finds that
// the slice is over and that others wait for the P, it asks for the P, by a word that the
// P's G looks at wherever it asks the scheduler for something. Go does the same
// (Vyukov 2013). But Go's compiler has every function look, and Go's sysmon sends a signal
// to a thread that calls none. Here a loop that asks the scheduler for nothing must call
// [G.Preempt].
//
// A G that comes through runnext inherits the slice of the G that made it ready, as in Go.
// So two Gs that keep waking each other share one slice, and so do Gs each of which starts
// the next and ends. Such a slice that is over ends at the next turn (runqget).
//
// That bounds the time for which such a pair keeps its P, but not tightly: Gs in the ring
// wait for 10 ms and more. So the ring has a turn in every 61 turns as well (policy.RingTick),
// which Go does not do. On a simulated machine of one P, beside a pair that does nothing
// but pass messages, a G in the ring waited for 7 us on average and 10 us at most. With
// Go's rule alone it was 7.6 ms and 24 ms; a message took 234 instead of 227 ns. On four Ps
// with eight pairs it was 43 us at most against 5.7 ms, and 66 against 57 ns. With turns
// alone, pairs that compute between messages keep the P for 61 times as long.
//
// P.slice says how far the slice is:
//
//	sliceFresh -> sliceSeen     sysmon has seen the slice
//	sliceSeen -> sliceOver      sysmon sees it again, 10 ms later, and asks for the P
//	any -> sliceFresh           a new slice begins; only the M that holds the P does this,
//	                            or whoever takes the P off the idle list, or sysmon when
//	                            it has retaken it
//
// sysmon asks by a compare-and-swap. So it never asks a G whose slice began meanwhile.
const (
	sliceFresh = 0
	sliceSeen  = 1
	sliceOver  = 2
)

// Preempt lets other Gs run if g has kept its P for longer than 10 ms and others wait for
// it. Loops that compute for long should call it now and then: it costs a load and a
// branch. Yield, channel operations, system calls and Work do the same, and so does every
// 1024th Go or Join. A G that is locked to its thread goes on. Idle Ps can steal what g has
// forked by then.
func (g *G) Preempt() {
	if m := g.preemptible(); m.p.ring.private() != 0 {
		m.offer()
	}
}

// preemptible is [G.running] for what may begin with giving way to other Gs. The M that
// it returns may be another than before.
func (g *G) preemptible() *M {
	m := g.running()
	if m.p.slice.load(m) != sliceOver {
		return m
	}
	return g.gopreempt()
}

// gopreempt has g give way. It goes to the end of a Node's queue, as by [G.Yield].
func (g *G) gopreempt() *M {
	m := g.m
	if m.c.thread.Locked() {
		return m // it cannot leave its stack
	}
	m.p.stats.Preempts++
	g.park(WaitPreempted, commitYield)
	return g.m
}

// spawned is called when g has started a G on m, its M. Now and then g gives way.
func (g *G) spawned(m *M) {
	if m.p.stats.Spawned%policy.SpawnLooks == 0 {
		g.Preempt()
	}
}

// newSlice begins a time slice of p. m holds p, or nobody does.
func (p *P) newSlice(m *M) {
	if p.slice.load(m) != sliceFresh {
		p.slice.store(m, sliceFresh)
	}
}

// endSlice is called when the slice of m's P is over, and what ran has left without
// looking. The G that would inherit the slice goes to the end of the Node's queue.
func (m *M) endSlice() {
	p := m.p
	if gp := p.runnext.swap(m, nil); gp != nil {
		p.stats.Preempts++
		m.queuePut(p.node, gp)
		m.wakep(p.node)
	}
	p.newSlice(m)
}

// askFor asks for p, whose slice is over, if the policy wants it. m is sysmon.
func (m *M) askFor(p *P, now int64) {
	n := p.node
	if m.s.noPreempt || p.slice.load(m) != sliceSeen {
		return
	}
	for step := policy.RingWaits; ; {
		yes := false
		switch step {
		case policy.RingWaits:
			yes = p.ring.len(m) != 0
		case policy.QueueWaits:
			yes = m.queued(n)
		case policy.NextWaits:
			yes = p.runnext.load(m) != nil
		case policy.NoneIdle:
			yes = n.nidle.load(m) == 0
		case policy.TimerWaits:
			when := n.firstTimer(m)
			yes = when != 0 && when <= now
		case policy.AskForP:
			p.slice.cas(m, sliceSeen, sliceOver)
			return
		case policy.LeaveSlice:
			return
		}
		step = step.Next(yes)
	}
}

// Preempted reports whether m's G is to give way as soon as it can. A Machine whose Work
// takes no real time asks it in the midst of one. It is no access to a shared word.
func (m *M) Preempted() bool { return m.p != nil && m.p.slice.Peek() == sliceOver }
