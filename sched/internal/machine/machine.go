// Package machine is the scheduler as the author of a Machine sees it: the calls that a
// kernel must answer, the Ms that make them, the words that Ms share, and the events that
// Ms report. Package sched builds on it and adds what only its users see.
package machine

import (
	"unsafe"

	"numasched/topology"
)

// A Kernel is what the scheduler runs on: real threads (package host) or events in
// virtual time (package sim). All that Ms share goes through it. Every shared word is
// reported to Memory before it is accessed, every wait is a Futexsleep, and every clock
// is Nanotime. So the same scheduler source runs on both, and an explorer that decides
// the order of accesses decides everything.
//
// An M calls these methods about itself while it runs. There is one exception: the M
// that stands for callers from outside is never started and has no P.
type Kernel interface {
	// Topology is the machine that Ps are mapped onto. It never changes.
	Topology() *topology.Topology

	// Syscall calls f for m, which is in a system call and has no P. On a simulated
	// machine the call takes ns nanoseconds.
	Syscall(m *M, ns int64, f func())

	// NativeWaits describes, one string each, the goroutines of Gs that wait for
	// something of Go's own: a mutex, a channel, a sleep. It may take a millisecond and
	// more. A machine that does not know returns nothing.
	NativeWaits() []string

	// Nanotime is the machine's clock in nanoseconds. It never goes back.
	Nanotime(m *M) int64

	// Newosproc gives m a thread, which calls m.Step until it returns false.
	// by is the M that asks.
	Newosproc(m, by *M)

	// NewPoller makes a poller for descriptors of the network, for one Node. It returns nil
	// if the machine has none.
	NewPoller() (Poller, error)

	// Futexsleep blocks m until a Futexwakeup on w, but returns at once if w's value
	// is not val; it may return early for no reason. ns < 0 waits for ever,
	// otherwise at most about ns nanoseconds.
	Futexsleep(m *M, w Word, val uint32, ns int64)

	// Futexwakeup wakes at most n of the Ms that sleep on w.
	Futexwakeup(m *M, w Word, n int)

	// Procyield passes the few hundred nanoseconds between two looks of a
	// spinning M at a lock, without leaving the CPU.
	Procyield(m *M)

	// Osyield lets another thread have m's CPU: what a spinning M does when
	// whoever it waits for may have been descheduled.
	Osyield(m *M)

	// Bind restricts m's thread to cpus. The error says why it could not; m
	// then runs on where it was.
	Bind(m *M, cpus topology.CPUSet) error

	// BoundHere reports whether m is still on the thread that it has bound last, and that thread
	// has been bound for no other M and not been released since.
	BoundHere(m *M) bool

	// Getcpu returns the CPU that m is on, or -1 where that is not known.
	Getcpu(m *M) int

	// Attach begins the use of the Machine by a scheduler, which ends with detach. Until then
	// the Machine must stay open, and a closed one returns an error. changed is called, within
	// a second and by no M, whenever the CPUs have changed that the process may run on,
	// because somebody outside has changed them: cpus are those, and why is for a person.
	Attach(changed func(cpus topology.CPUSet, why string)) (detach func(), err error)

	// GrowProcs says that as many as n Ps may run Gs from now on.
	GrowProcs(n int)

	// Memory is told of every access to a word that Ms share, before it
	// happens. It is nil on a machine whose memory is real.
	Memory() Memory

	// EventSink returns who the machine wants to be told of m's events, or nil. It is called
	// once for every M, before the M does anything.
	EventSink(m *M) EventSink

	// NewCache returns a cache of small objects for one P: of objects that lie
	// on the node with the given ID, or, if node is -1, wherever the machine puts
	// them when nobody asks for a node.
	NewCache(node int) (Cache, error)
}

// An M is a worker thread as its machine sees it.
type M struct {
	ID    int // -1: it stands for callers from outside
	Local any // the machine's own
	Worker
}

// A Worker is what the scheduler does for an M's machine.
type Worker interface {
	// Step enters the M's stack. It returns true after a Pause, from which the next Step
	// goes on, and false when the M has ended. The goroutine that calls Step must be locked
	// to its thread if the M is Locked, and no other M's may be.
	Step() (more bool)

	// Pause leaves the M's stack; the next Step goes on after the Pause. A machine
	// calls it from within a call that the scheduler made.
	Pause()

	// PauseFor leaves the M's stack for that of another M, as Pause and that one's Step
	// would. The Step that has entered the M now returns when the other one pauses or ends.
	PauseFor(next *M)

	// Locked reports whether the M belongs to a G that is locked to its thread.
	Locked() bool

	// P returns the index of the P that the M holds, or -1.
	P() int

	// Preempted reports whether the time slice of the M's P is over: then a Work ends early.
	Preempted() bool

	// Nanotime returns the machine's clock in nanoseconds, for the M.
	Nanotime() int64

	// Owner identifies the scheduler that the M works for: its *sched.Sched.
	Owner() any

	// Stack identifies the stack that the M is on. A G stays on one stack all its life.
	Stack() any

	// Sleeping reports whether w is what the M sleeps on when it has nothing to do.
	Sleeping(w Word) bool
}

// A Poller is a network poller: epoll, most often.
type Poller interface {
	// Wait says which descriptors have become ready since the last time, by PollDesc.Ready
	// of package sched. If there are none it waits for one, but for at most about ns
	// nanoseconds: 0 means not at all, less than 0 for ever. It returns early after a Break.
	Wait(m *M, ns int64)

	// Break ends the present Wait that may block, or the next.
	Break(m *M)

	// Close gives back what the poller has. Nobody uses it afterwards.
	Close()
}

// A Cache hands out small objects; one M uses it at a time.
type Cache interface {
	// Alloc returns size bytes, 0 or more, at a multiple of 16, of any content. The
	// error says that there is no memory.
	Alloc(size int) (unsafe.Pointer, error)

	// Free takes back what any Cache of the machine has handed out; an object
	// goes back to the node that it lies on.
	Free(unsafe.Pointer)

	// Flush gives back the free objects that the cache keeps for later.
	Flush()
}
