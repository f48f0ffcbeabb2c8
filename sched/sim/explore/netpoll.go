package explore

import (
	"numasched/sched"
	"numasched/sched/internal/machine"
)

// A poller is that of a Node. What it polls are descriptors for which a program says that
// something has come (T.News). It is a word: Wait and Break change it, and so does what
// comes.
type poller struct {
	x      *Machine
	word   int // its index
	sleeps uint32
	news   []news
	later  []news // in the order in which they come
	broken bool   // the present or next Wait that may block ends
}

// news is that a descriptor has become ready.
type news struct {
	desc *sched.PollDesc
	mode sched.PollMode
	when int64 // of those that come later
}

// NewPoller implements [sched.Machine].
func (x *Machine) NewPoller() (machine.Poller, error) {
	pl := &poller{x: x, word: pollWord + len(x.pollers)}
	x.pollers = append(x.pollers, pl)
	return pl, nil
}

// futex is what the M sleeps on that waits in pl.
func (pl *poller) futex() machine.Word { return machine.Word{Addr: &pl.sleeps} }

// Wait implements [machine.Poller]. As epoll does, it may return early for no reason.
func (pl *poller) Wait(m *machine.M, ns int64) {
	x := pl.x
	if x.err != nil {
		return
	}
	until := int64(noEnd)
	if ns > 0 {
		until = x.end(ns)
	}
	x.flag(pl.word, machine.RMW)
	pl.arrive()
	if ns != 0 && len(pl.news) == 0 && !pl.broken {
		if len(pl.later) > 0 {
			until = min(until, pl.later[0].when)
		}
		x.sleep(x.cur, pl.futex(), until)
		x.flag(pl.word, machine.RMW)
		pl.arrive()
	}
	if ns != 0 {
		pl.broken = false
	}
	came := pl.news
	pl.news = nil
	for _, n := range came {
		n.desc.Ready(m, n.mode)
	}
}

// arrive looks what has come by now.
func (pl *poller) arrive() {
	if len(pl.later) == 0 {
		return
	}
	pl.x.flag(clockWord, machine.Load)
	for len(pl.later) > 0 && pl.later[0].when <= pl.x.now {
		pl.news, pl.later = append(pl.news, pl.later[0]), pl.later[1:]
	}
}

// Break implements [machine.Poller].
func (pl *poller) Break(*machine.M) {
	if pl.x.err == nil {
		pl.x.flag(pl.word, machine.RMW)
		pl.broken = true
		pl.x.wakeFirst(pl.futex())
	}
}

// Close implements [machine.Poller].
func (pl *poller) Close() {}

// News says that something has come for a descriptor.
func (t *T) News(d *sched.PollDesc, mode sched.PollMode) {
	pl := d.Poller().(*poller)
	t.x.flag(pl.word, machine.RMW)
	pl.news = append(pl.news, news{d, mode, 0})
	t.x.wakeFirst(pl.futex())
}

// NewsIn says that something comes for a descriptor in the time d, from outside: no G has to
// run then. The time must be later than that of what was said before.
func (t *T) NewsIn(d *sched.PollDesc, mode sched.PollMode, ns int64) {
	pl := d.Poller().(*poller)
	when := t.x.end(ns)
	t.x.flag(pl.word, machine.RMW)
	pl.later = append(pl.later, news{d, mode, when})
	t.x.wakeFirst(pl.futex()) // who waits there has to know until when
}

// inPoller reports whether w is what somebody sleeps on who waits in a poller.
func (x *Machine) inPoller(w machine.Word) bool {
	for _, pl := range x.pollers {
		if w == pl.futex() {
			return true
		}
	}
	return false
}
