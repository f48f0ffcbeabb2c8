package sched

// Free Gs: a P keeps up to gfreeMax of its own, without locks; a list per node
// (per machine in arms without caches per node) evens out Ps that make Gs and
// Ps that end them.

const (
	gfreeMax   = 64
	gfreeBatch = 32
)

// A gStack is a singly linked stack of free Gs, linked through G.next.
type gStack struct {
	head *G
	n    int
}

func (l *gStack) push(gp *G) {
	gp.next = l.head
	l.head = gp
	l.n++
}

func (l *gStack) popFree() *G {
	gp := l.head
	if gp != nil {
		l.head = gp.next
		gp.next = nil
		l.n--
	}
	return gp
}

// A gPool is what Ps share of free Gs.
type gPool struct {
	lock mutex
	free gStack
}

// gfget refills the P's free Gs from the pool, or makes one.
func (m *M) gfget() *G {
	p, pool := m.p, m.p.gpool
	pool.lock.lock(m)
	for range gfreeBatch {
		gp := pool.free.popFree()
		if gp == nil {
			break
		}
		p.gfree.push(gp)
	}
	pool.lock.unlock(m)
	if gp := p.gfree.popFree(); gp != nil {
		return gp
	}
	gp := &G{joined: Word32{line: m.s.newLines(1)}}
	gp.home.Store(noHome)
	return gp
}

// gfput frees gp. Nothing may refer to it any more.
func (m *M) gfput(gp *G) {
	gp.fn, gp.task, gp.group, gp.run, gp.c, gp.m, gp.parent, gp.p = nil, nil, nil, nil, nil, nil, nil, nil
	if gp.arg.Data != nil {
		gp.arg.Data = nil
	}
	if gp.home.Load() != noHome {
		gp.home.Store(noHome)
	}
	gp.away = 0
	p := m.p
	p.gfree.push(gp)
	if p.gfree.n >= gfreeMax {
		pool := p.gpool
		pool.lock.lock(m)
		for range gfreeBatch {
			pool.free.push(p.gfree.popFree())
		}
		pool.lock.unlock(m)
	}
}
