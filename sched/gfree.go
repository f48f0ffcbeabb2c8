package sched

import (
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// Free Gs are kept in magazines, after Bonwick and Adams (USENIX 2001). A P has two:
// one that it works on, and a spare that is full or empty. It exchanges full ones for
// empty ones with a pool, one per node (one per machine in arms without caches per
// node). So a P that only makes Gs takes the pool's lock once in magazineSize Gs and
// holds it for a few instructions, and so does a P that only ends Gs.

// A magazine is a stack of up to magazineSize free Gs, linked through G.next.
type magazine struct {
	head *G
	n    int
}

func (l *magazine) push(gp *G) {
	gp.next = l.head
	l.head = gp
	l.n++
}

func (l *magazine) pop() *G {
	gp := l.head
	if gp != nil {
		l.head = gp.next
		l.n--
	}
	return gp
}

// A gPool holds full magazines.
type gPool struct {
	lock mutex
	full []magazine
	_    linePad
}

// newG returns a G that has yet to be told what to run.
func (m *M) newG() *G {
	gp := m.newChild()
	if m.plain {
		m.eventG(machine.EventSpawn, gp, 0)
	}
	return gp
}

// newChild is newG for what may be taken back. Where that is done in the short way, events do
// not hear of it before it is public.
func (m *M) newChild() *G {
	m.spend(machine.CostSpawn)
	p := m.p
	p.stats.Spawned++
	gp := p.gfree.pop()
	if gp == nil {
		gp = m.gfget()
	}
	if !m.plain {
		m.eventG(machine.EventSpawn, gp, 0)
	}
	return gp
}

// gfget returns a G when the P's magazine is empty.
func (m *M) gfget() *G {
	p, pool := m.p, m.p.gpool
	if p.gspare.n == 0 {
		pool.lock.lock(m)
		if n := len(pool.full); n > 0 {
			p.gspare = pool.full[n-1]
			pool.full = pool.full[:n-1]
		}
		pool.lock.unlock(m)
	}
	if p.gspare.n > 0 {
		p.gfree, p.gspare = p.gspare, p.gfree
		return p.gfree.pop()
	}
	return m.s.initG(new(G), nil)
}

// initG prepares gp, which is new and may have rest. Under Config.Debug every G is new, see
// gfull, so this is where it is noted who has started it.
func (s *Sched) initG(gp *G, rest *gRest) *G {
	gp.joined.line, gp.barred = s.newLines(1), s.mayAsk
	gp.home.Store(noHome)
	if rest != nil {
		gp.setRest(rest)
	}
	if gp.barred == watched {
		gp.needRest().started = caller()
	}
	return gp
}

// giveUpFresh puts the free Gs of r, the ring of m's P, into the P's magazine.
func (m *M) giveUpFresh(r *ring) {
	for r.fresh != r.tail {
		m.gfput(r.giveUp())
	}
}

// giveUp takes the last free G out of r. It keeps nothing of what it ran.
func (r *ring) giveUp() *G {
	r.fresh--
	gp := r.slots[r.fresh%ringSize].load()
	gp.task, gp.arg.Data = nil, nil // of typed forks, see fork.go
	return gp
}

// gfput frees gp, of which group, or task and parent, and arg.Data have been
// cleared. Nothing may refer to it any more.
func (m *M) gfput(gp *G) {
	gp.c = nil
	if gp.home.Load() != noHome {
		gp.home.Store(noHome)
		if gp.rest != nil {
			gp.rest.trail = policy.Trail{}
		}
	}
	p := m.p
	if p.gfree.n >= magazineSize && !m.gfull(gp) { // more after emptyMagazines
		return
	}
	p.gfree.push(gp)
}

// gfull makes room for gp when the P's magazine is full. It returns false under
// Config.Debug, where no G is used again, and magazines are full from the beginning.
func (m *M) gfull(gp *G) bool {
	if m.s.mayAsk == watched {
		gp.barred = ended
		return false
	}
	p, pool := m.p, m.p.gpool
	if p.gspare.n > 0 {
		pool.lock.lock(m)
		pool.full = append(pool.full, p.gspare)
		pool.lock.unlock(m)
	}
	p.gspare, p.gfree = p.gfree, magazine{}
	return true
}
