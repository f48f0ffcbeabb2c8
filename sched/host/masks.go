package host

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"numasched/numa"
	"numasched/sched/internal/machine"
	"numasched/topology"
)

// masks is a record of what the Machines of this process have changed, thread by
// thread. It is needed because a mask belongs to the thread and not to the goroutine
// that the thread runs. A thread that an M has bound can go on with another goroutine,
// and threads and processes that are made on a bound thread inherit its mask.
//
// Invariants, under mu:
//
//   - threads holds every thread whose mask a Machine has changed and not yet
//     restored, with the mask that it had before.
//   - An M has at most one of them: an M that binds another thread releases the
//     one before.
//   - A mask that is not the one that a Machine gave has been changed by somebody
//     else, and stays as it is, unless all masks were changed alike. Then threads are bound
//     within that.
//   - While a process is being started, every thread has the mask that it had
//     before; see watch.
//
// A clone is a thread that was made on a bound thread. It inherits the name as well as
// the mask, and bound threads are named after their masks. So a thread that is not in
// threads is a clone if it has both a mask and the name that goes with it. A thread
// that the program has pinned to the same CPUs does not have the name. The main thread
// is not renamed, because its name is the name of the process. While the main thread
// is bound, younger threads with its mask count as its clones.
type masks struct {
	life sync.Mutex // held while Machines come and go; taken before mu

	mu       sync.Mutex // taken before Machine.mu
	machines []*Machine // those that bind threads
	threads  map[int]*boundThread
	starting bool // a process is being started

	all     topology.CPUSet   // CPUs that the process may run on, as far as the cpuset lets it; see open
	allowed topology.CPUSet   // what the cpuset allows, as last seen
	moved   time.Time         // when allowed was last seen to change
	refused topology.CPUSet   // what was left of all when a thread could not be bound; see look
	given   []topology.CPUSet // every mask that was given; names of threads hold the index
	process string            // name of the process
	elders  map[int]bool      // threads that were there when the main thread was bound; nil until then

	heeds  map[*heed]bool // who wants to hear of changes
	unheed chan struct{}  // ends the lookout

	quit, done chan struct{} // of watch
}

// A boundThread is a thread whose mask a Machine has changed.
type boundThread struct {
	machine *Machine
	m       *machine.M
	former  topology.CPUSet // mask before
	name    string          // name before
	mark    int             // index in masks.given of the mask that it was given
	named   bool            // it has the name that goes with mark
	lent    int             // if not 0, it has its former mask for a while; see lend
	shown   topology.CPUSet // its mask as the kernel showed it after a Machine's last change
	odd     time.Time       // when a mask was first seen that no Machine gave
}

// oddFor is how long a bound thread may have a mask that no Machine gave until that counts as
// meant for this thread alone.
const oddFor = 500 * time.Millisecond

// processMasks is the record of this process.
var processMasks masks

