package topology

import (
	"io"
	"io/fs"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// A dirFS is a directory whose files are read with four system calls each and
// no garbage. Links are followed inside the directory only, as if it were the
// root: an unpacked capture must not show its reader's machine.
type dirFS struct {
	fs.FS // os.DirFS of the same directory, for all but the methods below
	root  *os.File
	fd    int
	how   *unix.OpenHow
	plain bool // the kernel has no openat2 (before Linux 5.6), or a sandbox forbids it
}

// openDirFS opens a directory as a tree.
func openDirFS(dir string) (fs.FS, func() error, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	d := &dirFS{FS: os.DirFS(dir), root: f, fd: int(f.Fd())}
	// O_NONBLOCK: opening a FIFO must not wait for a writer.
	d.how = &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	if dir == "/" {
		d.plain = true // nothing to confine
	}
	return d, f.Close, nil
}

func (d *dirFS) appendFile(buf []byte, name string, limit int) ([]byte, error) {
	defer runtime.KeepAlive(d.root)
	fd, err := d.open(name)
	if err != nil {
		return buf, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return buf, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return buf, errNoRegular
	}
	left := st.Size // files of /proc have 0, those of /sys more than they hold
	return appendAll(buf, func(b []byte) (int, error) {
		for {
			n, err := unix.Read(fd, b)
			if err == unix.EINTR {
				continue
			}
			if left -= int64(n); err == nil && (n == 0 || left == 0) {
				err = io.EOF
			}
			return n, err
		}
	}, limit)
}

func (d *dirFS) isDir(name string) bool {
	var st unix.Stat_t
	err := unix.Fstatat(d.fd, name, &st, 0)
	runtime.KeepAlive(d.root)
	return err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
}

func (d *dirFS) open(name string) (fd int, err error) {
	for {
		if d.plain {
			fd, err = unix.Openat(d.fd, name, int(d.how.Flags), 0)
		} else {
			fd, err = unix.Openat2(d.fd, name, d.how)
			if err == unix.ENOSYS || err == unix.EPERM {
				d.plain = true
				continue
			}
		}
		if err != unix.EINTR && err != unix.EAGAIN { // openat2: the tree was being moved
			return fd, err
		}
	}
}
