// Package threadlock tells whether a goroutine is locked to its thread.
//
// A goroutine is locked by [runtime.LockOSThread], and while C code that it called
// calls back into Go. The runtime does not say so to anybody, but ends the process
// when a coroutine is entered or left under another lock than it was made with. So
// the scheduler has to know before it leaves a stack.
//
// The runtime notes the lock in a field of its record of the goroutine: it is the
// thread's record while the goroutine is locked, and 0 otherwise. Where that field
// lies differs between releases of Go, so the package finds it by watching its own
// goroutine being locked and unlocked. Where the field cannot be found, and on
// architectures without an assembly file here, no goroutine is ever reported as
// locked.
package threadlock

import (
	"runtime"
	"sync"
	"unsafe"
)

// A Watch tells whether one goroutine is locked. The zero Watch never says so.
type Watch struct {
	lockedm *uintptr // the field; the runtime never frees records of goroutines
}

// Mine returns a Watch of the calling goroutine. It may be used by that goroutine
// only. The first call takes some microseconds, others a few nanoseconds.
func Mine() Watch {
	if offset := lockedmOffset(); offset >= 0 {
		return Watch{(*uintptr)(unsafe.Add(getg(), offset))}
	}
	return Watch{}
}

// Known reports whether a Watch can tell. Where it cannot, Locked is always false.
func Known() bool { return lockedmOffset() >= 0 }

// Locked reports whether the goroutine is locked to its thread. It costs a load.
func (w Watch) Locked() bool { return w.lockedm != nil && *w.lockedm != 0 }

// Unlock undoes every [runtime.LockOSThread] of the goroutine and returns how many
// there were. What C holds while it calls back stays.
func (w Watch) Unlock() (n int) {
	for ; w.Locked() && n < maxLocks; n++ {
		runtime.UnlockOSThread()
	}
	return n
}

// maxLocks ends Unlock where C holds the goroutine locked whatever Unlock does.
const maxLocks = 1 << 10

// recordWords is how many words of the record are searched. The record has never
// been smaller: the runtime's own TestSizeof has 440 bytes in Go 1.21, and more
// since.
const recordWords = 52

// lockedmOffset returns where in the record the field lies, or -1.
var lockedmOffset = sync.OnceValue(func() int {
	if !haveGetg {
		return -1
	}
	found := -1
	for range 3 {
		offset := make(chan int)
		go func() { offset <- watchLock() }()
		o := <-offset
		if o < 0 || found >= 0 && o != found {
			return -1
		}
		found = o
	}
	return found
})

// watchLock locks its own goroutine, which nobody else has locked, and returns the
// offset of the one word of the record that is 0 before and after, and meanwhile
// the same as another word, which is the thread that the goroutine runs on. It
// returns -1 if there is no such word or more than one.
func watchLock() int {
	record := (*[recordWords]uintptr)(getg())
	before := *record
	runtime.LockOSThread()
	locked := *record
	runtime.UnlockOSThread()
	after := *record
	found := -1
	for i := range record {
		if before[i] != 0 || locked[i] == 0 || after[i] != 0 {
			continue
		}
		for k := range record {
			if k != i && locked[k] == locked[i] {
				if found >= 0 {
					return -1
				}
				found = i * int(unsafe.Sizeof(before[0]))
				break
			}
		}
	}
	return found
}
