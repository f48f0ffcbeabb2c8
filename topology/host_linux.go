package topology

import (
	"fmt"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Host reads the machine that the program runs on: its /sys and /proc, and the
// affinity masks of its threads. Allowed is what any thread of the process may run
// on: taskset, Slurm and cpusets narrow every thread, but a program or a scheduler
// that binds threads narrows single ones, and a goroutine does not know which
// thread it is on. A system without Linux's /sys is one node with all CPUs, and
// Missing says so.
func Host() (*Topology, error) {
	fsys, done, err := openDirFS("/")
	if err != nil {
		return nil, err
	}
	defer done()
	s := newSource(fsys)
	affinity, err := processMask()
	if err != nil {
		s.note(Unreadable, "", "sched_getaffinity: %v: assumed no limit", err)
	}
	t, err := read(s, affinity)
	if err != nil {
		return nil, fmt.Errorf("this machine: %w", err)
	}
	t.Origin, t.host = "host", true
	return t, nil
}

// processMask returns the CPUs that any thread of the process may run on, or, where
// /proc does not list the threads, the calling thread.
func processMask() (all CPUSet, err error) {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return affinityMask(0)
	}
	for _, task := range tasks {
		tid, err := strconv.Atoi(task.Name())
		if err != nil {
			continue
		}
		mask, err := affinityMask(tid)
		switch {
		case err == nil:
			all = all.Or(mask)
		case err != unix.ESRCH: // which says that the thread has ended
			return CPUSet{}, err
		}
	}
	return all, nil
}

// affinityMask returns the CPUs that a thread may run on; 0 is the calling thread. The
// kernel refuses a buffer that is shorter than its own masks, and does not tell their
// size. So the buffer grows until it fits (package unix stops at 1024 CPUs).
func affinityMask(tid int) (CPUSet, error) {
	for words := 16; ; words *= 2 {
		mask := make([]uint64, words)
		n, _, errno := unix.RawSyscall(unix.SYS_SCHED_GETAFFINITY, uintptr(tid), uintptr(words*8), uintptr(unsafe.Pointer(&mask[0])))
		switch {
		case errno == unix.EINVAL && words*64 < maxCPUs:
			continue
		case errno != 0:
			return CPUSet{}, errno
		}
		return affinityOf(mask, int(n)), nil
	}
}

// affinityOf reads n bytes of a kernel's mask, which is an array of longs. On a 32-bit
// big-endian machine the two longs of a uint64 are the other way round.
func affinityOf(mask []uint64, n int) CPUSet {
	const long = int(unsafe.Sizeof(uintptr(0)))
	var set CPUSet
	base := unsafe.Pointer(&mask[0])
	for i := 0; i < n/long; i++ {
		word := *(*uintptr)(unsafe.Add(base, i*long))
		for b := 0; b < long*8; b++ {
			if word&(1<<b) != 0 && i*long*8+b < maxCPUs {
				set.add(i*long*8 + b)
			}
		}
	}
	return set
}
