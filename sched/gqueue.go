package sched

// A gQueue is a first-in-first-out queue of Gs in an array that grows. Gs are not
// linked to each other, so that hundreds go in and out without being touched: each
// touch would be a cache miss under the queue's lock. A Node's lock protects its queue.
//
// Positions count up from 0 for ever; position i is at buf[i%len(buf)]. A G
// taken out of the middle leaves nil behind.
type gQueue struct {
	buf        []*G   // its length is a power of two, or 0
	head, tail uint64 // positions in use are head to tail-1
	n          int    // Gs, that is positions in use that are not nil
}

// push adds gp at the end and returns its position.
func (q *gQueue) push(gp *G) uint64 {
	if int(q.tail-q.head) == len(q.buf) {
		q.grow()
	}
	pos := q.tail
	*q.at(pos) = gp
	q.tail++
	q.n++
	return pos
}

func (q *gQueue) at(pos uint64) **G { return &q.buf[pos&uint64(len(q.buf)-1)] }

func (q *gQueue) grow() {
	old := *q
	q.buf = make([]*G, max(64, 2*len(old.buf)))
	for pos := old.head; pos != old.tail; pos++ {
		*q.at(pos) = *old.at(pos)
	}
}

// pop takes the G at the front, or returns nil.
func (q *gQueue) pop() *G {
	for q.head != q.tail {
		slot := q.at(q.head)
		gp := *slot
		*slot = nil
		q.head++
		if gp != nil {
			q.n--
			return gp
		}
	}
	return nil
}

// last returns the position of the G at the end, and false if there is none.
func (q *gQueue) last() (pos uint64, ok bool) {
	for q.head != q.tail && *q.at(q.tail - 1) == nil {
		q.tail--
	}
	return q.tail - 1, q.head != q.tail
}

// remove takes out the G at a position.
func (q *gQueue) remove(pos uint64) {
	*q.at(pos) = nil
	q.n--
}

// fairInQueue counts the Gs at the front of q, up to max, that nobody spares.
func (m *M) fairInQueue(q *gQueue, max uint32) (n uint32) {
	s := m.sparing()
	for pos := q.head; pos != q.tail && n < max; pos++ {
		if gp := *q.at(pos); gp != nil {
			if s.spares(gp) {
				break
			}
			n++
		}
	}
	return n
}
