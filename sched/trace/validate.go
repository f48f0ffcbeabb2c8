package trace

import (
	"fmt"

	"numasched/sched"
	"numasched/sched/internal/machine"
)

// A Validator replays events against what Gs, Ps and Ms may do:
//
//   - A G is made, becomes ready, runs on one M at a time, parks, becomes ready, and ends;
//     nothing else happens to it before it is made and after it has ended. One that has
//     ended outside its parent's join is joined once.
//   - An M runs Gs only while it holds a P, one at a time, and a fresh one inside a join of
//     the one that it runs.
//   - A P is on an idle list, or one M holds it, or it is on its way between them, or it
//     has gone.
//   - An M is on an idle list only while it holds no P.
//   - What a thief takes is ready.
//
// The zero Validator expects the events of a new scheduler from the first one on. It is an
// [machine.EventSink] for machines on which one M runs at a time; Err says what it has found.
type Validator struct {
	n   int // events so far
	err error

	gs []gState // by name
	ps []pState // by index
	ms []mState // by ID + 1
}

// A phase is what a G does.
type phase uint8

const (
	absent  phase = iota // not made yet, or it has ended and was not forked
	fresh                // ready, and has not run
	ready                // ready again
	running              // on an M
	beneath              // another runs inside its join
	parked
	inSyscall
	ended // and not joined, as far as is known
)

var phases = [...]string{"has not been made, or has ended", "has not run yet", "is ready", "runs on M%d", "waits beneath another that runs on M%d", "has parked on M%d",
	"is in a system call on M%d", "has ended"}

type gState struct {
	phase phase
	m     int32  // of the Ms in phases
	outer uint32 // the G whose join runs it, or 0
}

type pPhase uint8

const (
	listed pPhase = iota // on an idle list, as every P is at first
	held
	loose
	left // by an M in a system call
	gone // there are to be fewer
)

type pState struct {
	phase pPhase
	known bool  // there was an event of it
	m     int32 // that holds it, or has left it
}

type mState struct {
	started, idle, ended bool

	g uint32 // that it runs, or 0
	p int32  // index + 1 of the P that it holds, or 0
}

// Event implements [machine.EventSink].
func (v *Validator) Event(_ *machine.M, e machine.Event) { v.Check(&e) }

// Err returns what was wrong with the first event that was refused, or nil.
func (v *Validator) Err() error { return v.err }

// Reset makes v as new.
func (v *Validator) Reset() {
	v.n, v.err = 0, nil
	clear(v.gs)
	clear(v.ps)
	clear(v.ms)
}

// Check takes the next event, and returns why it cannot have happened, or nil. After an
// error it refuses nothing more.
func (v *Validator) Check(e *machine.Event) error {
	v.n++
	if v.err != nil {
		return nil
	}
	if why := v.check(e); why != "" {
		v.err = fmt.Errorf("event %d, %s: %s", v.n, e, why)
	}
	return v.err
}

// Validate merges what r has kept, and checks it.
func (r *Recorder) Validate() error {
	var v Validator
	return r.Merge(func(rec *Record) error { return v.Check(&rec.Event) })
}

// at returns the element i of list, which grows.
func at[T any](list *[]T, i int) *T {
	for i >= len(*list) {
		*list = append(*list, *new(T))
	}
	return &(*list)[i]
}

func (v *Validator) g(name uint32) *gState { return at(&v.gs, int(name)) }
func (v *Validator) p(index int32) *pState { return at(&v.ps, int(index)) }
func (v *Validator) m(id int32) *mState    { return at(&v.ms, int(id)+1) }

