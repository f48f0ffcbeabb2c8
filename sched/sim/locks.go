package sim

// Locks in the kernel that threads of one program share. Who takes one while another
// holds it waits. Holding it costs what it takes to bring its lines from the core that
// had it last: one with the lock itself and one with what it protects. The rest of what
// the kernel does is in the preset's costs, which were measured without contention.

// A kernelLock is one such lock.
type kernelLock struct {
	busy   Time  // until when it is held
	wanted Time  // until when its last holder goes on taking it
	core   int32 // of that holder, plus 1
}

// take has t take the lock a number of times in the next span of time. If another core
// goes on taking it, too, its lines go to and fro each time; else they come once.
func (k *Machine) take(l *kernelLock, t *thread, times int64, span Time) {
	if last := l.core - 1; last >= 0 && last != t.core {
		if max(l.busy, l.wanted) <= t.clock {
			times = 1
		}
		t.clock = max(t.clock, l.busy) + Time(2*times)*k.lines.distance(t.core, last, -1)
	}
	l.core, l.busy, l.wanted = t.core+1, t.clock, t.clock+span
}

// lockMapping has t take the lock of a buffer's mapping for each page fault of its chunk.
// If they are of several buffers, it is the lock of one of them. Since Linux 6.4 each
// mapping has a lock of its own; before, the address space had one. Faults read-lock it,
// which moves its line all the same.
func (k *Machine) lockMapping(t *thread) {
	if n := t.span.faults; n > 0 {
		k.take(t.span.mapping, t, n, t.span.fault)
	}
}

// lockBucket has t take the lock of the futex hash bucket that a word is in. It is held to
// queue a thread and to take one off. No two words share a bucket here.
func (k *Machine) lockBucket(t *thread, w *uint32) {
	l := k.buckets[w]
	if l == nil {
		l = new(kernelLock)
		k.buckets[w] = l
	}
	k.take(l, t, 1, 0)
}
