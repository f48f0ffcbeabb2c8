package host

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// settle waits until no thread is being made by one that had a mask of a Machine when that
// began. All threads have been lent their former masks, so that none begins any more. A
// thread that is being made is on no list yet, and its maker runs. Go's runtime blocks
// signals meanwhile. So a maker that has taken up a signal has made what it was making.
// SIGURG is what the runtime itself sends to threads that are to look up, and it may come at
// any time.
//
// It returns false if that takes too long: a thread may wait for a CPU for as long as others
// use it.
func (b *masks) settle() bool {
	waits := make(map[int]bool)
	for tid := range b.threads {
		if runs(tid) && unix.Tgkill(os.Getpid(), tid, unix.SIGURG) == nil {
			waits[tid] = true
		}
	}
	for end := time.Now().Add(settleMax); len(waits) > 0 && time.Now().Before(end); {
		for tid := range waits {
			if !pending(tid, unix.SIGURG) {
				delete(waits, tid)
			}
		}
		if len(waits) > 0 {
			time.Sleep(settlePause)
		}
	}
	return len(waits) == 0
}

const (
	settlePause = 20 * time.Microsecond
	settleMax   = time.Second
)

// runs reports whether a thread runs, or could but for want of a CPU, or is in a system call
// that cannot be interrupted.
func runs(tid int) bool {
	stat, err := os.ReadFile(taskFile(tid, "stat"))
	i := bytes.LastIndexByte(stat, ')') // its name may have some, too
	return err == nil && i >= 0 && i+2 < len(stat) && stat[i+2] != 'S'
}

// pending reports whether a signal that was sent to a thread has not come to it.
func pending(tid int, sig unix.Signal) bool {
	status, err := os.ReadFile(taskFile(tid, "status"))
	_, after, found := bytes.Cut(status, []byte("\nSigPnd:\t"))
	if err != nil || !found {
		return false // it has ended
	}
	digits, _, _ := bytes.Cut(after, []byte("\n"))
	set, err := strconv.ParseUint(string(digits), 16, 64)
	return err == nil && set>>(sig-1)&1 != 0
}

func taskFile(tid int, name string) string {
	return "/proc/self/task/" + strconv.Itoa(tid) + "/" + name
}
