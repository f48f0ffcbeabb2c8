package harness

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// LockFile is in a run directory while a process writes there. It holds the
// number of the process. The operating system drops the lock when the process
// ends, however it ends, so a file that is left behind locks nothing.
const LockFile = ".lock"

// A BusyError says that another process writes into a run directory.
type BusyError struct {
	Dir string
	PID int // 0 if not known
}

// Error names the process, if it is known.
func (e *BusyError) Error() string {
	if e.PID == 0 {
		return "a run is under way there"
	}
	return fmt.Sprintf("a run is under way there (pid %d)", e.PID)
}

// A Lock keeps other processes, and other callers in this one, from writing into
// a run directory.
type Lock struct {
	file *os.File
	made bool // the directory, for the lock

	// Missing says why the directory is not locked after all: its file system
	// has no locks. It is nil otherwise.
	Missing error
}

// LockDir locks dir, which must exist. If somebody else has locked it the error
// is a *BusyError.
func LockDir(dir string) (*Lock, error) {
	path := filepath.Join(dir, LockFile)
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil && isFile(dir) {
			err = errors.New("it is a file: want a folder")
		}
		if err != nil {
			return nil, err
		}
		err = lockFile(f)
		if errors.Is(err, errLocked) {
			data, _ := io.ReadAll(io.LimitReader(f, 20))
			f.Close()
			pid, _ := strconv.Atoi(strings.TrimSpace(string(data)))
			return nil, &BusyError{Dir: dir, PID: pid}
		}
		l := &Lock{file: f, Missing: err}
		// Whoever had the lock may have removed the file since we opened it.
		mine, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		if now, err := os.Stat(path); err != nil || !os.SameFile(mine, now) {
			f.Close()
			continue
		}
		// The number is for messages alone. Without room for it there is none.
		if f.Truncate(0) == nil {
			fmt.Fprintf(f, "%d\n", os.Getpid())
		}
		return l, nil
	}
}

// LockNewDir makes and locks a directory that does not exist or is empty.
func LockNewDir(dir string) (*Lock, error) {
	_, err := os.Stat(dir)
	made := errors.Is(err, fs.ErrNotExist)
	if made {
		err = os.MkdirAll(dir, 0o777)
	}
	if err != nil {
		return nil, err
	}
	l, err := LockDir(dir)
	if err != nil {
		if made {
			os.Remove(dir)
		}
		return nil, err
	}
	l.made = made
	if names, err := files(dir); err != nil || len(names) > 0 {
		l.Unlock()
		if err == nil {
			err = errors.New("it exists: want a folder that does not")
		}
		return nil, err
	}
	return l, nil
}

// Unlock gives the directory free and removes the lock's file. A directory that
// LockNewDir made and that is still empty goes, too. The second call does nothing.
func (l *Lock) Unlock() {
	if l.file == nil {
		return
	}
	path := l.file.Name()
	if runtime.GOOS == "windows" { // where an open file cannot be removed
		l.file.Close()
		os.Remove(path)
	} else {
		os.Remove(path)
		l.file.Close()
	}
	l.file = nil
	if l.made {
		os.Remove(filepath.Dir(path)) // fails unless it is empty
	}
}

// isFile reports whether something stands at path that is no directory.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}
