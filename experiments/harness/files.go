package harness

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// WriteFile writes a file so that a reader sees all of it or what was there
// before. If it fails it leaves what was there. A device or a pipe is written to as it
// is.
func WriteFile(path string, write func(io.Writer) error) (err error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	tmp := filepath.Join(filepath.Dir(path), temporary(filepath.Base(path)))
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		tmp = path
	}
	f, err := os.Create(tmp)
	if err != nil {
		if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
			pe.Path = path
		}
		return err
	}
	defer func() {
		if err != nil && tmp != path {
			os.Remove(tmp)
		}
	}()
	w := bufio.NewWriter(f)
	if err = write(w); err == nil {
		err = w.Flush()
	}
	if err != nil {
		f.Close()
		return err
	}
	if err = f.Close(); err != nil || tmp == path {
		return err
	}
	return os.Rename(tmp, path)
}

// NewFile writes what content returns into a file that must not exist. It checks that
// it can before it calls content, which may take a while. Until the end it leaves
// nothing there, so that whoever interrupts the process can give the same command again.
func NewFile(path string, content func() ([]byte, error)) error {
	if _, err := os.Lstat(path); err == nil {
		return &fs.PathError{Op: "open", Path: path, Err: fs.ErrExist}
	}
	tmp := filepath.Join(filepath.Dir(path), fmt.Sprintf("%s.%d", temporary(filepath.Base(path)), os.Getpid()))
	write := func(data []byte) error {
		return WriteFile(tmp, func(w io.Writer) error { _, err := w.Write(data); return err })
	}
	if err := write(nil); err != nil {
		if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
			pe.Path = path
		}
		return err
	}
	os.Remove(tmp)
	data, err := content()
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	if err := write(data); err != nil {
		return err
	}
	// Somebody may have made the file meanwhile. A link does not replace it, a renaming does.
	err = os.Link(tmp, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := os.Lstat(path); err == nil { // a file system without links
		return &fs.PathError{Op: "rename", Path: path, Err: fs.ErrExist}
	}
	return os.Rename(tmp, path)
}

// temporary is a file's name while it is written.
func temporary(name string) string { return "." + name }

// DiskFull reports whether err comes from a disk, or a user's share of it, that
// has no room.
func DiskFull(err error) bool {
	return slices.ContainsFunc(outOfSpace, func(full error) bool { return errors.Is(err, full) })
}

// files returns the names of the files in dir, without a lock's and without what
// a process that was killed left of a run.json.
func files(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		if e.Name() != LockFile && e.Name() != temporary(MetaFile) {
			names = append(names, e.Name())
		}
	}
	return names, err
}
