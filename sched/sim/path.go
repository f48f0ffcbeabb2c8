package sim

import (
	"numasched/sched/internal/machine"
)

// The critical path is the longest chain of Works in which each had to wait for the one
// before. It is kept by what the scheduler says about Gs: every M has the length of the
// chain up to where its G is now, and a G has it while no M runs it.
type paths struct {
	callers Time    // after the Runs so far: Runs are one after another
	longest Time    // of all
	gs      []gPath // by the name of the G
	groups  map[uint64]Time
}

// A gPath is that of a G that does not run.
type gPath struct {
	at    Time // what it has waited for; once it has ended, what its parent has to wait for
	outer Time // the path of the G whose join runs it; -1 if none does
	run   bool // a Run waits for it

	// What the G left in the caches when it parked, see context.go.
	core   int32 // where; -1: it has not parked
	parked int64 // how many had parked there before
}

// g returns the path of the G with a name.
func (p *paths) g(name uint32) *gPath {
	for int(name) >= len(p.gs) {
		p.gs = append(p.gs, gPath{})
	}
	return &p.gs[name]
}

// EventSink implements sched.Machine: the machine keeps the critical path.
func (k *Machine) EventSink(*machine.M) machine.EventSink { return k }

// Event implements [machine.EventSink].
func (k *Machine) Event(m *machine.M, e machine.Event) {
	if !e.Kind.OfG() || e.G == 0 {
		return
	}
	p, own := k.paths.g(e.G), &k.paths.callers
	if t := threadOf(m); t != nil {
		own = &t.path
	}
	switch e.Kind {
	case machine.EventSpawn:
		*p = gPath{at: *own, outer: -1, run: m.ID == -1, core: -1}
	case machine.EventStart:
		*own = p.at
		if t := threadOf(m); t != nil {
			k.fetchContext(t, p)
		}
	case machine.EventInline:
		p.outer = *own
		*own = p.at
	case machine.EventPark:
		p.at = *own
		if t := threadOf(m); t != nil {
			k.leaveContext(t, p)
		}
	case machine.EventReady:
		if e.Arg == 0 { // else it has not waited for what m does
			p.at = max(p.at, *own)
		}
	case machine.EventEnd:
		p.at = *own
		switch {
		case p.outer >= 0:
			*own = max(*own, p.outer)
		case p.run:
			k.paths.callers = max(k.paths.callers, *own)
		case e.Arg != 0:
			k.paths.groups[e.Arg] = max(k.paths.groups[e.Arg], *own)
		}
	case machine.EventJoin:
		*own = max(*own, p.at)
	case machine.EventWait:
		*own = max(*own, k.paths.groups[e.Arg])
		delete(k.paths.groups, e.Arg)
	}
}

// works lengthens t's chain by d.
func (p *paths) works(t *thread, d Time) {
	t.path += d
	p.longest = max(p.longest, t.path)
}
