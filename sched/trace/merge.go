package trace

import (
	"errors"
	"fmt"

	"numasched/sched/internal/machine"
)

// An object is what events are counted for: a G, a P or an M.
type object struct {
	kind byte // 'G', 'P', 'M', or 0: none
	id   int64
}

func (o object) String() string {
	if o.kind == 'G' {
		return fmt.Sprintf("G %d", o.id)
	}
	return fmt.Sprintf("%c%d", o.kind, o.id)
}

// objectOf returns the object whose Seq-th event e is.
func objectOf(e *machine.Event) object {
	switch {
	case e.Seq == 0:
		return object{}
	case e.Kind.OfG():
		return object{'G', int64(e.G)}
	case e.Kind.OfP():
		return object{'P', int64(e.P)}
	case e.Kind.OfM():
		return object{'M', int64(e.Arg)}
	}
	return object{}
}

// A merger puts the logs of Ms into one order. At any moment it has taken a first part of
// every log. It takes the next event of some log if the event before, of the same object,
// has been taken. So the order agrees with that of each M and with that of each object.
type merger struct {
	logs    []*machine.EventReader
	taken   map[object]uint32
	waiting map[object][]*machine.EventReader // logs whose next event has to wait for the object's
	able    []*machine.EventReader            // logs that may be able to go on
}

// Merge calls yield for every event, in an order in which nothing comes before its cause,
// until yield returns an error, and returns that. If Limit has cut logs it stops where what
// it needs is missing. Otherwise a missing event is an error: the scheduler, or whoever
// wrote the events, has counted wrong.
func (r *Recorder) Merge(yield func(*Record) error) error {
	g := &merger{taken: make(map[object]uint32), waiting: make(map[object][]*machine.EventReader)}
	cut := false
	for _, l := range r.logs {
		c := l.Read()
		g.logs, g.able = append(g.logs, &c), append(g.able, &c)
		cut = cut || l.Cut()
	}
	for len(g.able) > 0 {
		c := g.able[len(g.able)-1]
		g.able = g.able[:len(g.able)-1]
		if err := g.take(c, yield); err != nil {
			return err
		}
	}
	if cut {
		return nil
	}
	var errs []error
	for _, c := range g.logs {
		if rec := c.Peek(); rec != nil {
			o, want := g.missing(&rec.Event)
			errs = append(errs, fmt.Errorf("%s can never come: event %d of %s is missing, the last before is %d", rec.Event, want, o, g.taken[o]))
		}
	}
	return errors.Join(errs...)
}

// take takes from c what can be taken.
func (g *merger) take(c *machine.EventReader, yield func(*Record) error) error {
	for rec := c.Peek(); rec != nil; rec = c.Peek() {
		if o, _ := g.missing(&rec.Event); o.kind != 0 {
			g.waiting[o] = append(g.waiting[o], c)
			return nil
		}
		c.Skip()
		if o := objectOf(&rec.Event); o.kind != 0 {
			g.taken[o] = rec.Seq
			if w := g.waiting[o]; w != nil {
				g.able = append(g.able, w...)
				delete(g.waiting, o)
			}
		}
		if err := yield(rec); err != nil {
			return err
		}
	}
	return nil
}

// missing returns the object, and which event of it, that must be taken before e.
func (g *merger) missing(e *machine.Event) (o object, seq uint32) {
	if o = objectOf(e); o.kind != 0 && g.taken[o] != e.Seq-1 {
		return o, e.Seq - 1
	}
	if e.Kind == machine.EventAcquire {
		if o = (object{'M', int64(e.M)}); g.taken[o] < uint32(e.Arg) {
			return o, uint32(e.Arg)
		}
	}
	return object{}, 0
}
