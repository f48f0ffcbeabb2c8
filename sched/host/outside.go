package host

import (
	"fmt"
	"slices"
	"time"

	"numasched/numa"
	"numasched/topology"
)

// What others do to masks: taskset and cpusets from outside, and sched_setaffinity of the
// program itself. A mask is taken to be another's only if no Machine gave it, if the cpuset
// does not explain it, and if it lasts.

// hasOwnMask reports whether a thread that is not bound has another mask than the process, and
// not because the cpuset is narrower for now.
func (b *masks) hasOwnMask(tid int) bool {
	return b.settled(func() bool {
		mask, err := numa.Affinity(tid)
		return err == nil && b.byOthers(mask)
	})
}

// mine reports whether mask, which t has now, is the one that a Machine has set. The
// kernel may have taken away CPUs that went offline or left the cpuset.
func (b *masks) mine(t *boundThread, mask topology.CPUSet) bool {
	if mask.Equal(t.shown) {
		return true
	}
	set := b.given[t.mark]
	if t.lent > 0 {
		set = t.former
	}
	if !mask.Equal(left(set)) {
		return false
	}
	t.shown = mask
	return true
}

// altered reports whether somebody else has changed the mask of t.
func (b *masks) altered(tid int, t *boundThread) bool {
	return b.settled(func() bool {
		mask, err := numa.Affinity(tid)
		return err == nil && !b.mine(t, mask)
	})
}

// left returns what the kernel leaves of a mask: the CPUs that are online and allowed by
// the cpuset, or all of those if mask has none of them.
func left(mask topology.CPUSet) topology.CPUSet {
	allowed, err := numa.AllowedCPUs()
	if err != nil {
		return mask
	}
	return leftOf(mask, allowed)
}

// leftOf returns what the kernel leaves of a mask if allowed is online and in the cpuset.
func leftOf(mask, allowed topology.CPUSet) topology.CPUSet {
	if l := mask.And(allowed); !l.Empty() {
		return l
	}
	return allowed
}

// yield finds out whether somebody else has given one mask to the whole process, as
// "taskset -a" does: then all threads that are not bound have the same mask, and it is
// not the mask of the process. If so, that mask is the process's from now on, which threads
// are bound within, and yield returns true. It releases all bound threads: their Ms bind them
// again when they next look, if their nodes still have CPUs.
func (b *masks) yield() bool {
	now := b.common()
	if !b.byOthers(now) || !b.settled(func() bool {
		again := b.common()
		return (again.Empty() || again.Equal(now)) && b.byOthers(now)
	}) {
		return false
	}
	why := fmt.Errorf("host: somebody else (taskset?) has let all threads run on CPUs %s", now)
	b.all = now
	for tid, t := range b.threads {
		t.former, t.shown = now, now // what they gave is no change to wait for
		mask, err := numa.Affinity(tid)
		if err == nil && !mask.Equal(now) {
			restore(tid, now)
		}
		b.release(tid)
	}
	for _, m := range b.machines {
		m.warn("threads are bound within what is left, and not at all where that is nothing", why)
	}
	return true
}

// settles is how long a mask that no Machine gave must last until somebody else is taken to
// have given it. The kernel first notes that a cpuset allows other CPUs, and then changes masks,
// one by one. In between, threads have masks that go with the cpuset of before.
const settles = 100 * time.Millisecond

// settled reports whether odd stays true for long enough. While the cpuset moves that cannot be
// told: whoever moves it may be without a CPU for longer.
func (b *masks) settled(odd func() bool) bool {
	for end := time.Now().Add(settles); odd() && !b.cpusetMoves(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return true
		}
	}
	return false
}

// moves is how long after a change of the cpuset all masks must have followed it.
const moves = time.Second

// cpusetMoves reports whether the cpuset has changed so lately that masks may not have followed.
func (b *masks) cpusetMoves() bool {
	if allowed, err := numa.AllowedCPUs(); err == nil && !allowed.Equal(b.allowed) {
		b.allowed, b.moved = allowed, time.Now()
	}
	return time.Since(b.moved) < moves
}

// byOthers reports whether the mask of threads that are not bound is neither that of the
// process nor what the cpuset leaves of that.
func (b *masks) byOthers(mask topology.CPUSet) bool {
	return !mask.Empty() && !mask.Equal(b.all) && !mask.Equal(left(b.all))
}

// common returns the mask that all threads have that are not bound, or none if they differ.
func (b *masks) common() (now topology.CPUSet) {
	tids, _ := numa.Threads()
	for _, tid := range tids {
		if b.threads[tid] != nil {
			continue
		}
		mask, err := numa.Affinity(tid)
		switch {
		case err != nil: // it has ended
		case now.Empty():
			now = mask
		case !mask.Equal(now):
			return topology.CPUSet{}
		}
	}
	return now
}

// isLeft reports whether mask is one of sets, or what the kernel leaves of one.
func isLeft(mask topology.CPUSet, sets ...topology.CPUSet) bool {
	if slices.ContainsFunc(sets, mask.Equal) {
		return true
	}
	allowed, err := numa.AllowedCPUs()
	return err == nil && slices.ContainsFunc(sets, func(set topology.CPUSet) bool { return mask.Equal(leftOf(set, allowed)) })
}
