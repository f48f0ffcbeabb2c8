package sched

// A ring is the run queue of one P. Its owner is the M that holds the P. The owner
// pushes at the tail. It takes at the head to be fair (get), and at the tail to take
// back a child that it has just spawned (pop). Thieves take at the head (grab).
//
// Invariant: one word says which slots are in use,
//
//	seq:28 | len:9 | head:27
//
// and every change of the ring is one compare-and-swap of that word. So all changes
// are totally ordered, and whoever succeeds owns exactly the Gs that its change
// removed. Chase and Lev's deque cannot do this: it orders the owner's pop against a
// thief only when one element is left, so a thief may take only one at a time.
//
// A thief reads slots before its compare-and-swap. A slot in use is never written, so
// what the thief read is right if the word has not changed. The word could change and
// come back (ABA) in two ways. One is a pop followed by a push, but pop increments seq.
// The other is a head that wraps around, after 2^27 takings from the head. To be
// fooled, a thief would have to stall between its load and its compare-and-swap while
// the owner does an exact multiple of 2^28 pops or of 2^27 gets, which takes seconds.
type ring struct {
	state Word64
	slots [ringSize]slot
	lines Line // first of the lines of slots, which thieves pay for
}

const (
	headBits = 27
	lenBits  = 9
	headMask = 1<<headBits - 1
	lenOne   = 1 << headBits
	lenMask  = 1<<lenBits - 1
	seqOne   = 1 << (headBits + lenBits)

	slotsPerLine = 64 / 8
	ringLines    = (ringSize + slotsPerLine - 1) / slotsPerLine
)

func ringLen(state uint64) uint32  { return uint32(state>>headBits) & lenMask }
func ringHead(state uint64) uint32 { return uint32(state & headMask) }

// afterGet returns state with n Gs fewer at the head.
func afterGet(state uint64, n uint32) uint64 {
	head := (state + uint64(n)) & headMask
	return state&^headMask - uint64(n)*lenOne | head
}

// len returns the number of Gs in the ring.
func (r *ring) len(m *M) uint32 { return ringLen(r.state.load(m)) }

// push adds gp at the tail. It returns false if the ring is full.
// Only the owner may call it.
func (r *ring) push(m *M, gp *G) bool {
	for {
		s := r.state.load(m)
		n := ringLen(s)
		if n == ringSize {
			return false
		}
		r.slots[(ringHead(s)+n)%ringSize].store(gp)
		if r.state.cas(m, s, s+lenOne) {
			return true
		}
	}
}

// pop takes the G at the tail, or returns nil. Only the owner may call it.
func (r *ring) pop(m *M) *G {
	for {
		s := r.state.load(m)
		n := ringLen(s)
		if n == 0 {
			return nil
		}
		gp := r.slots[(ringHead(s)+n-1)%ringSize].load()
		if r.state.cas(m, s, s-lenOne+seqOne) {
			return gp
		}
	}
}

// get takes the G at the head, or returns nil. Only the owner may call it.
func (r *ring) get(m *M) *G {
	for {
		s := r.state.load(m)
		if ringLen(s) == 0 {
			return nil
		}
		gp := r.slots[ringHead(s)%ringSize].load()
		if r.state.cas(m, s, afterGet(s, 1)) {
			return gp
		}
	}
}

// shed moves half of a full ring, oldest first, to q, and reports whether it has:
// not if thieves were faster and the ring is no longer full.
// Only the owner may call it.
func (r *ring) shed(m *M, q *gQueue) bool {
	s := r.state.load(m)
	if ringLen(s) != ringSize || !r.state.cas(m, s, afterGet(s, ringSize/2)) {
		return false
	}
	// The slots are the owner's to reuse, so they cannot change under it.
	for i := range uint32(ringSize / 2) {
		q.push(r.slots[(ringHead(s)+i)%ringSize].load())
	}
	return true
}

// fill moves n Gs from the front of q, which has them, to the tail of the ring,
// which has room for them. Only the owner may call it.
func (r *ring) fill(m *M, q *gQueue, n int) {
	if n == 0 {
		return
	}
	s := r.state.load(m)
	for i := range uint32(n) {
		r.slots[(ringHead(s)+ringLen(s)+i)%ringSize].store(q.pop())
	}
	for !r.state.cas(m, s, s+uint64(n)*lenOne) {
		s = r.state.load(m) // thieves took some; the tail is where it was
	}
}

// grab moves at most limit(oldest, n) Gs from the head of r, which holds n, to
// the tail of dst, which must be empty and belong to m's P, and returns how
// many. limit sees the Gs in r by index, oldest first.
func (r *ring) grab(m *M, dst *ring, limit func(r *ring, head, n uint32) uint32) uint32 {
	for {
		s := r.state.load(m)
		n := ringLen(s)
		if n != 0 {
			n = limit(r, ringHead(s), n)
		}
		if n == 0 {
			return 0
		}
		d := dst.state.load(m)
		for i := range n {
			if m.memory != nil && (i == 0 || (ringHead(s)+i)%slotsPerLine == 0) {
				m.access(r.lines+Line((ringHead(s)+i)%ringSize/slotsPerLine), Load)
			}
			dst.slots[(ringHead(d)+i)%ringSize].store(r.slots[(ringHead(s)+i)%ringSize].load())
		}
		if !r.state.cas(m, s, afterGet(s, n)) {
			continue
		}
		dst.state.cas(m, d, d+uint64(n)*lenOne) // succeeds: nobody takes from an empty ring
		return n
	}
}
