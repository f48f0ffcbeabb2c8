package sched

// A gList is a doubly linked list of Gs, linked through G.next and G.prev. A G
// is on at most one. Whoever owns the list owns the links.
type gList struct {
	head, tail *G
	n          int
}

func (l *gList) pushBack(gp *G) {
	gp.prev, gp.next = l.tail, nil
	if l.tail != nil {
		l.tail.next = gp
	} else {
		l.head = gp
	}
	l.tail = gp
	l.n++
}

// append adds all of q, which must not be empty, at the end.
func (l *gList) append(q gList) {
	if l.tail == nil {
		*l = q
		return
	}
	l.tail.next, q.head.prev = q.head, l.tail
	l.tail = q.tail
	l.n += q.n
}

func (l *gList) popFront() *G {
	gp := l.head
	if gp != nil {
		l.remove(gp)
	}
	return gp
}

func (l *gList) remove(gp *G) {
	if gp.prev != nil {
		gp.prev.next = gp.next
	} else {
		l.head = gp.next
	}
	if gp.next != nil {
		gp.next.prev = gp.prev
	} else {
		l.tail = gp.prev
	}
	gp.next, gp.prev = nil, nil
	l.n--
}

// homeless counts the Gs at the front, up to max, that have no home yet.
func (l *gList) homeless(max uint32) (n uint32) {
	for gp := l.head; gp != nil && n < max && gp.home.Load() == noHome; gp = gp.next {
		n++
	}
	return n
}
