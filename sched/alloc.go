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
	c, err := g.m.cache()
	if err != nil {
		return nil, err
	}
	return c.Alloc(size)
}

// Free gives back what Alloc returned, whichever G that was. It goes home to its
// node. It may be deferred: Close runs what a blocked G has deferred.
func (g *G) Free(p unsafe.Pointer) {
	c, err := g.m.cache()
	if err != nil {
		panic("sched: Free before any Alloc: " + err.Error())
	}
	c.Free(p)
}

// cache returns the cache of m's P, which it makes when first needed.
func (m *M) cache() (Cache, error) {
	p := m.p
	if p == nil {
		p = m.s.ps[0] // in a deferred function that Close runs: no M is left to use the P
	}
	if p.cache == nil {
		node := -1
		if m.s.arm.Cache {
			node = p.domain.id
		}
		c, err := m.s.machine.NewCache(node)
		if err != nil {
			return nil, err
		}
		p.cache = c
	}
	return p.cache, nil
}

// flushCaches gives back what the Ps' caches hold. No M is left to use them.
func (s *Sched) flushCaches() {
	for _, p := range s.ps {
		if p.cache != nil {
			p.cache.Flush()
			p.cache = nil
		}
	}
}
