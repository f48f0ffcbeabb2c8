package sched

import (
	"sync/atomic"
	"unsafe"

	"numasched/sched/internal/machine"
)

// A word32 is an atomic 32-bit word that Ms share. It knows its cache line:
// on a real machine an operation is the sync/atomic operation and one branch
// that is never taken; on a simulated one the access is charged first, and
// other Ms may run before it happens.
//
// Operations are sequentially consistent, as sync/atomic's are.
type word32 struct {
	v    uint32
	line machine.Line
}

// futex returns w as the machine knows it.
func (w *word32) futex() machine.Word { return machine.Word{Addr: &w.v, Line: w.line} }

// Peek returns the value without an access.
func (w *word32) Peek() uint32 { return atomic.LoadUint32(&w.v) }

func (w *word32) load(m *M) uint32 {
	if m.memory != nil {
		m.access(w.line, machine.Load)
	}
	return atomic.LoadUint32(&w.v)
}

func (w *word32) store(m *M, v uint32) {
	if m.memory != nil {
		m.access(w.line, machine.Store)
	}
	atomic.StoreUint32(&w.v, v)
}

func (w *word32) swap(m *M, v uint32) uint32 {
	if m.memory != nil {
		m.access(w.line, machine.RMW)
	}
	return atomic.SwapUint32(&w.v, v)
}

func (w *word32) cas(m *M, old, new uint32) bool {
	if m.memory != nil {
		m.access(w.line, machine.RMW)
	}
	return atomic.CompareAndSwapUint32(&w.v, old, new)
}

func (w *word32) add(m *M, d int32) int32 {
	if m.memory != nil {
		m.access(w.line, machine.RMW)
	}
	return int32(atomic.AddUint32(&w.v, uint32(d)))
}

// A word64 is like word32, with 64 bits.
type word64 struct {
	v    uint64
	line machine.Line
}

// Peek returns the value without an access.
func (w *word64) Peek() uint64 { return atomic.LoadUint64(&w.v) }

func (w *word64) load(m *M) uint64 {
	if m.memory != nil {
		m.access(w.line, machine.Load)
	}
	return atomic.LoadUint64(&w.v)
}

func (w *word64) store(m *M, v uint64) {
	if m.memory != nil {
		m.access(w.line, machine.Store)
	}
	atomic.StoreUint64(&w.v, v)
}

func (w *word64) cas(m *M, old, new uint64) bool {
	if m.memory != nil {
		m.access(w.line, machine.RMW)
	}
	return atomic.CompareAndSwapUint64(&w.v, old, new)
}

// A wordG is like word32, and holds a *G.
type wordG struct {
	v    unsafe.Pointer // *G
	line machine.Line
}

// Peek returns the value without an access.
func (w *wordG) Peek() *G { return (*G)(atomic.LoadPointer(&w.v)) }

func (w *wordG) load(m *M) *G {
	if m.memory != nil {
		m.access(w.line, machine.Load)
	}
	return (*G)(atomic.LoadPointer(&w.v))
}

func (w *wordG) swap(m *M, g *G) *G {
	if m.memory != nil {
		m.access(w.line, machine.RMW)
	}
	return (*G)(atomic.SwapPointer(&w.v, unsafe.Pointer(g)))
}

func (w *wordG) cas(m *M, old, new *G) bool {
	if m.memory != nil {
		m.access(w.line, machine.RMW)
	}
	return atomic.CompareAndSwapPointer(&w.v, unsafe.Pointer(old), unsafe.Pointer(new))
}

// access is out of line so that the operations above are inlined.
//
//go:noinline
func (m *M) access(line machine.Line, kind machine.Access) {
	if line != 0 {
		m.memory.Access(&m.M, line, kind)
	}
}

// scan makes the loads of a hunt.
func (m *M) scan(h *hunt) {
	if m.memory != nil {
		m.memory.Scan(&m.M, h)
		return
	}
	for more := true; more; {
		_, more = h.Next()
	}
}

// spin makes the loads and the Works of a G that spins.
func (m *M) spin(sp *spin) { m.memory.Spin(&m.M, sp.ops, sp.kernel, sp) }

// spend charges scheduler work that touches no shared word.
func (m *M) spend(c machine.Cost) {
	if m.memory != nil {
		m.memory.Spend(&m.M, c)
	}
}
