package sched

import "numasched/sched/internal/machine"

// The event seam. The scheduler says what it does to Gs, Ps and Ms in one place, by
// values of type machine.Event, to whoever wants to know: a recorder, the critical path of
// simulated machines, the explorer, a validator. While nobody does, an event costs a
// load of a word of the M and a branch that is never taken. Stats is no such consumer: its
// counters must always count, and to add to a counter of the own P costs less than a call.
//
// # Order
//
// One M's events come in the order in which it does things. An event whose Seq is not 0 is
// also the Seq-th of its object, which is its G, its P or the M that it names: see the kinds.
// Whoever has the object, or holds the lock that protects it, counts. So the events of all
// Ms can be merged into one order in which nothing comes before its cause: package trace
// does that.

func init() {
	machine.ReasonName = func(arg uint64) string { return WaitReason(arg).String() }
}

// theft returns the Arg of an EventSteal of n Gs from a P, or, if from is negative, from
// the queue of Node ^from.
func theft(n uint32, from int) uint64 { return uint64(uint32(int32(from)))<<32 | uint64(n) }

// both is two sinks.
type both [2]machine.EventSink

// Event implements [machine.EventSink].
func (b *both) Event(m *machine.M, e machine.Event) {
	b[0].Event(m, e)
	b[1].Event(m, e)
}

// eventsOf returns who is told of m's events, or nil.
func (s *Sched) eventsOf(m *M) machine.EventSink {
	sink := s.machine.EventSink(&m.M)
	also := func(second machine.EventSink) {
		switch {
		case sink == nil:
			sink = second
		case second != nil:
			sink = &both{sink, second}
		}
	}
	if s.events != nil {
		also(s.events(&m.M))
	}
	if s.view != nil {
		also(s.view)
	}
	return sink
}

// ID returns the number that events name g by: that of the cache line of its join word, of
// which every G has one of its own. A G that is reused keeps it.
func (g *G) ID() uint32 { return uint32(g.joined.line) }

// eventG says that m does something to gp.
func (m *M) eventG(kind machine.EventKind, gp *G, arg uint64) {
	if m.events != nil {
		m.tellG(kind, gp, arg)
	}
}

// eventBegin says that m is about to run gp, which has not run yet. Where m writes its log by
// itself, the event waits for the M's next one, whichever that is: most Gs never block, and so their
// start and their end are told at once.
func (m *M) eventBegin(gp *G) {
	if m.events != nil {
		if m.log != nil {
			m.began = gp
		} else {
			m.tellG(machine.EventStart, gp, 0)
		}
	}
}

// tellBegan tells what eventBegin has left to be told. It comes before all else that m tells.
func (m *M) tellBegan() {
	if gp := m.began; gp != nil {
		m.began = nil
		m.tellG(machine.EventStart, gp, 0)
	}
}

// eventEnd says that gp, which m runs, has returned.
func (m *M) eventEnd(gp *G) {
	if m.events != nil {
		m.tellEnd(gp)
	}
}

//go:noinline
func (m *M) tellEnd(gp *G) {
	arg := gp.group.name(m.s)
	if l := m.log; m.began == gp && l.Taken < machine.EventChunk && machine.Short(arg) {
		m.began = nil
		gp.seq += 2
		l.Chunk[l.Taken%machine.EventChunk].PackRan(l.P, gp.ID(), gp.seq-1, arg)
		l.Taken++
		return
	}
	m.tellG(machine.EventEnd, gp, arg)
}

// tellSpawns says that the n oldest private Gs of m's P are about to become public.
func (m *M) tellSpawns(n uint32) {
	m.tellBegan()
	r, l := &m.p.ring, m.log
	for i := range n {
		gp := r.slots[(r.shared+i)%ringSize].load()
		if l == nil || l.Taken >= machine.EventChunk {
			m.tellG(machine.EventSpawn, gp, 0)
			continue
		}
		gp.seq++
		l.Chunk[l.Taken%machine.EventChunk].Pack(machine.EventSpawn, l.P, gp.ID(), gp.seq, 0)
		l.Taken++
	}
}

// tellTaken says that child, which others have seen, was taken back to be called. Who listens hears
// that it ends at once: what it does is told of the G that calls it.
func (m *M) tellTaken(child *G) {
	m.tellG(machine.EventInline, child, 0)
	m.tellEnd(child)
}

// eventP says that m does something to p.
func (m *M) eventP(kind machine.EventKind, p *P) {
	if m.events != nil {
		m.tellP(kind, p)
	}
}

// eventM says that m does something to mp.
func (m *M) eventM(kind machine.EventKind, mp *M) {
	if m.events != nil {
		m.tellM(kind, mp)
	}
}

// listen has m tell sink of its events, from now on. sink may be nil.
func (m *M) listen(sink machine.EventSink) {
	m.events, m.log, m.began = sink, nil, nil
	if l, ok := sink.(*machine.EventLog); ok {
		m.log = l.Quick()
	}
}

// tellG writes into m's log by itself where that is possible: a call of Event takes several times as
// long.
//
//go:noinline
func (m *M) tellG(kind machine.EventKind, gp *G, arg uint64) {
	m.tellBegan()
	l := m.log
	if l == nil || gp == nil || l.Taken >= machine.EventChunk-1 { // an event takes two slots at most
		m.tellSinkG(kind, gp, arg)
		return
	}
	chunk, at := l.Chunk, l.Taken
	if !machine.Short(arg) { // the name of a Group, perhaps
		chunk[at%machine.EventChunk].PackArg(arg)
		at, arg = at+1, 0
	}
	gp.seq++
	chunk[at%machine.EventChunk].Pack(kind, l.P, gp.ID(), gp.seq, arg)
	l.Taken = at + 1
}

//go:noinline
func (m *M) tellSinkG(kind machine.EventKind, gp *G, arg uint64) {
	e := machine.Event{Kind: kind, M: int32(m.ID), P: int32(m.P()), Arg: arg}
	if gp != nil {
		gp.seq++
		e.G, e.Seq = gp.ID(), gp.seq
	}
	m.events.Event(&m.M, e)
}

//go:noinline
func (m *M) tellP(kind machine.EventKind, p *P) {
	m.tellBegan()
	p.seq++
	e := machine.Event{Kind: kind, M: int32(m.ID), P: int32(p.id), Seq: p.seq}
	if kind == machine.EventAcquire {
		e.Arg = uint64(m.seq)
	}
	m.events.Event(&m.M, e)
}

//go:noinline
func (m *M) tellM(kind machine.EventKind, mp *M) {
	m.tellBegan()
	e := machine.Event{Kind: kind, M: int32(m.ID), P: int32(m.P()), Arg: uint64(mp.ID)}
	if kind.OfM() {
		mp.seq++
		e.Seq = mp.seq
	}
	m.events.Event(&m.M, e)
}
