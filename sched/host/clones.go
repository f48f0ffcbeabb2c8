package host

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"numasched/numa"
	"numasched/topology"
)

// A clone is a thread that was made on a bound thread. It inherits the name as well as
// the mask, and bound threads are named after their masks. So a thread that is not in
// threads is a clone if it has both a mask and the name that goes with it. A thread
// that the program has pinned to the same CPUs does not have the name. The main thread
// is not renamed, because its name is the name of the process. While the main thread
// is bound, younger threads with its mask count as its clones.

// name names a thread after the mask that it is about to get. The name comes first, so
// that no clone has the mask without the name.
func (b *masks) name(m *Machine, tid int, t *boundThread, cpus topology.CPUSet) {
	mark := slices.IndexFunc(b.given, cpus.Equal)
	if mark < 0 {
		mark = len(b.given)
		b.given = append(b.given, cpus)
	}
	switch {
	case tid == os.Getpid():
		if t.mark >= 0 && t.mark != mark {
			b.freeClones() // later it cannot be told which are clones
		}
		if b.elders == nil {
			b.elders = make(map[int]bool)
			tids, _ := numa.Threads()
			for _, tid := range tids {
				b.elders[tid] = true
			}
		}
	case t.mark != mark:
		err := setThreadName(tid, markName(mark))
		if err != nil {
			m.warn("threads that are made on bound threads keep their masks: bound threads cannot be named", err)
		}
		t.named = err == nil
	}
	t.mark = mark
}

// isClone reports whether a thread that is not in threads has inherited its mask from a
// bound thread.
func (b *masks) isClone(tid int, mask topology.CPUSet) bool {
	if mask.Equal(b.all) {
		return false
	}
	if strings.HasPrefix(threadName(tid), markPrefix) {
		// The name need not be that of the mask: a thread that gets another mask gets the
		// name first, and may be cloned in between.
		return isLeft(mask, b.given...)
	}
	main := b.threads[os.Getpid()]
	// The main thread may have lent its mask: clones that it made before have it still.
	return main != nil && !b.elders[tid] && isLeft(mask, b.given[main.mark])
}

// freeClones gives clones the mask and the name of the process. It looks at all threads
// until none of them is a clone, because a clone may be made while it looks.
func (b *masks) freeClones() error {
	// A mask that the cpuset narrows may look afterwards as it did before. And threads may be
	// made without an end, so the number of passes is bounded.
	freed := make(map[int]topology.CPUSet)
	again := true
	for pass := 0; again && pass < 100; pass++ {
		again = false
		tids, err := numa.Threads()
		if err != nil {
			return fmt.Errorf("host: masks are not restored: %w", err)
		}
		for _, tid := range tids {
			if b.threads[tid] != nil {
				continue
			}
			mask, err := numa.Affinity(tid)
			if was, ok := freed[tid]; err != nil || ok && was.Equal(mask) || !b.isClone(tid, mask) {
				continue
			}
			restore(tid, b.all)
			b.unname(tid)
			freed[tid], _ = numa.Affinity(tid)
			again = true
		}
	}
	return nil
}

// unname gives a thread that has inherited its name the name of the process. It returns
// false if the thread has not.
func (b *masks) unname(tid int) bool {
	return strings.HasPrefix(threadName(tid), markPrefix) && setThreadName(tid, b.process) == nil
}
