package harness

import (
	"bufio"
	"errors"
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
