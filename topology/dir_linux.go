package topology

import (
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// A dirFS is a directory. It reads a file with three system calls and without
// garbage. It follows links inside the directory only, as if that were the root: an
// unpacked capture must not show its reader's machine.
type dirFS struct {
	root  *os.File
	fd    int
	how   *unix.OpenHow
	plain bool // the directory is "/", so no link needs to be confined
}

// openDirFS opens a directory as a tree.
func openDirFS(dir string) (fs.FS, func() error, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	d := &dirFS{root: f, fd: int(f.Fd())}
	// O_NONBLOCK: opening a FIFO must not wait for a writer.
	d.how = &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	if dir == "/" {
		d.plain = true
		return d, f.Close, nil
	}
	probe, err := d.open(".")
	if err == nil {
		unix.Close(probe)
		return d, f.Close, nil
	}
	// The kernel has no openat2 (before Linux 5.6), or a sandbox forbids it.
	f.Close()
	return openRootFS(dir)
}

// Open is for directories. Read gets files by appendFile.
func (d *dirFS) Open(name string) (fs.File, error) {
	fd, err := d.open(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (d *dirFS) appendFile(buf []byte, name string, limit int) ([]byte, error) {
	defer runtime.KeepAlive(d.root)
	fd, err := d.open(name)
	if err != nil {
		return buf, err
	}
	defer unix.Close(fd)
	// One call returns a whole file of /sys. Files of /proc come in parts.
	whole := strings.HasPrefix(name, "sys/")
	first := true
	return appendAll(buf, func(b []byte) (int, error) {
		n, err := unix.Read(fd, b)
		for err == unix.EINTR {
			n, err = unix.Read(fd, b)
		}
		if n > 0 && n < len(b) && whole {
			return n, io.EOF
		}
		if first {
			// If it is empty or very long it may not be a file at all.
			if !isRegular(fd) {
				return 0, errNoRegular
			}
			first = false
		}
		if n == 0 && err == nil {
			err = io.EOF
		}
		return n, err
	}, limit)
}

func isRegular(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG
}

func (d *dirFS) isDir(name string) bool {
	defer runtime.KeepAlive(d.root)
	var st unix.Stat_t
	if d.plain {
		err := unix.Fstatat(d.fd, name, &st, 0)
		return err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
	}
	fd, err := d.open(name)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
}

func (d *dirFS) open(name string) (fd int, err error) {
	for {
		if d.plain {
			fd, err = unix.Openat(d.fd, name, int(d.how.Flags), 0)
		} else {
			fd, err = unix.Openat2(d.fd, name, d.how)
		}
		if err != unix.EINTR && err != unix.EAGAIN { // openat2: the tree was being moved
			return fd, err
		}
	}
}
