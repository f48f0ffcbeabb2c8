package sched

import "numasched/sched/internal/machine"

// Whoever makes several Gs ready makes a list of them. If it holds no P (sysmon, the
// poller, callers from outside) it hands the list over: Go's injectglist.

// A gList is a list of Gs that are in no queue, linked through G.next.
type gList struct {
	first, last *G
	n           int
}

func (l *gList) push(gp *G) {
	gp.next = nil
	if l.last == nil {
		l.first = gp
	} else {
		l.last.next = gp
	}
	l.last = gp
	l.n++
}

func (l *gList) pop() *G {
	gp := l.first
	if gp != nil {
		l.first = gp.next
		if gp.next = nil; l.first == nil {
			l.last = nil
		}
		l.n--
	}
	return gp
}

// readyList makes the Gs of list ready, in order, and empties it. m holds a P.
func (m *M) readyList(list *gList) {
	for gp := list.pop(); gp != nil; gp = list.pop() {
		m.ready(gp)
	}
}

// injectglist makes the Gs of list, which were parked, runnable, and empties it. Each
// goes to the queue of its home node. As many Ms are woken there as Gs came and as Ps
// are idle. If more came than the node has idle Ps, one M elsewhere is woken to search.
// m need not hold a P.
func (m *M) injectglist(list *gList) {
	for gp := list.first; gp != nil; gp = gp.next {
		m.eventG(machine.EventReady, gp, 1)
	}
	for list.n > 0 {
		// Those of one node go in one turn: the first, and all that belong where it does.
		var others gList
		n, came := m.injectNode(list.first), 0
		n.lock.lock(m)
		for gp := list.pop(); gp != nil; gp = list.pop() {
			if m.injectNode(gp) != n {
				others.push(gp)
				continue
			}
			m.queuePutLocked(n, gp)
			came++
		}
		n.lock.unlock(m)
		m.startIdle(n, came)
		*list = others
	}
}

// injectNode returns the Node to whose queue gp goes.
func (m *M) injectNode(gp *G) *Node {
	if home := m.placeOf(gp.home.Load(), nil); home != nil {
		return home
	}
	if gp.rest != nil && gp.rest.p != nil {
		return m.inUse(gp.rest.p.node)
	}
	return m.ps()[0].node
}

// startIdle wakes Ms for n's idle Ps because came Gs have been queued there. If there are
// fewer idle Ps, it lets the nearest idle P elsewhere search.
func (m *M) startIdle(n *Node, came int) {
	for ; came > 0 && n.nidle.load(m) != 0; came-- {
		n.lock.lock(m)
		p, mp := m.takeFirstIdle(n)
		n.lock.unlock(m)
		if p == nil {
			break
		}
		m.startm(p, mp, false)
	}
	if came > 0 {
		m.wakep(n)
	}
}

// fromOutside calls f in the name of callers from outside, with an M that has no P: a
// goroutine that is no G may make Gs ready this way. It returns false, and does not call
// f, if the scheduler is closed.
func (s *Sched) fromOutside(f func(m *M)) bool {
	s.outer.Lock()
	defer s.outer.Unlock()
	if s.closed {
		return false
	}
	f(s.m0)
	return true
}
