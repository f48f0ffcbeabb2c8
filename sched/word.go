package sched

import (
	"sync/atomic"
	"unsafe"
)

// A Word32 is an atomic 32-bit word that Ms share. It knows its cache line:
// on a real machine an operation is the sync/atomic operation and one branch
// that is never taken; on a simulated one the access is charged first, and
// other Ms may run before it happens.
//
// Operations are sequentially consistent, as sync/atomic's are.
type Word32 struct {
	v    uint32
	line Line
}

// Addr returns the word's address, for a futex system call.
func (w *Word32) Addr() *uint32 { return &w.v }

// Line returns the cache line that the word lies in.
func (w *Word32) Line() Line { return w.line }

// Peek returns the value without an access: for a Machine that decides
// whether a sleeper may sleep.
func (w *Word32) Peek() uint32 { return atomic.LoadUint32(&w.v) }

func (w *Word32) load(m *M) uint32 {
	if m.memory != nil {
		m.access(w.line, Load)
	}
	return atomic.LoadUint32(&w.v)
}

func (w *Word32) store(m *M, v uint32) {
	if m.memory != nil {
		m.access(w.line, Store)
	}
	atomic.StoreUint32(&w.v, v)
}

func (w *Word32) swap(m *M, v uint32) uint32 {
	if m.memory != nil {
		m.access(w.line, RMW)
	}
	return atomic.SwapUint32(&w.v, v)
}

func (w *Word32) cas(m *M, old, new uint32) bool {
	if m.memory != nil {
		m.access(w.line, RMW)
	}
	return atomic.CompareAndSwapUint32(&w.v, old, new)
}

func (w *Word32) add(m *M, d int32) int32 {
	if m.memory != nil {
		m.access(w.line, RMW)
	}
	return int32(atomic.AddUint32(&w.v, uint32(d)))
}

// A Word64 is like [Word32], with 64 bits.
type Word64 struct {
	v    uint64
	line Line
}

func (w *Word64) load(m *M) uint64 {
	if m.memory != nil {
		m.access(w.line, Load)
	}
	return atomic.LoadUint64(&w.v)
}

func (w *Word64) store(m *M, v uint64) {
	if m.memory != nil {
		m.access(w.line, Store)
	}
	atomic.StoreUint64(&w.v, v)
}

func (w *Word64) cas(m *M, old, new uint64) bool {
	if m.memory != nil {
		m.access(w.line, RMW)
	}
	return atomic.CompareAndSwapUint64(&w.v, old, new)
}

// A wordG is like [Word32], and holds a *G.
type wordG struct {
	v    unsafe.Pointer // *G
	line Line
}

func (w *wordG) load(m *M) *G {
	if m.memory != nil {
		m.access(w.line, Load)
	}
	return (*G)(atomic.LoadPointer(&w.v))
}

func (w *wordG) swap(m *M, g *G) *G {
	if m.memory != nil {
		m.access(w.line, RMW)
	}
	return (*G)(atomic.SwapPointer(&w.v, unsafe.Pointer(g)))
}

func (w *wordG) cas(m *M, old, new *G) bool {
	if m.memory != nil {
		m.access(w.line, RMW)
	}
	return atomic.CompareAndSwapPointer(&w.v, unsafe.Pointer(old), unsafe.Pointer(new))
}

// access is out of line so that the operations above are inlined.
//
//go:noinline
func (m *M) access(line Line, kind Access) {
	if line != 0 {
		m.memory.Access(m, line, kind)
	}
}

// spend charges scheduler work that touches no shared word.
func (m *M) spend(c Cost) {
	if m.memory != nil {
		m.memory.Spend(m, c)
	}
}
