package sim

import (
	"numasched/sched"
	"numasched/sched/internal/machine"
)

// Scans without switches of stacks.
//
// On a large machine most events are loads of thieves that find nothing, and between two
// loads of one thief many others have their turns. A switch between stacks takes several
// times as long as such a load. So a thread whose scan has to wait leaves the scan to the
// machine. When its turn comes, whoever runs goes on with the scan, on its own stack.
//
// A G that spins, until others have come to a barrier for example, is such a scan, too, with a
// Work between its loads. On a large machine most events of such a program are those of Gs that
// spin.
//
// Invariant: thread.scan is set while the thread has left its scan to the machine. A turn of
// such a thread is one of look. Its own stack goes on when the scan is over, or when its
// time slice is.

// Scan implements machine.Memory.
func (k *Machine) Scan(m *machine.M, s machine.Scan) {
	t := threadOf(m)
	for t.scan = s; t.scan != nil; {
		if !k.look(t) {
			k.yield(t) // and others look for t
		}
		if t.scan != nil { // the time slice is over
			t.scan = nil
			k.pause(t)
			t.scan = s
		}
	}
}

// Spin implements machine.Memory.
func (k *Machine) Spin(m *machine.M, ops int64, _ func(), s machine.Scan) {
	threadOf(m).round = k.arithmetic(&sched.Work{Ops: ops})
	k.Scan(m, s)
}

// look goes on with the scan of t, whose turn it is. It returns false if other events are
// due, and true if t is to go on on its own stack.
func (k *Machine) look(t *thread) bool {
	for {
		line, more := t.scan.Next()
		if !more {
			t.scan = nil
			return true
		}
		on := false
		if line == 0 {
			on = k.compute(t, t.round)
			k.paths.works(t, t.round)
		} else {
			on = k.access(t, line, machine.Load)
		}
		switch {
		case on:
		case t.clock >= t.sliceEnd:
			return true
		case k.overdue(t):
			return false
		default:
			k.now = max(k.now, t.clock)
		}
	}
}
