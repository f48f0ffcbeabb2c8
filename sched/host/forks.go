package host

import (
	"runtime"
	"syscall"
	"time"

	"numasched/numa"
)

const (
	// The watcher looks at intervals whether somebody wants to start a process, who
	// then waits for the watcher. After a process was started the interval is watchMin.
	// It doubles after each look that finds nobody, up to watchMax. A look takes 10 to
	// 60 µs of CPU time, most of it for the timer.
	watchMin = 200 * time.Microsecond
	watchMax = 10 * time.Millisecond

	cloneSweep = 100 // the watcher searches for clones once in this many looks
)

// watch, the watcher, sees to it that no process inherits the mask of a bound thread.
//
// Go locks syscall.ForkLock while it starts a process. The watcher holds a read lock of
// it, which open has taken. So whoever wants to start a process waits until the watcher
// has given all threads their former masks and has released the read lock. When the
// watcher gets the read lock again, no process is being started, and it binds the
// threads again.
//
// Now and then the watcher also restores the masks of clones, and looks whether somebody
// else has changed masks.
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

// startProcesses gives all threads their former masks and lets those processes start
// that wait for it.
func (b *masks) startProcesses() {
	b.mu.Lock()
	b.starting = true
	b.yield()
	for tid, t := range b.threads {
		b.lend(tid, t)
	}
	b.settle()
	b.freeClones()
	b.mu.Unlock()

	syscall.ForkLock.RUnlock()
	syscall.ForkLock.RLock() // those that wait for the lock get it first

	b.mu.Lock()
	b.starting = false
	for tid, t := range b.threads {
		b.takeBack(tid, t)
	}
	b.mu.Unlock()
}

// Unbound calls f on a thread that has the mask from before a Machine bound it. Use it
// for calls that hand the mask on: C code that forks, and [syscall.Exec]. Package
// os/exec and [syscall.ForkExec] do not need it.
//
// The goroutine is locked to its thread while f runs. So f must not call anything of
// package sched that may block its G.
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
