package sched

import "unsafe"

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
	c, err := g.allocator().cache()
	if err != nil {
		panic("sched: Free before any Alloc: " + err.Error())
	}
	c.Free(p)
}

// allocator returns the M whose cache g uses. A cancelled G may allocate and free, but
// not the function of a system call, whose M has no P.
func (g *G) allocator() *M {
	if g.barred == busyInSyscall {
		panic(errInSyscall)
	}
	return g.m
}

// cache returns the cache of m's P, which it makes when first needed. An M without a P
// unwinds a cancelled G, and has a cache of its own for that.
func (m *M) cache() (Cache, error) {
	cache, p := &m.ownCache, m.p
	if p != nil {
		cache = &p.cache
	} else if p = m.oldp; p == nil {
		p = m.s.ps[0] // m stands for Close
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
	flush := func(c *Cache) {
		if *c != nil {
			(*c).Flush()
			*c = nil
		}
	}
	for _, p := range s.ps {
		flush(&p.cache)
	}
	for _, m := range append(s.allm, s.m0) {
		flush(&m.ownCache)
	}
}
