//go:build linux && (amd64 || arm64)

package runtime

import (
	"internal/runtime/syscall/linux"
	"unsafe"
)

// Threads. A thread sets its own affinity only, never that of a thread id that was saved:
// the id may be another thread's by now. The threads of sysmon and of the template are
// never bound. sysmon's mask is the process's own, for those who ask. If that changes while
// the program runs, somebody has used taskset or a cpuset: then no thread is bound any more.
//
// A thread that a goroutine was locked to stays unbound for a while. To bind it may move it to
// another CPU, which takes the kernel longer than all else in a short time with a locked thread.

const (
	numaRefusals = 100         // so often the kernel may refuse before we stop asking
	numaLoose    = 1000 * 1000 // ns for which a thread that was locked stays unbound at least
)

//go:nosplit
func numaSetaffinity(mask *numaMask) bool {
	_, _, e := linux.Syscall6(numaSysSetaffinity, 0, numa.masklen, uintptr(unsafe.Pointer(mask)), 0, 0, 0)
	return e == 0
}

// numaBind binds the calling thread to a node, from 1, unless it belongs to the user or to C.
func numaBind(mp *m, node int32) {
	if mp.lockedg != 0 || mp.lockedExt != 0 || mp.isextra || mp.numa.foreign {
		return
	}
	if numa.bind && mp.numa.freed {
		now := nanotime()
		if mp.numa.loose == 0 {
			mp.numa.loose = now
		}
		if now-mp.numa.loose < numaLoose {
			return
		}
	}
	if tid := numa.maskTid.Load(); numa.bind && tid != 0 && !numaMaskIs(uintptr(tid), &numa.all) {
		numa.bind = false
	}
	if numa.bind {
		if mp.numa.freed {
			// A goroutine was locked to it. If that gave it a mask, the mask stays.
			mp.numa.freed = false
			if !numaMaskIs(0, &numa.all) {
				mp.numa.foreign = true
				return
			}
		}
		if !numaSetaffinity(&numa.nodes[node-1].mask) && numa.refused.Add(1) > numaRefusals {
			numa.bind = false
		}
	}
	mp.numa.node = node
	mp.p.ptr().numa.count[numaBinds]++
}

// numaMaskIs reports whether a thread has a mask. It asks: that it may do for other threads.
func numaMaskIs(tid uintptr, want *numaMask) bool {
	var mask numaMask
	return sched_getaffinity(tid, unsafe.Sizeof(mask), &mask[0]) > 0 && mask == *want
}

// numaWatchMask is called by sysmon, whose thread is never bound.
func numaWatchMask(now int64) {
	if numa.bind && now-numaWatched > numaWatchEvery {
		numaWatched = now
		if !numaMaskIs(0, &numa.all) {
			numa.bind = false
		}
	}
}

var numaWatched int64 // when

const numaWatchEvery = 100 * 1000 * 1000 // ns

// numaUnbind gives the calling thread to the user, with the process's own mask.
//
//go:nosplit
func numaUnbind() {
	if !numa.on {
		return
	}
	mp := getg().m
	mp.numa.freed, mp.numa.loose = true, 0
	if mp.numa.node != 0 {
		mp.numa.node = 0
		if numa.bind {
			numaSetaffinity(&numa.all)
		}
	}
}

// numaMstart runs on a new thread, which has the mask of its maker. One with a P is bound
// by its first execute. One without must be free.
func numaMstart() {
	mp := getg().m
	if !numa.on || mp == &m0 || mp.nextp != 0 || mp.isextra {
		return
	}
	if numa.bind {
		numaSetaffinity(&numa.all)
	}
	numa.maskTid.CompareAndSwap(0, uint32(mp.procid)) // sysmon is the first
}

// numaMaskThread is the thread whose mask is the process's own.
func numaMaskThread() uintptr { return uintptr(numa.maskTid.Load()) }

// numaBeforeExec runs before this process becomes another program, which has the mask and
// the memory policy of the calling thread. The goroutine stays on that thread until then: a
// preemption would have it go on on a bound one.
func numaBeforeExec() {
	if numa.on || numa.confined {
		lockOSThread() // which unbinds it
		getg().m.numa.execs = true
	}
	if numa.confined {
		numaUnconfine()
	}
}

// numaAfterExec runs if that has failed.
func numaAfterExec() {
	if numa.confined {
		numaConfineThread()
	}
	if mp := getg().m; mp.numa.execs {
		mp.numa.execs = false
		unlockOSThread()
	}
}

// numaForkChild runs in a new process, on a copy of the thread that made it. The memory
// may be the parent's.
//
//go:nosplit
//go:nowritebarrierrec
func numaForkChild() {
	if numa.bind && getg().m.numa.node != 0 {
		numaSetaffinity(&numa.all)
	}
	if numa.confined {
		numaUnconfine()
	}
}