// check returns why e cannot happen now, or "" after it has happened.
func (v *Validator) check(e *machine.Event) string {
	if e.M < -1 || e.Kind >= machine.NumEventKinds {
		return "there is no such M, or no such event"
	}
	m := v.m(e.M)
	if m.ended {
		return "the M has ended"
	}
	switch {
	case e.Kind.OfG():
		return v.checkG(e, m)
	case e.Kind.OfP():
		if e.P < 0 {
			return "there is no such P"
		}
		return v.checkP(e, m, v.p(e.P))
	case e.Kind.OfM():
		if int32(e.Arg) < 0 {
			return "there is no such M"
		}
		return v.checkM(e, int32(e.Arg))
	case e.Kind == machine.EventEndM:
		m.ended = true
	case e.Kind == machine.EventStuck:
		switch {
		case m.p != 0:
			return fmt.Sprintf("M%d holds a P: only sysmon finds who waits natively", e.M)
		case e.P < 0 || e.Arg == 0:
			return "it names no P, or no G"
		}
	}
	return ""
}

// is says what g does, of which why is not so.
func (g *gState) is(name uint32, why string) string {
	text := phases[g.phase]
	if g.phase >= running && g.phase <= inSyscall {
		text = fmt.Sprintf(text, g.m)
	}
	return fmt.Sprintf("G %d %s: %s", name, text, why)
}

func (v *Validator) checkG(e *machine.Event, m *mState) string {
	if e.G == 0 {
		if e.Kind == machine.EventSteal {
			return ""
		}
		return "it names no G"
	}
	g := v.g(e.G)
	if int(m.g) != 0 && v.g(m.g).phase == inSyscall && e.Kind != machine.EventSysexit {
		return v.g(m.g).is(m.g, "its M does nothing meanwhile")
	}
	// own: kinds that say what the M's G does.
	switch e.Kind {
	case machine.EventPark, machine.EventEnd, machine.EventWait, machine.EventSyscall:
		if m.g != e.G || g.phase != running {
			return g.is(e.G, fmt.Sprintf("only what runs on M%d can", e.M))
		}
	}
	switch e.Kind {
	case machine.EventStart, machine.EventInline, machine.EventEnd, machine.EventWait, machine.EventSyscall, machine.EventSteal:
		if m.p == 0 {
			return fmt.Sprintf("M%d holds no P", e.M)
		}
	}
	switch e.Kind {
	case machine.EventSpawn:
		if g.phase != absent && g.phase != ended {
			return g.is(e.G, "it cannot be made again")
		}
		*g = gState{phase: fresh}
	case machine.EventStart:
		if g.phase != fresh && g.phase != ready {
			return g.is(e.G, "only what is ready can start")
		}
		if m.g != 0 {
			return v.g(m.g).is(m.g, "an M runs one G at a time")
		}
		g.phase, g.m, m.g = running, e.M, e.G
	case machine.EventInline:
		if g.phase != fresh {
			return g.is(e.G, "only what has not run can run inside a join")
		}
		if m.g == 0 {
			return fmt.Sprintf("M%d runs no G that could join", e.M)
		}
		v.g(m.g).phase = beneath
		g.phase, g.m, g.outer, m.g = running, e.M, m.g, e.G
	case machine.EventPark:
		if m.p == 0 && sched.WaitReason(e.Arg) != sched.WaitSyscall {
			return fmt.Sprintf("M%d holds no P", e.M)
		}
		g.phase, m.g = parked, 0
	case machine.EventReady, machine.EventRequeue:
		if g.phase != parked {
			return g.is(e.G, "only what has parked can become ready")
		}
		if e.Kind == machine.EventRequeue && g.m != e.M {
			return g.is(e.G, "only the M that it parked on can put it back")
		}
		g.phase = ready
	case machine.EventEnd:
		g.phase, m.g = ended, g.outer
		if outer := g.outer; outer != 0 {
			g.phase, g.outer = absent, 0
			o := v.g(outer)
			o.phase, o.m = running, e.M
		}
	case machine.EventJoin:
		if g.phase != ended {
			return g.is(e.G, "only what has ended, and was not joined, can be joined")
		}
		if m.g == 0 {
			return fmt.Sprintf("M%d runs no G that could join", e.M)
		}
		g.phase = absent
	case machine.EventSteal:
		if g.phase != fresh && g.phase != ready {
			return g.is(e.G, "only what is queued can be stolen")
		}
		if t := e.Theft(); t.Gs < 1 || t.Victim == int(m.p)-1 {
			return "a theft takes something from somebody else"
		}
	case machine.EventSyscall:
		g.phase = inSyscall
	case machine.EventSysexit:
		if m.g != e.G || g.phase != inSyscall {
			return g.is(e.G, fmt.Sprintf("only what is in a system call on M%d can return from it", e.M))
		}
		g.phase = running
	}
	return ""
}

