package topology

// Captures as file systems. An archive comes from anywhere, so all is bounded:
// the bytes that it unpacks to, its entries, and what of them is kept, which is
// only what Read may ask for.

import (
	"archive/tar"
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

const (
	maxUnpacked = 1 << 30 // 4096 CPUs, 60 files each, 1 KB a file: 250 MB
	maxKept     = 256 << 20
	maxNames    = 1 << 20
)

// Open reads the machine that a capture holds. It takes what [Capture] writes
// and what hwloc-gather-topology does: tar files, plain or packed by gzip or
// bzip2, whose paths begin at the root or one directory above it. Errors name
// the file.
func Open(file string) (*Topology, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file: want a capture (.tar.gz)", file)
	}
	fsys, err := OpenArchive(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	t, err := Read(fsys)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	t.Origin = file
	return t, nil
}

// OpenArchive returns the files of a capture that [Read] may need. See [Open].
func OpenArchive(r io.Reader) (fs.FS, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	magic, _ := buffered.Peek(3)
	var plain io.Reader = buffered
	switch {
	case len(magic) == 0:
		return nil, errors.New("empty file: want a capture (.tar.gz)")
	case len(magic) >= 2 && magic[0] == 0x1f && magic[1] == 0x8b:
		zip, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("not a capture: %w: want a .tar.gz", err)
		}
		plain = zip
	case string(magic) == "BZh":
		plain = bzip2.NewReader(buffered)
	}
	limited := &io.LimitedReader{R: plain, N: maxUnpacked}
	fsys, err := readTar(tar.NewReader(limited))
	if limited.N <= 0 {
		return nil, fmt.Errorf("unpacks to more than %d MB: not a capture of a machine", maxUnpacked>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("not a capture: %w: want a .tar.gz", err)
	}
	return fsys, nil
}

func readTar(in *tar.Reader) (*memFS, error) {
	m := &memFS{entries: map[string]*memEntry{}}
	kept := 0
	for names := 0; ; names++ {
		h, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if names == maxNames {
			return nil, fmt.Errorf("more than %d entries", maxNames)
		}
		name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
		if !wanted(name) {
			continue
		}
		if kept += len(name) + 200; kept > maxKept {
			return nil, fmt.Errorf("more than %d MB of files", maxKept>>20)
		}
		switch h.Typeflag {
		case tar.TypeDir:
			m.put(name, newDir())
		case tar.TypeReg:
			data, err := io.ReadAll(io.LimitReader(in, bigFile+1))
			if err != nil {
				return nil, err
			}
			kept += len(data)
			m.put(name, &memEntry{data: data})
		case tar.TypeLink:
			if old := m.entries[strings.TrimPrefix(path.Clean("/"+h.Linkname), "/")]; old != nil && old.mode == 0 {
				m.put(name, old)
			}
		case tar.TypeSymlink:
			m.put(name, &memEntry{mode: fs.ModeSymlink, link: h.Linkname})
		}
	}
	m.sort()
	m.root = m.findRoot()
	if m.root == "" {
		return nil, errors.New("holds neither sys nor proc")
	}
	return m, nil
}

// wanted reports whether Read may ask for a file, wherever the root is.
func wanted(name string) bool {
	base := path.Base(name)
	switch base {
	case "cpuinfo", "stat", "meminfo", "mounts", "cgroup", "cpuset", "status",
		"cpus", "mems", "cpuset.cpus", "cpuset.mems", "cpuset.cpus.effective", "cpuset.mems.effective", "cpuset.effective_cpus", "cpuset.effective_mems", "effective_cpus", "effective_mems",
		"online", "cpumap", "cpulist", "distance",
		"core_id", "physical_package_id", "topology", "cache", "level", "type", "size", "shared_cpu_map", "shared_cpu_list",
		"core_cpus", "thread_siblings", "core_cpus_list", "thread_siblings_list",
		"package_cpus", "core_siblings", "package_cpus_list", "core_siblings_list",
		"die_cpus", "die_cpus_list", "cluster_cpus", "cluster_cpus_list":
		return true
	}
	for _, prefix := range []string{"cpu", "node", "index"} {
		if n, ok := strings.CutPrefix(base, prefix); ok && n != "" && n[0] >= '0' && n[0] <= '9' {
			return true
		}
	}
	return false
}

// A memFS is a tree of files in memory.
type memFS struct {
	entries map[string]*memEntry
	root    string // prefix of all paths: "." or "somewhere"
}

type memEntry struct {
	mode     fs.FileMode // 0, ModeDir or ModeSymlink
	data     []byte
	link     string
	children map[string]*memEntry // of a directory
	names    []string             // the children's, in order
}

// put adds an entry and the directories above it. The first of a name stays.
func (m *memFS) put(name string, e *memEntry) {
	if m.entries[name] != nil {
		return
	}
	m.entries[name] = e
	for name != "." {
		dir := path.Dir(name)
		up := m.entries[dir]
		isNew := up == nil
		if isNew {
			up = newDir()
			m.entries[dir] = up
		}
		if up.mode != fs.ModeDir {
			return // a file below a file, or below a link: not reached
		}
		up.children[path.Base(name)] = m.entries[name]
		if !isNew {
			return
		}
		name = dir
	}
}

func newDir() *memEntry {
	return &memEntry{mode: fs.ModeDir, children: map[string]*memEntry{}}
}

// sort puts the names of every directory in order, once all are there.
func (m *memFS) sort() {
	for _, e := range m.entries {
		if e.mode == fs.ModeDir {
			e.names = slices.Sorted(maps.Keys(e.children))
		}
	}
}

// findRoot returns where sys or proc is: here, or in the one directory here.
func (m *memFS) findRoot() string {
	for _, root := range append([]string{"."}, m.top()...) {
		if m.entries[path.Join(root, "sys")] != nil || m.entries[path.Join(root, "proc")] != nil {
			return root
		}
	}
	return ""
}

func (m *memFS) top() []string {
	if e := m.entries["."]; e != nil {
		return e.names
	}
	return nil
}

// lookup finds an entry and follows links, absolute ones from the root on and
// none out of it.
func (m *memFS) lookup(name string) (*memEntry, error) {
	full := name
	if m.root != "." {
		full = path.Join(m.root, name)
	}
	if e := m.entries[full]; e != nil && e.mode != fs.ModeSymlink {
		return e, nil
	}
	at, rest := m.root, name
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
			return nil, fs.ErrNotExist
		}
		if e.mode != fs.ModeSymlink {
			at = next
			continue
		}
		if links++; links > 40 || len(rest) > 4096 {
			return nil, errors.New("too many levels of symbolic links")
		}
		if path.IsAbs(e.link) {
			at = m.root
		}
		rest = e.link + "/" + rest
	}
	if e := m.entries[at]; e != nil {
		return e, nil
	}
	return nil, fs.ErrNotExist
}

func (m *memFS) find(op, name string) (*memEntry, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	e, err := m.lookup(name)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return e, nil
}

func (m *memFS) Open(name string) (fs.File, error) {
	e, err := m.find("open", name)
	if err != nil {
		return nil, err
	}
	return &memFile{info: memInfo{path.Base(name), e}}, nil
}

func (m *memFS) Stat(name string) (fs.FileInfo, error) {
	e, err := m.find("stat", name)
	if err != nil {
		return nil, err
	}
	return memInfo{path.Base(name), e}, nil
}

func (m *memFS) appendFile(buf []byte, name string, limit int) ([]byte, error) {
	e, err := m.lookup(name)
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
	e, err := m.lookup(name)
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
		list[i] = memInfo{name, f.info.entry.children[name]}
	}
	return list, nil
}
