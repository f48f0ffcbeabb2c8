package sched

// A list is a doubly linked list, last come first. Its links lie in what it lists, so
// that putting on and taking off allocate nothing.
//
// Invariant: an elem is on one list at most. An elem that is on none has no links. The
// lock that protects the list protects the elems on it.
type list[T any] struct{ head *elem[T] }

// An elem is a field of a T that can be on a list.
type elem[T any] struct {
	next, back *elem[T]
	of         *T // which T it is a field of; set once
}

// first returns what was put on l last, or nil if l is empty.
func (l *list[T]) first() *T {
	if l.head == nil {
		return nil
	}
	return l.head.of
}

// put puts e on l. It is on no list.
func (l *list[T]) put(e *elem[T]) {
	e.next = l.head
	if e.next != nil {
		e.next.back = e
	}
	l.head = e
}

// take takes e off l. It is on l.
func (l *list[T]) take(e *elem[T]) {
	if e.back != nil {
		e.back.next = e.next
	} else {
		l.head = e.next
	}
	if e.next != nil {
		e.next.back = e.back
	}
	e.next, e.back = nil, nil
}

// len counts what is on l.
func (l *list[T]) len() (n int) {
	for range l.all {
		n++
	}
	return n
}

// all is an iterator over what is on l. Nothing may be put on or taken off meanwhile.
func (l *list[T]) all(yield func(*T) bool) {
	for e := l.head; e != nil && yield(e.of); e = e.next {
	}
}
