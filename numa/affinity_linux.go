package numa

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"numasched/topology"

	"golang.org/x/sys/unix"
)

// The calls below use RawSyscall. They do not block, and after a Syscall the
// goroutine may be on another thread, so that "the calling thread" would be the
// wrong one.

// SetAffinity lets the thread tid of this process run on the given CPUs only.
// tid 0 is the calling thread; a goroutine that is not locked to its thread
// may be on another one at its next call.
//
// The kernel silently leaves out CPUs that are offline, that do not exist or that
// the cpuset of the process excludes. So the mask in force may be narrower than the
// one given; [Affinity] returns it. When the call returns, the thread is on a CPU of
// the mask. The call takes 1 µs if the thread need not move, and about 40 µs if it
// must.
//
// Errors: EINVAL if the kernel may not use any CPU of the set (empty, offline,
// outside the cpuset); ESRCH if the thread has ended; EPERM if the thread
// belongs to another user and there is no CAP_SYS_NICE, or if a container's
// seccomp filter refuses the call.
func SetAffinity(tid int, cpus topology.CPUSet) error {
	words := cpus.Words()
	if len(words) == 0 {
		words = []uint64{0}
	}
	errno := setAffinity(tid, words)
	if errno == 0 {
		return nil
	}
	e := &CallError{Call: fmt.Sprintf("sched_setaffinity(tid %d, CPUs %q)", tid, cpus), Errno: errno}
	switch errno {
	case syscall.EINVAL:
		e.Why = "none of these CPUs is online and allowed by the cpuset of this process"
		if cpus.Empty() {
			e.Why = "the set is empty: a thread needs at least one CPU"
		} else if a, err := AllowedCPUs(); err == nil {
			e.Why += fmt.Sprintf(", which allows %s", a)
		}
	case syscall.ESRCH:
		e.Why = "there is no such thread: it has ended, or is in another PID namespace"
	case syscall.EPERM:
		e.Why = "the thread is another user's and CAP_SYS_NICE is missing, or the container's seccomp filter refuses the call: " +
			"run with --cap-add SYS_NICE or a profile that allows sched_setaffinity"
	case syscall.ENOSYS:
		e.Why = "the kernel or its sandbox does not have this call"
	}
	return e
}

// AllowedCPUs returns the CPUs that are online and that the cpuset of this process
// allows, whatever the masks of its threads are. A mask can be widened to that and
// no further, so AllowedCPUs widens the mask of a thread of its own, which then ends.
// It leaves the masks of other threads alone. The call takes about 0.1 ms.
//
// Errors: as [Affinity].
func AllowedCPUs() (allowed topology.CPUSet, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked, so the thread ends; but the main thread does not
		if unix.Gettid() == unix.Getpid() {
			defer runtime.UnlockOSThread()
			allowed, err = AllowedCPUs()
			return
		}
		before, e := Affinity(0)
		if err = e; err != nil {
			return
		}
		setAffinity(0, topology.CPURange(0, maxMaskBytes*8).Words())
		allowed, err = Affinity(0)
		// Who lists masks may still see the thread. A mask that only the cpuset narrowed must
		// not become the thread's own.
		if !before.Equal(allowed) {
			setAffinity(0, before.Words())
		}
	}()
	<-done
	return allowed, err
}

func setAffinity(tid int, words []uint64) syscall.Errno {
	_, _, errno := syscall.RawSyscall(unix.SYS_SCHED_SETAFFINITY,
		uintptr(tid), uintptr(len(words)*8), uintptr(unsafe.Pointer(&words[0])))
	return errno
}

// Affinity returns the CPUs that the thread tid may run on; tid 0 is the
// calling thread. There may be any number of CPUs. The call takes 0.3 µs and one
// allocation.
//
// Errors: ESRCH if the thread has ended.
func Affinity(tid int) (topology.CPUSet, error) {
	for words := make([]uint64, 16); ; words = make([]uint64, 4*len(words)) {
		n, _, errno := syscall.RawSyscall(unix.SYS_SCHED_GETAFFINITY,
			uintptr(tid), uintptr(len(words)*8), uintptr(unsafe.Pointer(&words[0])))
		if errno == 0 {
			return topology.CPUSetOfWords(words[:(n+7)/8]), nil
		}
		// EINVAL: the kernel's own mask is longer than ours.
		if errno == syscall.EINVAL && len(words)*8 < maxMaskBytes {
			continue
		}
		e := &CallError{Call: fmt.Sprintf("sched_getaffinity(tid %d)", tid), Errno: errno}
		switch errno {
		case syscall.ESRCH:
			e.Why = "there is no such thread: it has ended, or is in another PID namespace"
		case syscall.EPERM, syscall.ENOSYS:
			e.Why = "the container's seccomp filter or sandbox refuses the call"
		}
		return topology.CPUSet{}, e
	}
}

// CurrentThread returns the ID of the calling thread. A goroutine that is not
// locked to its thread may be on another one when CurrentThread returns.
func CurrentThread() int { return unix.Gettid() }

// maxMaskBytes ends the search for the kernel's mask size. No kernel is built for
// half a million CPUs: NR_CPUS is at most 8192 on amd64 and 16384 elsewhere.
const maxMaskBytes = 64 << 10

// Threads returns the thread IDs of this process, from /proc/self/task, in
// ascending order. Threads that are made meanwhile may be missing; to reach all of
// them, ask again until nothing new appears. The call takes 10 µs and 1 µs for each
// thread.
func Threads() ([]int, error) {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil, fmt.Errorf("numa: cannot list the threads of this process: %w (is /proc mounted?)", err)
	}
	tids := make([]int, 0, len(entries))
	for _, e := range entries {
		tid, err := strconv.Atoi(e.Name())
		if err != nil {
			return nil, fmt.Errorf("numa: /proc/self/task: %q is not a thread ID", e.Name())
		}
		tids = append(tids, tid)
	}
	return tids, nil
}