// bind gives the calling thread, which runs sm, the mask cpus, as far as taskset has left it
// to the process: what that did from outside must last. Once somebody else has changed the
// mask of a single bound thread, bind changes nothing and returns an error that says so.
func (b *masks) bind(m *Machine, sm *machine.M, cpus topology.CPUSet) error {
	b.mu.Lock()
	opened := slices.Contains(b.machines, m)
	b.mu.Unlock()
	if !opened {
		// On a machine of one node there is nothing to narrow, and nothing to watch.
		if mask, err := numa.Affinity(0); err == nil && mask.Equal(cpus) {
			return nil
		}
		if err := b.open(m); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.machines, m) {
		return errClosed
	}
	if m.foreign != nil {
		return m.foreign
	}
	wanted := cpus
	if cpus = cpus.And(b.all); cpus.Empty() { // it was narrowed after New
		b.release(localOf(sm).bound())
		b.refused = b.all
		return fmt.Errorf("host: a thread was to run on CPUs %s, and the process may run on CPUs %s alone", wanted, left(b.all))
	}
	if b.starting {
		return nil // the M checks its binding again soon
	}
	// What follows makes system calls and may wait. Go's runtime might go on with another
	// thread, and then bind the wrong one.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	tid := numa.CurrentThread()
	mask, err := numa.Affinity(tid)
	if err != nil {
		return err
	}
	t := b.threads[tid]
	if t != nil && b.mine(t, mask) {
		t.odd = time.Time{}
	} else if t != nil {
		if !t.named || threadName(tid) == markName(t.mark) {
			if b.yield() {
				return nil // the M checks its binding again soon
			}
			if t.odd.IsZero() {
				t.odd = time.Now()
			}
			if time.Since(t.odd) < oddFor {
				return nil // a taskset may be under way
			}
			b.release(tid)
			return m.giveUp(fmt.Errorf("host: somebody else (taskset?) has let thread %d run on CPUs %s", tid, mask))
		}
		b.disown(t)
		t = nil // that thread has ended, and this one has its number
	}
	if t == nil {
		if !mask.Equal(b.all) && b.yield() {
			return nil
		}
		t = &boundThread{former: mask, name: threadName(tid), mark: -1}
		if b.isClone(tid, mask) || !b.hasOwnMask(tid) {
			t.former = b.all
		}
		if strings.HasPrefix(t.name, markPrefix) {
			t.name = b.process
		}
	}
	if t.lent > 0 {
		return nil // sm is in Unbound
	}
	if old := localOf(sm).bound(); old != tid {
		b.release(old)
	}
	b.name(m, tid, t, cpus)
	b.disown(t)
	t.machine, b.threads[tid] = m, t
	b.own(sm, t, tid)
	if err = numa.SetAffinity(tid, cpus); err != nil {
		b.refused = left(b.all)
		b.release(tid)
		return err
	}
	t.shown, _ = numa.Affinity(tid)
	return nil
}

// hasOwnMask reports whether a thread that is not bound has another mask than the process, and
// not because the cpuset is narrower for now.
func (b *masks) hasOwnMask(tid int) bool {
	return b.settled(func() bool {
		mask, err := numa.Affinity(tid)
		return err == nil && b.byOthers(mask)
	})
}

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

// giveUp has m bind no more threads, because somebody else has changed masks. Threads
// that are bound stay so until Close. processMasks.mu is held.
func (m *Machine) giveUp(why error) error {
	if m.foreign == nil {
		m.foreign = why
		m.warn("threads are not bound any more", why)
	}
	return m.foreign
}

// open prepares the process for a Machine that binds its first thread.
func (b *masks) open(m *Machine) error {
	b.life.Lock()
	defer b.life.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case slices.Contains(b.machines, m):
		return nil // another M was faster
	case m.masksDone:
		return errClosed
	}
	if len(b.machines) == 0 {
		b.given, b.elders = nil, nil
		b.threads = make(map[int]*boundThread)
		b.process = threadName(os.Getpid())
		b.moved = time.Time{}
		var err error
		narrowed := b.settled(func() bool {
			b.all = topology.CPUSet{}
			var tids []int
			if tids, err = numa.Threads(); err != nil {
				return false
			}
			for _, tid := range tids {
				if mask, err := numa.Affinity(tid); err == nil {
					b.all = b.all.Or(mask)
				}
			}
			b.allowed, err = numa.AllowedCPUs()
			return err == nil && !b.all.Equal(b.allowed)
		})
		if err != nil {
			return err
		}
		// What only the cpuset keeps from the process it gets back when that is widened. So
		// threads must not be restored to what is left now.
		if !narrowed {
			b.all = b.all.Or(possibleCPUs())
		}
		b.refused = topology.CPUSet{}
		b.quit, b.done = make(chan struct{}), make(chan struct{})
		syscall.ForkLock.RLock() // for the watcher
		go b.watch(b.quit, b.done)
	}
	b.machines = append(b.machines, m)
	return nil
}

