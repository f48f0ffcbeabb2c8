package sched

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// ErrClosed says that the scheduler has been closed.
var ErrClosed = errors.New("sched: closed")

// A PanicError says that a G panicked.
type PanicError struct {
	Value any    // what it panicked with
	Stack []byte // its stack, as debug.Stack gives it
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("sched: panic in a G: %v\n\n%s", e.Value, e.Stack)
}

// Unwrap returns the value that the G panicked with, if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// A DeadlockError says that every G waits for another.
type DeadlockError struct{}

func (*DeadlockError) Error() string { return "sched: all Gs are asleep - deadlock!" }

// errGoexit is what a G that calls runtime.Goexit panics with: its stack is
// also the scheduling loop's.
var errGoexit = errors.New("runtime.Goexit called in a G")

// panicked is called while g's panic unwinds its stack, with what was
// recovered. It stops the scheduler, as a panic ends a Go program, and goes on
// unwinding: outer, if not nil, runs g inline and cannot go on either. Its
// deferred functions run where g was, which may be another M than outer's last.
func (g *G) panicked(value any, outer *G) {
	if value == nil {
		value = errGoexit
	}
	if value != errCancelled {
		g.m.stop(&PanicError{Value: value, Stack: debug.Stack()})
	}
	if outer != nil {
		outer.m, outer.cancelled = g.m, true
	}
	panic(errCancelled)
}

// checkdead is called by an M that is about to sleep when all Ps were idle. With
// every Node locked, no P can stop being idle and nothing can be queued, so that
// if all Ps are idle and all queues empty no M holds a G: as Run queues its G
// under Sched.lock, none will ever be ready again.
func (m *M) checkdead() {
	s := m.s
	s.lock.lock(m)
	dead := len(s.runs) > 0
	if dead {
		dead = m.allIdle()
	}
	s.lock.unlock(m)
	if dead {
		m.stop(&DeadlockError{})
	}
}

// allIdle reports whether every P is idle and every queue is empty.
func (m *M) allIdle() bool {
	s := m.s
	for _, n := range s.nodes {
		n.lock.lock(m)
	}
	idle := int(s.npidle.load(m)) == len(s.ps)
	for _, n := range s.nodes {
		idle = idle && n.runq.n == 0
	}
	for _, n := range s.nodes {
		n.lock.unlock(m)
	}
	return idle
}
