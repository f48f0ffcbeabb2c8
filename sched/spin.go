package sched

import (
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// A spin is a G that works until something has come, and keeps its P meanwhile. On a simulated
// machine of 448 CPUs most events of a parallel loop under static are those of Gs that spin
// until the last has come. So there it is a scan, with a Work between its loads, which the
// machine goes on with without a switch of stacks: with the same accesses as Work, in the same
// order.
//
// Invariant: a spin changes nothing but itself, its G's trail and what m's P counts.
type spin struct {
	g      *G
	ops    int64
	kernel func()
	done   func() bool
	at     spinState
}

// A spinState is what a spin does next, or has ended with.
type spinState uint8

const (
	spinAsk   spinState = iota // whether it is done
	spinSlice                  // read whether the time slice is over
	spinEnd                    // count what it has worked
	spinLight                  // read whether Works on the node are light
	spinDone                   // nothing: it is over
	spinYield                  // give way, and work
	spinBind                   // bind the thread, and work
	spinStore                  // change whether Works on the node are light
)

// WorkUntil does w until done says so:
//
//	for !done() {
//		g.Work(w, kernel)
//	}
//
// A simulated machine does this faster if w is short and has no Spans. There done may be called
// on the stack of another G. So it must neither ask the scheduler for anything nor panic.
func (g *G) WorkUntil(done func() bool, w Work, kernel func()) {
	if g.m.memory == nil || w.Ops >= policy.LongWork || w.Kernel != "" || len(w.Reads)+len(w.Writes) != 0 {
		for !done() {
			g.Work(w, kernel)
		}
		return
	}
	g.running()
	g.needRest().work = w
	for sp := (&spin{g: g, ops: w.Ops, kernel: kernel, done: done}); ; {
		m := g.m
		m.spin(sp)
		switch sp.at {
		case spinDone:
			return
		case spinYield:
			m = g.gopreempt()
			m.checkBinding(false)
		case spinBind:
			m.bind()
		case spinStore:
			n := m.p.node
			n.light.store(m, n.light.Peek()^1)
			sp.at = spinAsk
			continue
		}
		m.s.machine.Work(&m.M, &g.rest.work, 0, kernel)
		sp.at = spinEnd
	}
}

// Next implements [machine.Scan]. The scan is over when it is done, and when something is to be
// done that is no load and no Work.
func (sp *spin) Next() (line machine.Line, more bool) {
	g := sp.g
	m := g.m
	switch sp.at {
	case spinSlice:
		if m.p.slice.Peek() == sliceOver {
			sp.at = spinYield
			return 0, false
		}
		if !m.isBound(false) {
			sp.at = spinBind
			return 0, false
		}
		sp.at = spinEnd
		return 0, true
	case spinEnd:
		g.rest.trail.Worked()
		if m.atHome(g) {
			sp.at = spinLight
			return m.p.node.light.line, true
		}
	case spinLight:
		was := m.p.node.light.Peek() != 0
		if m.p.pol.Worked(sp.ops, 0, 0, was) != was {
			sp.at = spinStore
			return 0, false
		}
	}
	if sp.done() {
		sp.at = spinDone
		return 0, false
	}
	sp.at = spinSlice
	return m.p.slice.line, true
}
