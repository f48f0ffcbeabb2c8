package topology

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Host reads the machine that the program runs on: its /sys and /proc, and the
// affinity mask of the calling thread. A system without Linux's /sys is one node
// with all CPUs, and Missing says so.
func Host() (*Topology, error) {
	// One thread for the mask and for /proc/thread-self.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fsys, done, err := openDirFS("/")
	if err != nil {
		return nil, err
	}
	defer done()
	s := newSource(fsys)
	affinity, err := affinityMask()
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

// affinityMask returns the CPUs that the calling thread may run on. The kernel
// refuses a buffer that is shorter than its own masks, whose size it does not
// tell, so the buffer grows until it fits (package unix stops at 1024 CPUs).
func affinityMask() (CPUSet, error) {
	for words := 16; ; words *= 2 {
		mask := make([]uint64, words)
		n, _, errno := unix.RawSyscall(unix.SYS_SCHED_GETAFFINITY, 0, uintptr(words*8), uintptr(unsafe.Pointer(&mask[0])))
		switch {
		case errno == unix.EINVAL && words*64 < maxCPUs:
			continue
		case errno != 0:
			return CPUSet{}, errno
		}
		return affinityOf(mask, int(n)), nil
	}
}

// affinityOf reads n bytes of a kernel's mask: an array of the machine's long,
// so that on a 32-bit big-endian machine its halves are the other way round.
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
