// Package host runs the scheduler on this host: its Machine is made of real threads,
// real memory and the kernel's calls.
//
// Ms are goroutines that are not locked to their threads: coroutines made by a
// locked goroutine could not move between threads, and Gs must. So an M's thread
// may change under it, and with it the mask. The scheduler checks where an M is and
// binds it again (sched.Stats counts both).
//
// # What a Machine changes in the process
//
// It changes GOMAXPROCS, and the mask and the name of the threads that its Ms run on. The
// names are numasched-0 and so on, one for each mask. Close restores all of them, thread
// by thread, and Machines may be closed in any order.
//
// What somebody else has set meanwhile stays: a GOMAXPROCS, the mask of a thread that the
// program has pinned, the masks that "taskset -a" gave the running process. The Machine
// notices two such changes. [Machine.Warnings] and sched.Config.Report say so each time:
//
//   - After a taskset of the process, threads are bound to what it has left of their nodes,
//     within a second. Where it has left nothing of a node, its threads are not bound.
//   - If an M finds that its thread alone has another mask than the M gave it, the Machine
//     binds no more threads.
//
// Processes that are started with package os/exec or [syscall.ForkExec] do not
// inherit the mask of a bound thread, whoever starts them. The price: while threads
// are bound, it takes up to 10 ms longer to start a process, and Ms are not bound while it
// starts.
//
// Limits:
//
//   - A process that C code forks, and the program that [syscall.Exec] turns this one
//     into, inherit the mask of the thread that they are made on. [Unbound] helps.
//   - A thread that is made on a bound thread has its mask for up to about a second.
//   - If the program sets the mask that the Machine set, the Machine cannot tell the two apart.
//     So if the program pins a thread that an M has just left, to the very CPUs that the M's
//     mask had, Close widens the mask again. The Machine does so earlier if the main thread is
//     bound to those CPUs, and was so before the pinned thread was made: then that looks like
//     a clone of the main thread.
//   - Nothing closes a Machine that is dropped, for two reasons. Slices of its Buffers may still
//     be in use, which the garbage collector does not see. And GOMAXPROCS and masks must not
//     change at some time that the collector chooses.
//
// Example, without error handling:
//
//	m, err := host.New(host.Config{})
//	defer m.Close()
//	arm, _ := policy.ByName("numa")
//	s, err := sched.New(sched.Config{Machine: m, Arm: arm})
//	defer s.Close()
//	err = s.Run(func(g *sched.G) { fmt.Println("on node", g.Node()) })
package host

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"numasched/numa"
	"numasched/sched"
	"numasched/sched/internal/machine"
	"numasched/topology"
)

// A Config says what host a [Machine] is.
type Config struct {
	// Topology is the machine that the scheduler sees; nil means the real one as it is
	// now. A Topology that is not from [topology.Host] pretends nodes: no thread is
	// bound, no page is placed, and the scheduler does not learn which CPU an M is on.
	Topology *topology.Topology

	// Procs is the number of Ps that will run, from 1 to the number of CPUs that the
	// topology allows; 0 means all of these. GOMAXPROCS is kept above Procs, and above what
	// sched.Sched.SetProcs makes of it.
	Procs int
}

// A Machine is this host. It implements [sched.Machine].
type Machine struct {
	topo      *topology.Topology
	pretended bool
	start     time.Time

	procs int           // GOMAXPROCS is above it; under mu
	spin  atomic.Uint32 // what Procyield looks at

	// Under processMasks.mu.
	foreign   error // if not nil, threads are not bound: somebody else has changed masks
	masksDone bool  // Close has restored them

	localPages, remotePages atomic.Int64 // see Work

	mu       sync.Mutex
	arenas   map[int]*numa.Arena  // by node ID; nil if the node's memory cannot be had
	own      map[*buffer]struct{} // buffers that have an arena of their own
	heap     *numa.Heap           // of all caches; nil until first needed
	giveBack *time.Timer          // see giveback.go; nil until there is memory
	warnings []string
	scheds   int // that are attached
	closed   bool
}

var _ sched.Machine = (*Machine)(nil)

var errClosed = errors.New("host: the Machine is closed")

// New makes a Machine of this host. Close it after use: a Machine that is dropped
// keeps its memory, and GOMAXPROCS stays what it has made of it.
//
// Errors: those of [topology.Host], or Procs that the topology does not allow.
func New(cfg Config) (*Machine, error) {
	m := &Machine{topo: cfg.Topology, start: time.Now(), arenas: make(map[int]*numa.Arena), own: make(map[*buffer]struct{})}
	if m.topo == nil {
		topo, err := topology.Host()
		if err != nil {
			return nil, err
		}
		m.topo = topo
	}
	m.pretended = !m.topo.IsHost()
	cpus := m.topo.Allowed.Len()
	if cpus == 0 {
		return nil, fmt.Errorf("host: Config.Topology is %s, which allows no CPU: want at least one", m.topo.Origin)
	}
	if cfg.Procs < 0 || cfg.Procs > cpus {
		return nil, fmt.Errorf("host: Config.Procs is %d: want 1 to %d, the number of CPUs that %s allows, or 0 for all of them", cfg.Procs, cpus, m.topo.Origin)
	}
	m.procs = cmp.Or(cfg.Procs, cpus)
	wantProcs(m.procs + gomaxprocsSlack)
	return m, nil
}

