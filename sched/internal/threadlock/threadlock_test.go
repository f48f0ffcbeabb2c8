package threadlock

import (
	"runtime"
	"sync"
	"testing"
)

func TestAWatchFollowsLockAndUnlock(t *testing.T) {
	if !haveGetg {
		t.Skip("no assembly for " + runtime.GOARCH)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			w := Mine()
			for range 100 {
				if w.Locked() {
					t.Error("a goroutine is locked at first")
				}
				runtime.LockOSThread()
				runtime.LockOSThread()
				if !w.Locked() {
					t.Error("not locked after LockOSThread")
				}
				runtime.Gosched()
				runtime.UnlockOSThread()
				if !w.Locked() {
					t.Error("not locked after one of two UnlockOSThread")
				}
				runtime.UnlockOSThread()
				runtime.Gosched()
			}
		})
	}
	all.Wait()
}

func TestUnlockUndoesEveryLock(t *testing.T) {
	if !haveGetg {
		t.Skip("no assembly for " + runtime.GOARCH)
	}
	w := Mine()
	for want := range 5 {
		for range want {
			runtime.LockOSThread()
		}
		if got := w.Unlock(); got != want || w.Locked() {
			t.Errorf("Unlock undid %d of %d locks; locked: %v", got, want, w.Locked())
		}
	}
}

func TestTheZeroWatchSaysNothing(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var w Watch
	if w.Locked() || w.Unlock() != 0 {
		t.Error("the zero Watch says that its goroutine is locked")
	}
}
