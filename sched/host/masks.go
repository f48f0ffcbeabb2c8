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
// clones.go finds the threads that inherit a mask, and outside.go what others have changed.
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
