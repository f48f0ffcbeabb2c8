// Package host is the Machine made of real threads: what the scheduler asks for
// is what the kernel gives.
//
// Ms are goroutines, not locked to their threads: coroutines made by a locked
// goroutine could not move between threads, and Gs must. So an M's thread may
// change under it, and with it the mask; the scheduler checks where it is and
// binds again (sched.Stats counts both). What a Machine changes in the process,
// masks and GOMAXPROCS, Close puts back.
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
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"numasched/numa"
	"numasched/sched"
	"numasched/topology"
)

// A Config says what host a [Machine] is.
type Config struct {
	// Topology is what the scheduler is to believe; nil means the real one as it
	// is now. Unless it is from [topology.Host] its nodes are pretended: nothing is
	// bound, no page is placed, and nobody knows which CPU an M is on.
	Topology *topology.Topology

	// Procs is the number of Ps that will run. GOMAXPROCS is kept above it; 0
	// means as many as the topology allows CPUs.
	Procs int
}

// gomaxprocsSlack is how many more Ps the Go runtime has than we have Ms: a
// thread that comes back from a futex and finds no P of Go's would hand its
// goroutine to another thread, which is bound elsewhere.
const gomaxprocsSlack = 2

// A Machine is this host. It implements [sched.Machine].
type Machine struct {
	topo      *topology.Topology
	pretended bool
	start     time.Time

	spin       atomic.Uint32   // what Procyield looks at
	gomaxprocs int             // before New
	mask       topology.CPUSet // the process's before New; empty if unknown

	localPages, remotePages atomic.Int64 // see Work

	mu       sync.Mutex
	bound    []topology.CPUSet    // masks that we gave to threads
	arenas   map[int]*numa.Arena  // by node ID; nil if the node's memory cannot be had
	own      map[*buffer]struct{} // buffers that have an arena of their own
	heap     *numa.Heap           // of all caches; nil until first needed
	warnings []string
	closed   bool
}

var _ sched.Machine = (*Machine)(nil)

// New makes a Machine of this host. There should be one at a time: each changes
// GOMAXPROCS until it is closed.
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
	if cfg.Procs == 0 {
		cfg.Procs = m.topo.Allowed.Len()
	}
	if mask, err := numa.Affinity(0); err == nil {
		m.mask = mask
	}
	m.gomaxprocs = runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(max(m.gomaxprocs, cfg.Procs+gomaxprocsSlack))
	return m, nil
}

// Close gives the memory of Buffers and Caches back and restores GOMAXPROCS, and
// the mask of every thread that still has one that this Machine gave: threads
// that were bound, and threads that they cloned. Close the schedulers that run on
// the Machine first.
func (m *Machine) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errors.New("host: closed already")
	}
	m.closed = true
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
	runtime.GOMAXPROCS(m.gomaxprocs)
	return m.restoreMasks()
}

// restoreMasks goes over the process's threads until it finds none to restore:
// one may be cloned while it looks.
func (m *Machine) restoreMasks() error {
	if len(m.bound) == 0 || m.mask.Empty() {
		return nil
	}
	// A cpuset that has shrunk meanwhile may turn what we restore into what we
	// gave: so not for ever.
	again := true
	for pass := 0; again && pass < 100; pass++ {
		again = false
		tids, err := numa.Threads()
		if err != nil {
			return fmt.Errorf("host: masks not restored: %w", err)
		}
		for _, tid := range tids {
			mask, err := numa.Affinity(tid)
			if err != nil || mask.Equal(m.mask) || !slices.ContainsFunc(m.bound, mask.Equal) {
				continue // ended meanwhile, or not ours
			}
			if err := numa.SetAffinity(tid, m.mask); err == nil {
				again = true
			}
		}
	}
	return nil
}

// Topology implements [sched.Machine].
func (m *Machine) Topology() *topology.Topology { return m.topo }

// Pretended reports whether the nodes are not the host's own.
func (m *Machine) Pretended() bool { return m.pretended }

// Nanotime implements [sched.Machine]: nanoseconds since New.
func (m *Machine) Nanotime(*sched.M) int64 { return int64(time.Since(m.start)) }

// Newosproc implements [sched.Machine].
func (m *Machine) Newosproc(nm, _ *sched.M) {
	nm.Local = new(int64) // Works done, see Work
	go func() {
		for nm.Step() {
		}
	}()
}

// Futexsleep implements [sched.Machine].
func (m *Machine) Futexsleep(_ *sched.M, w *sched.Word32, val uint32, ns int64) {
	numa.FutexWait(w.Addr(), val, ns)
}

// Futexwakeup implements [sched.Machine].
func (m *Machine) Futexwakeup(_ *sched.M, w *sched.Word32, n int) {
	numa.FutexWake(w.Addr(), n)
}

// procyieldLoads is how many loads take about 400 ns: as long as Go's 30 PAUSE
// instructions, which Go code cannot issue.
const procyieldLoads = 800

// Procyield implements [sched.Machine].
func (m *Machine) Procyield(*sched.M) {
	for range procyieldLoads {
		m.spin.Load()
	}
}

// Osyield implements [sched.Machine].
func (m *Machine) Osyield(*sched.M) { osyield() }

// Bind implements [sched.Machine].
func (m *Machine) Bind(_ *sched.M, cpus topology.CPUSet) error {
	if m.pretended {
		return nil
	}
	m.mu.Lock()
	if !slices.ContainsFunc(m.bound, cpus.Equal) {
		m.bound = append(m.bound, cpus) // before the thread has it, so that Close cannot miss it
	}
	m.mu.Unlock()
	return numa.SetAffinity(0, cpus)
}

// Getcpu implements [sched.Machine].
func (m *Machine) Getcpu(*sched.M) int {
	if m.pretended {
		return -1
	}
	cpu, _ := numa.CurrentCPU()
	return cpu
}

// Memory implements [sched.Machine]: a host's memory is real.
func (m *Machine) Memory() sched.Memory { return nil }
