package topology

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// A memFS is a tree of files in memory.
type memFS struct {
	entries map[string]*memEntry // by path in the archive
	root    string               // prefix of all paths: "." or "somewhere"
	cost    int                  // about how many bytes of memory it takes
}

type memEntry struct {
	mode  fs.FileMode // 0, ModeDir or ModeSymlink
	data  []byte
	link  string
	names []string // what a directory holds, in order
}

func newMemFS() *memFS {
	return &memFS{entries: map[string]*memEntry{".": {mode: fs.ModeDir}}, root: "."}
}

// put adds an entry and the directories above it. If there is an entry of that name
// already, that one stays. An entry below a file or a link is left out.
func (m *memFS) put(name string, e *memEntry) {
	if m.entries[name] != nil {
		return
	}
	dir, base := ".", name
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		dir, base = name[:i], name[i+1:]
	}
	if m.entries[dir] == nil {
		m.put(dir, &memEntry{mode: fs.ModeDir})
	}
	if up := m.entries[dir]; up != nil && up.mode == fs.ModeDir {
		m.entries[name] = e
		up.names = append(up.names, base)
		m.cost += 300 + len(e.data) + len(e.link)
	}
}

// sort puts the names of every directory in order. It is called once, at the end.
func (m *memFS) sort() {
	for _, e := range m.entries {
		slices.Sort(e.names)
	}
}

// maxRootDepth is how many directories may lie above sys and proc.
const maxRootDepth = 3

// roots returns the directories that hold sys or proc, at the least depth at which
// there are any. If some of them hold sys, it leaves out those with proc alone.
func (m *memFS) roots() []string {
	level := []string{"."}
	for range maxRootDepth + 1 {
		var withSys, withProc, below []string
		for _, dir := range level {
			switch {
			case m.entries[path.Join(dir, "sys")] != nil:
				withSys = append(withSys, dir)
			case m.entries[path.Join(dir, "proc")] != nil:
				withProc = append(withProc, dir)
			}
			for _, name := range m.entries[dir].names {
				if sub := path.Join(dir, name); m.entries[sub].mode == fs.ModeDir {
					below = append(below, sub)
				}
			}
		}
		if len(withSys) > 0 {
			return withSys
		}
		if len(withProc) > 0 {
			return withProc
		}
		level = below
	}
	return nil
}

// lookup returns an entry and its path. It follows links. An absolute link begins at
// the root of the tree, and no link leads out of it.
func (m *memFS) lookup(name string) (at string, e *memEntry, err error) {
	full := name
	if m.root != "." {
		full = path.Join(m.root, name)
	}
	if e := m.entries[full]; e != nil && e.mode != fs.ModeSymlink {
		return full, e, nil
	}
	at = m.root
	rest := name
	for links := 0; rest != "" && rest != "."; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		switch part {
		case "", ".":
			continue
		case "..":
			if at != m.root {
				at = path.Dir(at)
			}
			continue
		}
		next := path.Join(at, part)
		e := m.entries[next]
		if e == nil {
			return "", nil, fs.ErrNotExist
		}
		if e.mode != fs.ModeSymlink {
			at = next
			continue
		}
		if links++; links > 40 || len(rest) > 4096 {
			return "", nil, errors.New("too many levels of symbolic links")
		}
		if path.IsAbs(e.link) {
			at = m.root
		}
		rest = e.link + "/" + rest
	}
	if e := m.entries[at]; e != nil {
		return at, e, nil
	}
	return "", nil, fs.ErrNotExist
}

func (m *memFS) find(op, name string) (at string, e *memEntry, err error) {
	if !fs.ValidPath(name) {
		return "", nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if at, e, err = m.lookup(name); err != nil {
		return "", nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return at, e, nil
}

func (m *memFS) Open(name string) (fs.File, error) {
	at, e, err := m.find("open", name)
	if err != nil {
		return nil, err
	}
	return &memFile{fs: m, path: at, info: memInfo{path.Base(name), e}}, nil
}

func (m *memFS) Stat(name string) (fs.FileInfo, error) {
	_, e, err := m.find("stat", name)
	if err != nil {
		return nil, err
	}
	return memInfo{path.Base(name), e}, nil
}

func (m *memFS) appendFile(buf []byte, name string, limit int) ([]byte, error) {
	_, e, err := m.lookup(name)
	if err != nil {
		return buf, err
	}
	if e.mode != 0 {
		return buf, errNoRegular
	}
	if len(e.data) > limit {
		return buf, errTooLong
	}
	return append(buf, e.data...), nil
}

func (m *memFS) isDir(name string) bool {
	_, e, err := m.lookup(name)
	return err == nil && e.mode == fs.ModeDir
}

type memInfo struct {
	name  string
	entry *memEntry
}

func (i memInfo) Name() string               { return i.name }
func (i memInfo) Size() int64                { return int64(len(i.entry.data)) }
func (i memInfo) Mode() fs.FileMode          { return i.entry.mode | 0o444 }
func (i memInfo) Type() fs.FileMode          { return i.entry.mode }
func (i memInfo) ModTime() time.Time         { return time.Time{} }
func (i memInfo) IsDir() bool                { return i.entry.mode == fs.ModeDir }
func (i memInfo) Sys() any                   { return nil }
func (i memInfo) Info() (fs.FileInfo, error) { return i, nil }

type memFile struct {
	fs   *memFS
	path string // in the archive
	info memInfo
	at   int // next byte, or next child
}

func (f *memFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *memFile) Close() error               { return nil }

func (f *memFile) Read(b []byte) (int, error) {
	if f.info.IsDir() {
		return 0, &fs.PathError{Op: "read", Path: f.info.name, Err: errNoRegular}
	}
	data := f.info.entry.data
	if f.at >= len(data) {
		return 0, io.EOF
	}
	n := copy(b, data[f.at:])
	f.at += n
	return n, nil
}

func (f *memFile) ReadDir(n int) ([]fs.DirEntry, error) {
	children := f.info.entry.names
	rest := children[f.at:]
	if n > 0 && len(rest) == 0 {
		return nil, io.EOF
	}
	if n > 0 && len(rest) > n {
		rest = rest[:n]
	}
	f.at += len(rest)
	list := make([]fs.DirEntry, len(rest))
	for i, name := range rest {
		list[i] = memInfo{name, f.fs.entries[path.Join(f.path, name)]}
	}
	return list, nil
}