// Close gives the memory of Buffers and Caches back, and restores what the Machine
// has changed in the process: GOMAXPROCS, and the masks and names of threads that
// were bound or made on bound threads. It leaves alone what somebody else has
// changed meanwhile. While schedulers run on the Machine it does nothing of this, and
// returns an error: their Gs may use that memory. Close them first.
func (m *Machine) Close() error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return errClosed
	}
	if n := m.scheds; n > 0 {
		m.mu.Unlock()
		return fmt.Errorf("host: the Machine stays open: schedulers that run on it have not been closed: %d", n)
	}
	m.closed = true
	if m.giveBack != nil {
		m.giveBack.Stop()
	}
	for _, a := range m.arenas {
		if a != nil {
			a.Close()
		}
	}
	for b := range m.own {
		b.arena.Close()
	}
	if m.heap != nil {
		m.heap.Close()
	}
	m.mu.Unlock()
	err := processMasks.close(m)
	unwantProcs(m.procs + gomaxprocsSlack) // after the masks, which its default depends on
	return err
}

// Topology implements [sched.Machine].
func (m *Machine) Topology() *topology.Topology { return m.topo }

// Pretended reports whether the nodes are pretended; see [Config].
func (m *Machine) Pretended() bool { return m.pretended }

// Nanotime implements [sched.Machine]: nanoseconds since New.
func (m *Machine) Nanotime(*machine.M) int64 { return int64(time.Since(m.start)) }

// Newosproc implements [sched.Machine].
func (m *Machine) Newosproc(nm, _ *machine.M) {
	nm.Local = new(local)
	go func() {
		defer processMasks.unbind(nm)
		if nm.Locked() {
			runtime.LockOSThread() // for ever: the thread ends with the goroutine
		}
		for nm.Step() {
		}
	}()
}

// A local is what a Machine keeps of an M, in M.Local.
type local struct {
	works int64        // see Work
	tid   atomic.Int64 // the thread that is bound for the M, or 0; written under processMasks.mu

	_ [48]byte // a cache line: that of one M is in no other's way
}

// Syscall implements [sched.Machine].
func (m *Machine) Syscall(_ *machine.M, _ int64, f func()) { f() }

// Futexsleep implements [sched.Machine].
func (m *Machine) Futexsleep(sm *machine.M, w machine.Word, val uint32, ns int64) {
	numa.FutexWait(w.Addr, val, ns)
	afterSleep(sm)
}

// afterSleep is called when sm has slept in the kernel: this is where most Ms change
// threads.
func afterSleep(sm *machine.M) {
	if l, ok := sm.Local.(*local); ok && l.bound() != 0 && !l.here() {
		processMasks.unbind(sm)
	}
}

// localOf returns what a Machine keeps of sm, which has a thread of the Machine's: guests and callers
// from outside have none.
func localOf(sm *machine.M) *local { return sm.Local.(*local) }

// bound returns the thread that is bound for l's M, or 0.
func (l *local) bound() int { return int(l.tid.Load()) }

// here reports whether the caller is on that thread.
func (l *local) here() bool { return l.bound() == numa.CurrentThread() }

// Futexwakeup implements [sched.Machine].
func (m *Machine) Futexwakeup(_ *machine.M, w machine.Word, n int) {
	numa.FutexWake(w.Addr, n)
}

// procyieldLoads is a number of loads that takes about 400 ns, as long as the 30 PAUSE
// instructions of Go's runtime, which Go code cannot issue.
const procyieldLoads = 800

// Procyield implements [sched.Machine].
func (m *Machine) Procyield(*machine.M) {
	for range procyieldLoads {
		m.spin.Load()
	}
}

// Osyield implements [sched.Machine].
func (m *Machine) Osyield(*machine.M) { osyield() }

// Bind implements [sched.Machine].
func (m *Machine) Bind(sm *machine.M, cpus topology.CPUSet) error {
	if m.pretended {
		return nil
	}
	return processMasks.bind(m, sm, cpus)
}

// BoundHere implements [sched.Machine].
func (m *Machine) BoundHere(sm *machine.M) bool {
	l, ok := sm.Local.(*local)
	return m.pretended || !ok || l.here()
}

// Getcpu implements [sched.Machine].
func (m *Machine) Getcpu(*machine.M) int {
	if m.pretended {
		return -1
	}
	cpu, _ := numa.CurrentCPU()
	return cpu
}

// GrowProcs implements [sched.Machine]: GOMAXPROCS is kept above n, too, until Close.
func (m *Machine) GrowProcs(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n > m.procs && !m.closed {
		wantProcs(n + gomaxprocsSlack)
		unwantProcs(m.procs + gomaxprocsSlack)
		m.procs = n
	}
}

// Memory implements [sched.Machine]. It returns nil: a host's memory is real.
func (m *Machine) Memory() machine.Memory { return nil }

// EventSink implements [sched.Machine]. It returns nil: a host does not want to know.
func (m *Machine) EventSink(*machine.M) machine.EventSink { return nil }