// possibleCPUs returns all CPUs that the computer may ever have, or none if the kernel does not
// tell.
func possibleCPUs() topology.CPUSet {
	text, err := os.ReadFile("/sys/devices/system/cpu/possible")
	if err != nil {
		return topology.CPUSet{}
	}
	cpus, err := topology.ParseCPUList(strings.TrimSpace(string(text)))
	if err != nil {
		return topology.CPUSet{}
	}
	return cpus
}

// unbind releases the thread that sm has bound last. sm has ended or left the thread.
func (b *masks) unbind(sm *machine.M) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l := localOf(sm); l.bound() != 0 {
		b.yield()
		b.release(l.bound())
	}
}

// close restores all masks that m has changed, and those of all clones.
func (b *masks) close(m *Machine) error {
	b.life.Lock()
	defer b.life.Unlock()
	b.mu.Lock()
	m.masksDone = true
	i := slices.Index(b.machines, m)
	if i < 0 {
		b.mu.Unlock()
		return nil
	}
	b.machines = slices.Delete(b.machines, i, i+1)
	b.yield()
	for tid, t := range b.threads {
		if t.machine == m {
			b.release(tid)
		}
	}
	err := b.freeClones()
	last := len(b.machines) == 0
	if last { // threads that were made while a process was started have names without masks
		for again, pass := true, 0; again && pass < 100; pass++ {
			again = false
			tids, _ := numa.Threads()
			for _, tid := range tids {
				again = b.unname(tid) || again // a clone of it may have come after tids
			}
		}
	}
	b.mu.Unlock()
	if last {
		close(b.quit)
		<-b.done
	}
	return err
}

// release restores the mask and the name of a bound thread, and forgets the thread. It does nothing
// if tid is 0, or not that of a bound thread.
func (b *masks) release(tid int) {
	t := b.threads[tid]
	if t == nil {
		return
	}
	if tid == os.Getpid() {
		b.freeClones() // later it cannot be told which are clones
		b.elders = nil
	}
	if _, err := numa.Affinity(tid); err == nil && !b.altered(tid, t) {
		restore(tid, t.former)
	}
	if t.named && threadName(tid) == markName(t.mark) {
		setThreadName(tid, t.name)
	}
	delete(b.threads, tid)
	b.disown(t)
}

// own notes that t, a thread that is bound, is so for sm.
func (b *masks) own(sm *machine.M, t *boundThread, tid int) {
	t.m = sm
	localOf(sm).tid.Store(int64(tid))
}

// disown notes that t is bound for no M.
func (b *masks) disown(t *boundThread) {
	if t.m != nil {
		localOf(t.m).tid.Store(0)
		t.m = nil
	}
}

// restore gives a thread the mask that it had before. If the cpuset has lost all of
// those CPUs, the thread gets all CPUs of the cpuset.
func restore(tid int, mask topology.CPUSet) {
	if errors.Is(numa.SetAffinity(tid, mask), syscall.EINVAL) {
		numa.SetAffinity(tid, left(mask))
	}
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

// isLeft reports whether mask is one of sets, or what the kernel leaves of one.
func isLeft(mask topology.CPUSet, sets ...topology.CPUSet) bool {
	if slices.ContainsFunc(sets, mask.Equal) {
		return true
	}
	allowed, err := numa.AllowedCPUs()
	return err == nil && slices.ContainsFunc(sets, func(set topology.CPUSet) bool { return mask.Equal(leftOf(set, allowed)) })
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

// lend gives a bound thread its former mask until takeBack. Calls nest. A mask that
// somebody else has changed stays as it is.
func (b *masks) lend(tid int, t *boundThread) {
	if t.lent == 0 {
		b.change(tid, t, t.former)
	}
	t.lent++
}

func (b *masks) takeBack(tid int, t *boundThread) {
	if t.lent == 1 {
		b.change(tid, t, b.given[t.mark])
	}
	t.lent--
}

func (b *masks) change(tid int, t *boundThread, to topology.CPUSet) {
	if b.altered(tid, t) {
		return
	}
	if numa.SetAffinity(tid, to) == nil {
		t.shown, _ = numa.Affinity(tid)
	}
}
