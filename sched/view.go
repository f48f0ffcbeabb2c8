package sched

import (
	"maps"
	"slices"
	"sync"

	"numasched/sched/internal/machine"
)

// A view knows of every G, P and M what it does, by the events: scheddetail shows it.
// Nothing else in the scheduler knows all Gs.
type view struct {
	lock sync.Mutex // of Go: the sink of all Ms, in the middle of what they do
	gs   map[uint32]*gView
	ms   map[int]int // the M that holds a P, by the P
	all  []mView     // by ID + 1
}

// The statuses of Gs, as Go numbers them.
const (
	gRunnable = 1
	gRunning  = 2
	gSyscall  = 3
	gWaiting  = 4
)

type gView struct {
	status int
	why    WaitReason
	m, p   int    // that it runs on, or ran on last; -1: none yet
	outer  uint32 // that joins it
}

type mView struct {
	p     int  // that it holds; -1: none
	g     int  // its name + 1; 0: none
	over  bool // the G that it belonged to has ended
	ended bool
}

func newView() *view { return &view{gs: make(map[uint32]*gView), ms: make(map[int]int)} }

func (v *view) m(id int) *mView {
	for id+1 >= len(v.all) {
		v.all = append(v.all, mView{p: -1})
	}
	return &v.all[id+1]
}

// names returns the names of the Gs in order.
func (v *view) names() []uint32 { return slices.Sorted(maps.Keys(v.gs)) }

// pStatus returns p's status as Go numbers it.
func (v *view) pStatus(p *P) int {
	if p.status.Peek()&inSyscall != 0 {
		return 2
	}
	if _, held := v.ms[p.id]; held {
		return 1
	}
	return 0
}

// Event implements [machine.EventSink].
func (v *view) Event(by *machine.M, e machine.Event) {
	v.lock.Lock()
	defer v.lock.Unlock()
	m := v.m(int(e.M))
	g := v.gs[e.G]
	if e.Kind == machine.EventSpawn {
		v.gs[e.G] = &gView{status: gRunnable, m: -1, p: -1}
		return
	}
	if e.Kind.OfG() && g == nil {
		return // a theft without a G, or a join of one that has ended
	}
	switch e.Kind {
	case machine.EventStart, machine.EventInline:
		g.status, g.why, g.m, g.p = gRunning, WaitNone, int(e.M), int(e.P)
		if e.Kind == machine.EventInline {
			g.outer = uint32(m.g - 1)
		}
		m.g = int(e.G) + 1
	case machine.EventPark:
		g.status, g.why, m.g = gWaiting, WaitReason(e.Arg), 0
	case machine.EventReady, machine.EventRequeue:
		g.status, g.why = gRunnable, WaitNone
	case machine.EventSyscall:
		g.status = gSyscall
	case machine.EventSysexit:
		g.status = gRunning
	case machine.EventEnd:
		delete(v.gs, e.G)
		m.g = 0
		if gp := by.Worker.(*M).lockedg; gp != nil && gp.ID() == e.G {
			m.over = true
		}
		if outer := v.gs[g.outer]; outer != nil {
			outer.m, outer.p, m.g = int(e.M), int(e.P), int(g.outer)+1
		}
	case machine.EventAcquire:
		m.p = int(e.P)
		v.ms[int(e.P)] = int(e.M)
	case machine.EventRelease:
		m.p = -1
		delete(v.ms, int(e.P))
	case machine.EventEndM:
		m.ended = true
	}
}
