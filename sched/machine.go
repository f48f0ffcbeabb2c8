package sched

import (
	"unsafe"

	"numasched/topology"
)

// A Machine is what the scheduler runs on: real threads (package host) or events in
// virtual time (package sim). All that Ms share goes through it. Every shared word is
// a [Word32], [Word64] or wordG, which reports its accesses to Memory. Every wait is a
// Futexsleep, and every clock is Nanotime. So the same scheduler source runs on both,
// and an explorer that decides the order of accesses decides everything.
//
// An M calls these methods about itself while it runs. There is one exception: the M
// that stands for callers from outside ([Sched.Run], [Sched.Close]) is never started
// and has no P.
type Machine interface {
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

	// Futexsleep blocks m until a Futexwakeup on w, but returns at once if *w
	// is not val; it may return early for no reason. ns < 0 waits for ever,
	// otherwise at most about ns nanoseconds.
	Futexsleep(m *M, w *Word32, val uint32, ns int64)

	// Futexwakeup wakes at most n of the Ms that sleep on w.
	Futexwakeup(m *M, w *Word32, n int)

	// Procyield passes the few hundred nanoseconds between two looks of a
	// spinning M at a lock, without leaving the CPU.
	Procyield(m *M)

	// Osyield lets another thread have m's CPU: what a spinning M does when
	// whoever it waits for may have been descheduled.
	Osyield(m *M)

	// Bind restricts m's thread to cpus. The error says why it could not; m
	// then runs on where it was.
	Bind(m *M, cpus topology.CPUSet) error

	// Getcpu returns the CPU that m is on, or -1 where that is not known.
	Getcpu(m *M) int

	// Memory is told of every access to a word that Ms share, before it
	// happens. It is nil on a machine whose memory is real.
	Memory() Memory

	// EventSink returns who the machine wants to be told of m's events, or nil. It is called
	// once for every M, before the M does anything.
	EventSink(m *M) EventSink

	// Work does w for a G that runs on m, from the given part on, and returns 0 when w is
	// done. A real machine calls kernel. A simulated one charges m's clock with w, and may
	// stop after a part of it because m.Preempted says so. It then returns the number of
	// the part to go on with, for m or for another M.
	Work(m *M, w *Work, part int64, kernel func()) (next int64)

	// NewBuffer returns memory for Work to read and write. bytes > 0.
	NewBuffer(bytes int64, where Placement) (*Buffer, error)

	// FreeBuffer takes it back.
	FreeBuffer(*Buffer)

	// NewCache returns a cache of small objects for one P: of objects that lie
	// on the node with the given ID, or, if node is -1, wherever the machine puts
	// them when nobody asks for a node.
	NewCache(node int) (Cache, error)
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

// A Memory charges the scheduler for what it does, on a machine where doing
// it takes no time by itself.
type Memory interface {
	// Access charges one access to a word of the given line, and may let
	// other Ms run before it returns.
	Access(m *M, line Line, kind Access)

	// Spend charges scheduler work that touches no shared word.
	Spend(m *M, c Cost)
}

// A Line identifies a cache line that holds words of the scheduler. The zero
// Line is private to its M and never reported.
type Line uint32

// Access is the way a word is accessed.
type Access uint8

const (
	Load  Access = iota // needs the line shared
	Store               // needs the line exclusive
	RMW                 // atomic read-modify-write: exclusive, and locked
)

// Cost names work of the scheduler that touches no shared word.
type Cost uint8

const (
	CostSpawn    Cost = iota // make a G and fill in what it runs
	CostInline               // run a child inside its parent's join
	CostExecute              // start a fresh G from the scheduling loop
	CostSwitch               // leave one carrier and enter another
	CostSchedule             // one turn of the scheduling loop
	CostNewStack             // make a carrier
	CostObject               // make a small object on Go's heap, and its share of collecting it
	NumCosts
)
