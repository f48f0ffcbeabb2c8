//go:build unix

package harness

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

var errLocked error = unix.EWOULDBLOCK

// lockFile locks f until it is closed. It does not wait.
func lockFile(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// outOfSpace are the errors of a disk that is full.
var outOfSpace = []error{unix.ENOSPC, unix.EDQUOT}
