package host

import (
	"runtime"
	"syscall"
	"time"

	"numasched/numa"
)

const (
	// How long the watcher waits between two looks for somebody who wants to start
	// a process: watchMin after a process was started, then twice as long after
	// each look in vain, but at most watchMax. Whoever starts a process waits as
	// long. A look costs 10 to 60 µs of a CPU, most of them for the timer.
	watchMin = 200 * time.Microsecond
	watchMax = 10 * time.Millisecond

	cloneSweep = 100 // looks in vain between two searches for clones
)

// watch sees to it that no process inherits the mask of a bound thread. Go starts
// processes with syscall.ForkLock locked. The watcher holds a read lock of it, which
// was taken for it. Whoever starts a process therefore waits until the watcher has
// restored all masks and has let go. When the watcher gets the read lock again, no
// process is being started, and what was bound is bound again.
//
// Now and then it also restores the masks of clones, and looks whether somebody else
// has changed masks.
func (b *masks) watch(quit, done chan struct{}) {
	defer close(done)
	defer syscall.ForkLock.RUnlock()
	wait := watchMin
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for looks := 0; ; looks++ {
		select {
		case <-quit:
			return
		case <-timer.C:
		}
		if syscall.ForkLock.TryRLock() { // fails if somebody waits for the lock
			syscall.ForkLock.RUnlock()
			wait = min(2*wait, watchMax)
			if looks%cloneSweep == 0 {
				b.mu.Lock()
				b.yield()
				b.freeClones()
				b.mu.Unlock()
			}
		} else {
			b.startProcesses()
			wait = watchMin
		}
		timer.Reset(wait)
	}
}

// startProcesses has all threads have the masks that they had before they were
// bound, while those processes start that wait for it.
func (b *masks) startProcesses() {
	b.mu.Lock()
	b.starting = true
	b.yield()
	for tid, t := range b.threads {
		b.lend(tid, t)
	}
	b.freeClones()
	b.mu.Unlock()

	syscall.ForkLock.RUnlock()
	syscall.ForkLock.RLock() // those that wait come first

	b.mu.Lock()
	b.starting = false
	for tid, t := range b.threads {
		b.takeBack(tid, t)
	}
	b.mu.Unlock()
}

// Unbound calls f on a thread that has the mask that it had before a Machine bound
// it. What f makes inherits that mask: processes that C code forks, or the program
// that [syscall.Exec] turns the process into. Processes that package os/exec or
// [syscall.ForkExec] start do not need it.
//
// The goroutine is locked to its thread while f runs. So f must not call anything
// of package sched that may block its G.
func Unbound(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b := &processMasks
	tid := numa.CurrentThread()
	b.mu.Lock()
	t := b.threads[tid]
	if t != nil {
		b.lend(tid, t)
	} else if len(b.machines) > 0 {
		b.freeClones() // this thread may be one
	}
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if t != nil && b.threads[tid] == t {
			b.takeBack(tid, t)
		}
	}()
	f()
}
