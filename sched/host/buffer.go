package host

import (
	"fmt"
	"slices"
	"unsafe"

	"numasched/numa"
	"numasched/sched"
	"numasched/sched/internal/machine"
	"numasched/topology"
)

// A buffer is the Local of a [sched.Buffer] on a host.
type buffer struct {
	machine *Machine
	arena   *numa.Arena
	mem     []byte
	own     bool // arena belongs to this buffer alone
}

// NewBuffer implements [sched.Machine]. Memory on a node is bound to it. Memory that is
// placed by default is fresh from the kernel, so that its pages lie where they are
// first touched. So is all memory on pretended nodes, and memory that the kernel does
// not bind or the node does not have; then Warnings says so.
func (m *Machine) NewBuffer(bytes int64, where sched.Placement) (*sched.Buffer, error) {
	if bytes <= 0 {
		return nil, fmt.Errorf("host: buffer of %d bytes: want more than 0", bytes)
	}
	m.mu.Lock()
	closed := m.closed
	m.mu.Unlock()
	if closed {
		return nil, errClosed
	}
	b := &buffer{machine: m}
	if id, ok := where.Node(); ok && !m.pretended {
		if arena := m.arena(id); arena != nil {
			mem, err := arena.Alloc(int(bytes))
			if err == nil {
				b.arena, b.mem = arena, mem
			} else {
				m.warn(fmt.Sprintf("a buffer of %d bytes is not bound to node %d", bytes, id), err)
			}
		}
	}
	if b.mem == nil {
		opt := numa.ArenaOptions{Unbound: true}
		if bytes < numa.HugePageBytes {
			// A huge page would hold 2 MB for less, and the kernel takes one from another
			// node when the toucher's own node has none that is whole.
			opt.Pages = numa.BasePages
		}
		arena, err := numa.NewArena(0, opt)
		if err != nil {
			return nil, fmt.Errorf("host: %w", err)
		}
		mem, err := arena.Alloc(int(bytes))
		if err != nil {
			arena.Close()
			return nil, fmt.Errorf("host: buffer of %d bytes: %w", bytes, err)
		}
		b.arena, b.mem, b.own = arena, mem, true
		m.mu.Lock()
		m.own[b] = struct{}{}
		m.mu.Unlock()
	}
	if where.Interleaved() && !m.pretended {
		if err := numa.SetPolicyOf(b.mem, numa.Policy{Mode: numa.Interleave, Nodes: m.memoryNodes()}, 0); err != nil {
			m.warn("memory is not interleaved", err)
		}
	}
	return &sched.Buffer{Bytes: bytes, Base: unsafe.Pointer(unsafe.SliceData(b.mem)), Local: b}, nil
}

// FreeBuffer implements [sched.Machine]. It panics if sb is not a Buffer of this
// Machine or has been freed before.
func (m *Machine) FreeBuffer(sb *sched.Buffer) {
	b, ok := sb.Local.(*buffer)
	if !ok || b.machine != m {
		panic("host: FreeBuffer of a Buffer that this Machine has not made, or that has been freed before")
	}
	if b.own {
		m.mu.Lock()
		delete(m.own, b)
		m.mu.Unlock()
		b.arena.Close()
	} else {
		b.arena.Free(b.mem)
	}
	sb.Base, sb.Local = nil, nil
}

// arena returns the arena of a node. If memory cannot be bound there, it returns nil
// and warns.
func (m *Machine) arena(id int) *numa.Arena {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, known := m.arenas[id]
	if !known {
		var err error
		a, err = numa.NewArena(id, numa.ArenaOptions{})
		if err != nil {
			a = nil
			m.warnLocked(fmt.Sprintf("memory is not bound to node %d", id), err)
		}
		m.arenas[id] = a
		m.giveBackLater()
	}
	return a
}

func (m *Machine) memoryNodes() []int { return m.topo.NodesWith(topology.HasMemory).List() }

// Work asks for the pages of every pageSampling-th Work of an M, because the system
// call takes about as long as a small kernel.
const pageSampling = 16

// Work implements [sched.Machine]: it calls kernel. On a machine with several nodes it
// samples where the pages that kernel has used lie; see PageTouches.
func (m *Machine) Work(sm *machine.M, w *sched.Work, _ int64, kernel func()) int64 {
	kernel()
	if len(m.topo.Nodes) == 1 || m.pretended {
		return 0
	}
	l, ok := sm.Local.(*local) // a count of all Ms would bounce between nodes
	if !ok {
		return 0 // an M that no thread belongs to: see sched.Sched.Do
	}
	if l.works++; l.works%pageSampling == 0 {
		_, node := numa.CurrentCPU()
		m.samplePages(w.Reads, node)
		m.samplePages(w.Writes, node)
	}
	return 0
}

// samplePages counts the first page of each span, as one on node or one elsewhere.
func (m *Machine) samplePages(spans []sched.Span, node int) {
	var page [1]unsafe.Pointer
	var where [1]int32
	for i := range spans {
		page[0] = unsafe.Add(spans[i].Buf.Base, spans[i].Off)
		if err := numa.Locate(page[:], where[:]); err != nil {
			m.warn("pages are not located", err)
			return
		}
		if where[0] == int32(node) {
			m.localPages.Add(1)
		} else if where[0] >= 0 {
			m.remotePages.Add(1)
		}
	}
}

// PageTouches returns how many of the spans that Work sampled began in a page on the
// node of the CPU that used it, and how many began elsewhere, as move_pages and getcpu
// tell. Both are 0 on pretended nodes, and on a machine of one node.
func (m *Machine) PageTouches() (local, remote int64) {
	return m.localPages.Load(), m.remotePages.Load()
}

// Warnings returns, in words for the user, what the Machine was asked for and could not
// do.
func (m *Machine) Warnings() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := append([]string(nil), m.warnings...)
	if m.heap != nil {
		all = append(all, m.heap.Warnings()...)
	}
	return all
}

func (m *Machine) warn(what string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.warnLocked(what, err)
}

// warnLocked adds a warning unless it is there already. m.mu is held.
func (m *Machine) warnLocked(what string, err error) {
	if w := what + ": " + err.Error(); !slices.Contains(m.warnings, w) {
		m.warnings = append(m.warnings, w)
	}
}