func (v *Validator) checkP(e *machine.Event, m *mState, p *pState) string {
	is := func(why string) string {
		text := [...]string{gone: "has gone", listed: "is idle", held: fmt.Sprintf("is held by M%d", p.m), loose: "is in nobody's hands",
			left: fmt.Sprintf("was left by M%d in a system call", p.m)}[p.phase]
		return fmt.Sprintf("P%d %s: %s", e.P, text, why)
	}
	known := p.known
	p.known = true
	switch e.Kind {
	case machine.EventAcquire:
		switch {
		case m.p != 0:
			return fmt.Sprintf("M%d holds P%d already", e.M, m.p-1)
		case m.idle:
			return fmt.Sprintf("M%d is on an idle list", e.M)
		case !m.started:
			return fmt.Sprintf("M%d was not started", e.M)
		case p.phase != loose && (p.phase != left || p.m != e.M):
			return is("an M cannot come to hold it")
		}
		p.phase, p.m = held, e.M
		m.p = e.P + 1
	case machine.EventRelease:
		if m.p != e.P+1 {
			return is("only its M can let it go")
		}
		m.p = 0
		p.phase = loose
		if m.g != 0 {
			if v.g(m.g).phase != inSyscall {
				return v.g(m.g).is(m.g, "its M must keep its P")
			}
			p.phase = left
		}
	case machine.EventRetake:
		if p.phase != left {
			return is("only what was left in a system call can be retaken")
		}
		p.phase = loose
	case machine.EventIdle:
		if p.phase != loose {
			return is("it cannot become idle")
		}
		p.phase = listed
	case machine.EventUnidle:
		if p.phase != listed {
			return is("only an idle P can be taken off a list")
		}
		p.phase = loose
	case machine.EventHandoff:
		if p.phase != loose {
			return is("only what nobody holds can be handed on")
		}
	case machine.EventDismiss:
		if p.phase != loose {
			return is("only what nobody holds can go")
		}
		p.phase = gone
	case machine.EventAdmit:
		if p.phase != gone && known {
			return is("it cannot come")
		}
		p.phase = loose
	}
	return ""
}

func (v *Validator) checkM(e *machine.Event, id int32) string {
	o := v.m(id)
	switch {
	case e.Kind == machine.EventNewM && o.started:
		return fmt.Sprintf("M%d was started before", id)
	case e.Kind != machine.EventNewM && !o.started:
		return fmt.Sprintf("M%d was not started", id)
	case e.Kind == machine.EventSleep && (id != e.M || o.p != 0 || o.idle):
		return fmt.Sprintf("M%d can go to sleep by itself, without a P and once", id)
	case e.Kind == machine.EventWake && !o.idle:
		return fmt.Sprintf("M%d is on no idle list", id)
	}
	o.started = true
	o.idle = e.Kind == machine.EventSleep
	return ""
}

// Quiet returns what is not at rest, or nil: when a scheduler is quiescent, no G is ready
// or runs, every P is idle and no M holds one.
func (v *Validator) Quiet() error {
	for name, g := range v.gs {
		if g.phase != absent && g.phase != parked && g.phase != ended && g.phase != beneath {
			return fmt.Errorf("after event %d: %s", v.n, g.is(uint32(name), "yet all is quiet"))
		}
	}
	for i, p := range v.ps {
		if p.phase != listed && p.phase != gone {
			return fmt.Errorf("after event %d: P%d is not idle, yet all is quiet", v.n, i)
		}
	}
	return nil
}
