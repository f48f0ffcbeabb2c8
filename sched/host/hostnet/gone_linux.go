package hostnet

import (
	"time"

	"numasched/sched"
	"numasched/sched/internal/threadlock"
)

// closeWait is how long the Close of a listener waits for those in Accept. It takes so long only if
// they cannot leave: their scheduler has stopped and was not closed yet, or their Ps run Gs that
// wait natively.
const closeWait = time.Second

// awaitGone waits until the descriptor is closed. Who was in Accept has been told to leave. So, as
// in package net, the port of a listener is free when Close returns. A G that was cancelled does
// not wait, since who is in Accept may be unwound after it.
func (f *file) awaitGone() {
	native := func() {
		select {
		case <-f.gone:
		case <-time.After(closeWait):
		}
	}
	for end := time.Now().Add(closeWait); time.Now().Before(end); {
		select {
		case <-f.gone:
			return
		default:
		}
		g := sched.Current()
		switch watch := threadlock.Mine(); {
		case g != nil && watch.Locked():
			g.Syscall(native) // since it may not yield
			return
		case g != nil:
			g.Yield()
		case sched.Cancelled():
			return
		default:
			native()
			return
		}
	}
}
