package sched

import (
	"errors"
	"runtime"

	"numasched/sched/internal/coro"
)

// runtime.Goexit in a G. It ends the goroutine that calls it, after the deferred functions. Here
// that is a carrier, and the scheduling loop is further up on its stack. So a deferred function
// of the loop's (invoke) ends the G, and its M leaves the carrier for another one, for good. The
// carrier's goroutine goes on unwinding when somebody ends it. That ends the goroutine that does
// so, too, because package iter passes Goexit on. So each such carrier gets a goroutine of its
// own to end it.
//
// A forked child and a member of a Group may run on the stack of their parent, which would be
// lost with it. Whether they do is a matter of chance. So they may never call Goexit, nor may
// what has a thread of its own.

// ErrGoexit says that the function of a Run has called [runtime.Goexit], as
// testing.T.FailNow does, instead of returning.
var ErrGoexit = errors.New("sched: the function of Run has called runtime.Goexit instead of returning")

// errGoexit is what a G panics with that may not call runtime.Goexit.
var errGoexit = errors.New("runtime.Goexit called in a G that may not: a forked child, a member of a Group, " +
	"one of GoLocked, or one whose scheduler stops; only the functions of Run, Do, Go, GoAt, Start and AfterFunc may")

// mayExit reports whether g may call runtime.Goexit.
func (g *G) mayExit() bool {
	return g.group == nil && g.parent == nil && (g.barred == 0 || g.barred == watched) && g.m.c.lockedm == nil
}

// exit ends g, which has called runtime.Goexit. It returns when g's stack is to go on unwinding.
func (g *G) exit() {
	m := g.m
	if g.rest != nil && g.rest.run != nil {
		g.rest.run.exited = true
	}
	m.endG(g)
	left := m.c
	m.commit = func(m *M, _ *G) bool {
		m.reap(left)
		return true
	}
	m.enter(m.popCarrier())
}

// reap has c, which will never be entered again, end.
func (m *M) reap(c *carrier) {
	s := m.s
	s.lock.lock(m)
	s.forgetCarrier(c)
	s.lock.unlock(m)
	s.reaped.Go(func() {
		for me := coro.Current(); !c.endStack(me); {
			runtime.Gosched() // another stack is in the way for a moment
		}
	})
}
