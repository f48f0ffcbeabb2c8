package topology

// All files of a tree are read through a source, which bounds the reading. It reads
// a file up to a limit, a directory up to a number of entries, and all files together
// up to a budget. It treats what is not a regular file as missing. So a directory of
// FIFOs, a file without end, a loop of links and a million entries do no harm.

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
)

const (
	smallFile  = 256 << 10 // the longest list of 16384 CPUs has 80 KB
	bigFile    = 16 << 20  // cpuinfo, stat and mounts; 2048 CPUs' cpuinfo has 3 MB
	readBudget = 1 << 29   // 8192 CPUs have 200 MB of masks
	maxEntries = 1 << 16   // of a directory
)

var (
	errTooLong   = errors.New("file is too long")
	errNoRegular = errors.New("not a regular file")
	errBudget    = fmt.Errorf("more than %d MB to read: not the /sys of a machine", readBudget>>20)
)

// A fastFS is an fs.FS that does the two most frequent operations in fewer calls and
// without garbage. It keeps to the bounds above.
type fastFS interface {
	appendFile(buf []byte, name string, limit int) ([]byte, error)
	isDir(name string) bool
}

type source struct {
	fsys    fs.FS
	fast    fastFS // fsys, if it is one
	buf     []byte
	spent   int
	missing []Note
	dropped int // notes beyond maxNotes

	rec *recorder // of Capture; nil otherwise
}

func newSource(fsys fs.FS) *source {
	s := &source{fsys: fsys, buf: make([]byte, 0, 4096)}
	s.fast, _ = fsys.(fastFS)
	return s
}

// read returns the content of a file, and whether there is one. The content is valid
// until the next read. A file that is there and cannot be read gets a note.
func (s *source) read(name string, limit int) ([]byte, bool) {
	return s.readAs(name, name, limit)
}

// readAs is read of a file that has another name in a capture.
func (s *source) readAs(name, as string, limit int) ([]byte, bool) {
	if s.spent > readBudget {
		return nil, false // Read gives errBudget in the end
	}
	var err error
	if s.fast != nil {
		s.buf, err = s.fast.appendFile(s.buf[:0], name, limit)
	} else {
		s.buf, err = appendFile(s.buf[:0], s.fsys, name, limit)
	}
	s.spent += len(s.buf) + 64 // even an empty file costs something
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			if err == errTooLong {
				s.note(Unreadable, name, "longer than %d KB: ignored", limit>>10)
			} else {
				s.note(Unreadable, name, "cannot be read: %v", unwrapPath(err))
			}
		}
		return nil, false
	}
	if s.rec != nil {
		s.rec.file(as, s.buf)
	}
	return s.buf, true
}

// unwrapPath cuts the path that fs.PathError repeats.
func unwrapPath(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// appendFile is read for any fs.FS. It calls Stat before Open, because opening a
// FIFO would wait for a writer.
func appendFile(buf []byte, fsys fs.FS, name string, limit int) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return buf, err
	}
	if !info.Mode().IsRegular() {
		return buf, errNoRegular
	}
	f, err := fsys.Open(name)
	if err != nil {
		return buf, err
	}
	defer f.Close()
	return appendAll(buf, f.Read, limit)
}

// appendAll appends all that read returns, and fails if that is more than limit.
func appendAll(buf []byte, read func([]byte) (int, error), limit int) ([]byte, error) {
	start, idle := len(buf), 0
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+max(n, 0)]
		if len(buf)-start > limit {
			return buf[:start], errTooLong
		}
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf[:start], err
		}
		if idle++; n > 0 {
			idle = 0
		}
		if idle > 100 {
			return buf[:start], io.ErrNoProgress
		}
	}
}

// numbered returns the numbers N of a directory's entries prefixN, below limit,
// and whether the directory is there.
func (s *source) numbered(dir, prefix string, limit int) (CPUSet, bool) {
	var set CPUSet
	f, err := s.openDir(dir)
	if err != nil {
		return set, false
	}
	defer f.Close()
	for seen := 0; ; {
		entries, err := f.ReadDir(1024)
		for _, e := range entries {
			digits, ok := strings.CutPrefix(e.Name(), prefix)
			if !ok || digits == "" || digits[0] < '0' || digits[0] > '9' {
				continue
			}
			if n, err := strconv.Atoi(digits); err == nil && n < limit {
				set.add(n)
				if s.rec != nil {
					s.rec.dir(dir + "/" + prefix + strconv.Itoa(n))
				}
			}
		}
		seen += len(entries)
		if err == nil && len(entries) > 0 && seen >= maxEntries {
			s.note(Unreadable, dir, "more than %d entries: the rest is ignored", maxEntries)
			return set, true
		}
		if err != nil || len(entries) == 0 {
			return set, true
		}
	}
}

// openDir opens a directory. It fails for anything else.
func (s *source) openDir(dir string) (fs.ReadDirFile, error) {
	info, err := fs.Stat(s.fsys, dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, errNoRegular
	}
	f, err := s.fsys.Open(dir)
	if err != nil {
		return nil, err
	}
	if d, ok := f.(fs.ReadDirFile); ok {
		return d, nil
	}
	f.Close()
	return nil, errNoRegular
}

func (s *source) isDir(name string) bool {
	if s.fast != nil {
		if !s.fast.isDir(name) {
			return false
		}
	} else if info, err := fs.Stat(s.fsys, name); err != nil || !info.IsDir() {
		return false
	}
	if s.rec != nil {
		s.rec.dir(name)
	}
	return true
}

// list reads a file in list format and says whether it was there and well
// formed.
func (s *source) list(name string, limit int) (CPUSet, bool) {
	return s.listAs(name, name, limit)
}

func (s *source) listAs(name, as string, limit int) (CPUSet, bool) {
	var set CPUSet
	b, ok := s.readAs(name, as, smallFile)
	if !ok {
		return set, false
	}
	if err := parseList(&set, b, limit); err != nil {
		s.note(Malformed, name, "%v", err)
		return CPUSet{}, false
	}
	return set, true
}

func (s *source) int(name string) (int, bool) {
	b, ok := s.read(name, smallFile)
	if !ok {
		return 0, false
	}
	v, err := parseInt(b)
	if err != nil {
		s.note(Malformed, name, "%v", err)
		return 0, false
	}
	return v, true
}
