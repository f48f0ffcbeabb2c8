package main

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const numPairs = 6

// counts are for whoever watches this program from outside: of what goes on, and of how
// often each pair does.
type counts struct {
	all   atomic.Uint64
	pairs [numPairs]atomic.Uint64
}

var shared = new(counts)

// share puts it into the memory of a file, if there is a name.
func share(file string) {
	if file == "" {
		return
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	page, err := syscall.Mmap(int(f.Fd()), 0, os.Getpagesize(), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	shared = (*counts)(unsafe.Pointer(&page[0]))
}

// A watch notes how long something has not gone on. As a pair that talks can always run,
// a gap of the whole process is time in which there was work and nothing ran.
type watch struct {
	times, last, worst, long atomic.Int64
}

const longGap = 20 * time.Millisecond

var start = time.Now()

func (w *watch) note(now int64) {
	w.times.Add(1)
	gap := now - w.last.Swap(now) // negative where two come at once
	if gap >= int64(longGap) {
		w.long.Add(1)
	}
	for worst := w.worst.Load(); gap > worst && !w.worst.CompareAndSwap(worst, gap); worst = w.worst.Load() {
	}
}

func (w *watch) String() string {
	return fmt.Sprintf("times %d worst %v long %d", w.times.Load(), time.Duration(w.worst.Load()), w.long.Load())
}

// process is for any kind.
var process watch

type kind struct {
	watch
	name string
}

var (
	talk    = kind{name: "talk"}
	spawn   = kind{name: "spawn"}
	sleep   = kind{name: "sleep"} // for up to 0.3 ms, by ten goroutines
	network = kind{name: "network"}
	block   = kind{name: "block"} // for a millisecond
	lock    = kind{name: "lock"}
	stop    = kind{name: "stop"} // after up to 10 ms
	kinds   = []*kind{&talk, &spawn, &sleep, &network, &block, &lock, &stop}
)

// goesOn returns the time.
func (k *kind) goesOn() int64 {
	now := int64(time.Since(start))
	k.note(now)
	process.note(now)
	shared.all.Add(1)
	return now
}
