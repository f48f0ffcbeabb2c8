package sim

import "numasched/sched/internal/machine"

// Scans without switches of stacks.
//
// On a large machine most events are loads of thieves that find nothing, and between two
// loads of one thief many others have their turns. A switch between stacks takes several
// times as long as such a load. So a thread whose scan has to wait leaves the scan to the
// machine. When its turn comes, whoever runs goes on with the scan, on its own stack.
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

// look goes on with the scan of t, whose turn it is. It returns false if other events are
// due, and true if t is to go on on its own stack.
func (k *Machine) look(t *thread) bool {
	for {
		line, more := t.scan.Next()
		if !more {
			t.scan = nil
			return true
		}
		switch {
		case k.access(t, line, machine.Load):
		case t.clock >= t.sliceEnd:
			return true
		case k.overdue(t):
			return false
		default:
			k.now = max(k.now, t.clock)
		}
	}
}
