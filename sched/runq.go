package sched

import (
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
)

// A ring is the run queue of one P. Its owner is the M that holds the P. The owner
// pushes at the tail. It takes at the head to be fair (get), and at the tail to take
// back a child that it has just spawned (pop). Thieves take at the head (grab).
//
// The oldest Gs are public, and thieves see them. The newest may be private: only the
// owner knows of them, in plain memory, so that to fork a child and take it back costs
// no atomic read-modify-write.
//
//	head            head+len         tail
//	  | public ...    | private ...    | free ...    |
//
// Invariant of the public part: one word says which slots it has,
//
//	seq:28 | len:9 | head:27
//
// and every change of it is one compare-and-swap of that word. So all changes
// are totally ordered, and whoever succeeds owns exactly the Gs that its change
// removed. Chase and Lev's deque cannot do this: it orders the owner's pop against a
// thief only when one element is left, so a thief may take only one at a time.
//
// A thief reads slots before its compare-and-swap. A public slot is never written, so
// what the thief read is right if the word has not changed. The word could change and
// come back (ABA) in two ways. One is a pop followed by a push, but pop increments seq.
// The other is a head that wraps around, after 2^27 takings from the head. To be
// fooled, a thief would have to stall between its load and its compare-and-swap while
// the owner does an exact multiple of 2^28 pops or of 2^27 gets, which takes seconds.
//
// After the newest G may stand free ones. They are children that were taken back and called:
// the next fork finds its G where it has to be. So a fork whose child nobody else sees is a
// few stores into that child and one into tail, and its join one into tail.
//
// Invariants of the free part:
//   - A G that stands there is in no magazine, and public, private and free Gs together are
//     at most ringSize. So a fork that finds one there has room for it.
//   - Only forks in the short way use it (G.short). Whatever else puts Gs at the tail has it
//     given up first (giveUpFresh), and whatever takes the newest G to be a G of its own
//     takes it out of there (keep).
//
// Invariants of the private part:
//   - It holds forked children and members of Groups that have not started. Their
//     parent is the G that runs, or one that has that G run inline.
//   - It is not empty only while that G runs. When the G parks, ends, enters a system
//     call or begins a long Work everything becomes public (share). So whoever looks at a
//     P whose M is in the scheduling loop, or at one without an M, sees all.
//   - After each fork and each child taken back it is empty if a P is idle, and else no
//     larger than the public part (offer). So the oldest child can always be stolen, and
//     with it at least half of all.
//
// What a thief may miss is therefore this: after the last time that the running G has
// forked, joined, parked, entered a system call, begun a long Work or called
// [G.Preempt], a P has become idle. Then it misses at most half of that G's children, the
// younger ones, until the G next does one of these. Dinan et al. (SC 2009) have split queues, Acar et al. (PPoPP 2013) private ones.
type ring struct {
	// Of the owner. Thieves must not have this line taken from it. A position p stands for slot
	// p modulo ringSize.
	tail   uint32 // where the next G goes
	shared uint32 // end of the public Gs and start of the private ones
	fresh  uint32 // end of the free Gs, which start at tail
	_      [64 - 12]byte

	state word64
	_     [64 - 16]byte
	slots [ringSize]slot
	lines machine.Line // first of the lines of slots, which thieves pay for
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

// len returns the number of public Gs in the ring.
func (r *ring) len(m *M) uint32 { return ringLen(r.state.load(m)) }

// private returns the number of private Gs. Only the owner may call it, and what follows.
func (r *ring) private() uint32 { return r.tail - r.shared }

// full reports whether there is no room for another G, if public Gs are public.
func (r *ring) full(public uint32) bool { return public+r.private() == ringSize }

// push adds gp at the tail, private. It returns false if the ring is full.
func (r *ring) push(m *M, gp *G) bool {
	if r.full(ringLen(r.state.load(m))) {
		return false
	}
	r.pushPrivate(m, gp)
	return true
}

// pushPrivate is push if there is room.
func (r *ring) pushPrivate(m *M, gp *G) {
	if r.fresh != r.tail {
		m.giveUpFresh(r)
	}
	r.slots[r.tail%ringSize].store(gp)
	r.tail++
	r.fresh = r.tail
}

// publish makes the n oldest of the private Gs public.
func (r *ring) publish(m *M, n uint32) {
	r.shared += n
	for {
		// Thieves may take some meanwhile; the end of the public part is where it was.
		s := r.state.load(m)
		if r.state.cas(m, s, s+uint64(n)*lenOne) {
			return
		}
	}
}

// newest returns the private G at the tail, or nil if none is private.
func (r *ring) newest() *G {
	if r.tail == r.shared {
		return nil
	}
	return r.slots[(r.tail-1)%ringSize].load()
}

// hasFresh reports whether a free G stands at the tail. Then there is room for it.
func (r *ring) hasFresh() bool { return r.fresh != r.tail }

// drop takes out what newest has returned. Its slot is one of a free G from then on; see keep.
func (r *ring) drop() { r.tail-- }

// keep is called when what drop or recall has taken out is not free: no slot is for it.
func (r *ring) keep() {
	r.fresh--
	r.slots[r.tail%ringSize].store(r.slots[r.fresh%ringSize].load())
}

// pop takes the public G at the tail, or returns nil. None may be private.
func (r *ring) pop(m *M) *G {
	gp := r.recall(m)
	if gp != nil {
		r.keep()
	}
	return gp
}

// recall is pop, but the slot is one of a free G from then on, as after drop.
func (r *ring) recall(m *M) *G {
	for {
		s := r.state.load(m)
		if ringLen(s) == 0 {
			return nil
		}
		gp := r.slots[(r.tail-1)%ringSize].load()
		if r.state.cas(m, s, s-lenOne+seqOne) {
			r.tail--
			r.shared--
			return gp
		}
	}
}

// get takes the G at the head, or returns nil. None may be private.
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
// not if thieves were faster and the ring is no longer full. None may be private.
func (r *ring) shed(m *M, q *gQueue) bool {
	s := r.state.load(m)
	if ringLen(s) != ringSize || !r.state.cas(m, s, afterGet(s, policy.HalfRing(ringSize))) {
		return false
	}
	// The slots are the owner's to reuse, so they cannot change under it.
	for i := range policy.HalfRing(ringSize) {
		q.push(r.slots[(ringHead(s)+i)%ringSize].load())
	}
	return true
}

// fill moves n Gs from the front of q, which has them, to the tail of the ring,
// which has room for them. They are public, and none may be private before.
func (r *ring) fill(m *M, q *gQueue, n int) {
	if n == 0 {
		return
	}
	for range n {
		r.pushPrivate(m, q.pop())
	}
	r.publish(m, uint32(n))
}

// grab moves at most limit(oldest, n) Gs from the head of r, which has n in public, to
// the tail of dst, which must be empty and belong to m's P, and returns how
// many. limit sees the Gs in r by index, oldest first. s is r.state, which m has just
// loaded.
func (r *ring) grab(m *M, dst *ring, s uint64, limit func(r *ring, head, n uint32) uint32) uint32 {
	if dst.fresh != dst.tail {
		m.giveUpFresh(dst)
	}
	for ; ; s = r.state.load(m) {
		n := ringLen(s)
		if n != 0 {
			n = limit(r, ringHead(s), n)
		}
		if n == 0 {
			return 0
		}
		for i := range n {
			if m.memory != nil && (i == 0 || (ringHead(s)+i)%slotsPerLine == 0) {
				m.access(r.lines+machine.Line((ringHead(s)+i)%ringSize/slotsPerLine), machine.Load)
			}
			dst.slots[(dst.tail+i)%ringSize].store(r.slots[(ringHead(s)+i)%ringSize].load())
		}
		if !r.state.cas(m, s, afterGet(s, n)) {
			continue
		}
		dst.tail += n
		dst.fresh = dst.tail
		dst.publish(m, n)
		return n
	}
}
