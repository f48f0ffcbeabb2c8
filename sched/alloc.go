package sched

import (
	"fmt"
	"reflect"
	"sync"
	"unsafe"

	"numasched/sched/internal/machine"
)

// Alloc returns size bytes of any content, on the node that g runs on, from the
// cache of its P. The memory is outside Go's heap and must hold no pointers into
// it; the collector does not free it, Free does. The error says that there is no
// memory.
//
// In arms without caches per node the memory lies wherever it was first touched,
// by whoever used it before.
func (g *G) Alloc(size int) (unsafe.Pointer, error) {
	c, err := g.allocator().cache()
	if err != nil {
		return nil, err
	}
	return c.Alloc(size)
}

// Free gives back what Alloc returned, no matter which G called Alloc. It goes home to its
// node. It may be deferred: Close runs what a blocked G has deferred.
func (g *G) Free(p unsafe.Pointer) {
	a := g.allocator()
	if p == nil {
		panic("sched: Free of nil: want what Alloc returned")
	}
	c, err := a.cache()
	if err != nil {
		panic("sched: Free before any Alloc: " + err.Error())
	}
	c.Free(p)
}

// Alloc returns a zero T outside Go's heap, on the node that g runs on, see [G.Alloc]. It
// panics if T holds pointers: the garbage collector does not see them there. Free it.
func Alloc[T any](g *G) (*T, error) {
	t := reflect.TypeFor[T]()
	if !pointerFree(t) {
		panic(fmt.Sprintf("sched: Alloc of %v: want a type without pointers: the garbage collector does not see the memory of Alloc", t))
	}
	p, err := g.Alloc(int(t.Size()))
	if err != nil {
		return nil, err
	}
	v := (*T)(p)
	var zero T
	*v = zero
	return v, nil
}

// Free gives back what Alloc returned.
func Free[T any](g *G, v *T) { g.Free(unsafe.Pointer(v)) }

// pointerFree reports whether values of type t hold no pointers. To look into a struct
// takes longer than to allocate it, so the answer is kept.
func pointerFree(t reflect.Type) bool {
	if k := t.Kind(); k <= reflect.Complex128 {
		return true
	}
	free, ok := pointerFreeTypes.Load(t)
	if !ok {
		free = !hasPointers(t)
		pointerFreeTypes.Store(t, free)
	}
	return free.(bool)
}

var pointerFreeTypes sync.Map // bool by reflect.Type

// allocator returns the M whose cache g uses. A cancelled G may allocate and free, but
// not the function of a system call, whose M has no P.
func (g *G) allocator() *M {
	if g.barred != 0 && g.barred != cancelled {
		g.refuse()
	}
	return g.m
}

// cache returns the cache of m's P, which it makes when first needed. An M without a P
// unwinds a cancelled G, and has a cache of its own for that.
func (m *M) cache() (machine.Cache, error) {
	cache, p := &m.ownCache, m.p
	if p != nil {
		cache = &p.cache
	} else if p = m.oldp; p == nil {
		p = m.ps()[0] // m stands for Close
	}
	if *cache == nil {
		node := -1
		if m.s.arm.Cache {
			node = p.domain.id
		}
		c, err := m.s.machine.NewCache(node)
		if err != nil {
			return nil, err
		}
		*cache = c
	}
	return *cache, nil
}

// flushCaches gives back what all caches hold. No M is left to use them.
func (s *Sched) flushCaches() {
	flush := func(c *machine.Cache) {
		if *c != nil {
			(*c).Flush()
			*c = nil
		}
	}
	for _, p := range s.layout.v.Load().made {
		flush(&p.cache)
	}
	for _, m := range append(s.allm, s.m0) {
		flush(&m.ownCache)
	}
}
