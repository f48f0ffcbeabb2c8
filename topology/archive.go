package topology

// Captures as file systems. An archive may come from anywhere, so everything is
// bounded: the bytes that it unpacks to, the number of its entries, and the memory
// for those that are kept. Only entries that Read may ask for are kept.

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

const (
	maxUnpacked = 1 << 30 // 4096 CPUs, 60 files each, 1 KB a file: 250 MB
	maxKept     = 256 << 20
	maxNames    = 1 << 19 // 8192 CPUs, 60 files each
	maxPath     = 4096    // PATH_MAX
	maxDepth    = 80      // cgroups lie deepest
)

// Open reads the machine that a capture holds. It takes what [Capture] writes
// and what hwloc-gather-topology does: tar files, plain or packed by gzip or
// bzip2, whose paths begin at the root or up to three directories above it.
// Errors name the file.
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

// OpenArchive returns the files of a capture that [Read] may need. [Open] says which
// formats it takes. It reads to the end of r, where gzip keeps its checksum.
func OpenArchive(r io.Reader) (fs.FS, error) {
	const want = "want a .tar.gz, .tar.bz2 or .tar"
	buffered := bufio.NewReaderSize(r, 64<<10)
	magic, _ := buffered.Peek(8)
	if len(magic) == 0 {
		return nil, errors.New("empty file: " + want)
	}
	var plain io.Reader = buffered
	packed := true
	switch {
	case bytes.HasPrefix(magic, []byte("\x1f\x8b")):
		zip, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("damaged capture: %w", err)
		}
		plain = zip
	case bytes.HasPrefix(magic, []byte("BZh")):
		plain = bzip2.NewReader(buffered)
	default:
		for _, p := range otherPackers {
			if bytes.HasPrefix(magic, []byte(p.magic)) {
				return nil, fmt.Errorf("packed by %s: %s (%s)", p.name, want, p.unpack)
			}
		}
		packed = false
	}
	limited := &io.LimitedReader{R: plain, N: maxUnpacked}
	in := &endWatcher{r: limited}
	fsys, seen, err := readTar(tar.NewReader(in))
	if err == nil && in.ended {
		// An archive ends with two blocks of zeros. Package tar also accepts an end
		// of file between two entries.
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		_, err = io.Copy(io.Discard, limited)
	}
	switch {
	case limited.N <= 0:
		return nil, fmt.Errorf("unpacks to more than %d MB: not a capture of a machine", maxUnpacked>>20)
	case errors.Is(err, errNoMachine):
		return nil, err
	case err == io.ErrUnexpectedEOF && seen > 0:
		return nil, fmt.Errorf("damaged capture: cut off after %d entries", seen)
	case err != nil && (packed || seen > 0):
		return nil, fmt.Errorf("damaged capture: %w", err)
	case err != nil:
		return nil, fmt.Errorf("not a capture: %w: %s", err, want)
	}
	return fsys, nil
}

// otherPackers are programs whose files are recognised and refused.
var otherPackers = []struct{ magic, name, unpack string }{
	{"\xfd7zXZ\x00", "xz", "xz -d unpacks it"},
	{"\x28\xb5\x2f\xfd", "zstd", "zstd -d unpacks it"},
	{"\x5d\x00\x00", "lzma", "xz -d unpacks it"},
	{"\x04\x22\x4d\x18", "lz4", "lz4 -d unpacks it"},
	{"\x1f\x9d", "compress", "gzip -d unpacks it"},
	{"LZIP", "lzip", "lzip -d unpacks it"},
	{"7z\xbc\xaf\x27\x1c", "7-Zip", "7z x unpacks it"},
	{"PK\x03\x04", "zip", "unzip unpacks it"},
}

// An endWatcher notices when somebody reads past the end.
type endWatcher struct {
	r     io.Reader
	ended bool
}

func (e *endWatcher) Read(b []byte) (int, error) {
	n, err := e.r.Read(b)
	if n == 0 && err == io.EOF {
		e.ended = true
	}
	return n, err
}

// errNoMachine is the error for an intact archive that holds something else.
var errNoMachine = errors.New("not a capture")

// readTar returns the tree in an archive, and how many entries it has seen.
func readTar(in *tar.Reader) (m *memFS, seen int, err error) {
	m = newMemFS()
	names := 0 // bytes
	for {
		h, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, seen, err
		}
		if seen++; seen > maxNames {
			return nil, seen, fmt.Errorf("%w: more than %d entries", errNoMachine, maxNames)
		}
		name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
		if !wanted(name) {
			continue
		}
		names += len(name)
		if m.cost+names > maxKept {
			return nil, seen, fmt.Errorf("%w: more than %d MB of files", errNoMachine, maxKept>>20)
		}
		switch h.Typeflag {
		case tar.TypeDir:
			m.put(name, &memEntry{mode: fs.ModeDir})
		case tar.TypeReg:
			data, err := io.ReadAll(io.LimitReader(in, bigFile+1))
			if err != nil {
				return nil, seen, err
			}
			m.put(name, &memEntry{data: slices.Clip(data)})
		case tar.TypeLink:
			if old := m.entries[strings.TrimPrefix(path.Clean("/"+h.Linkname), "/")]; old != nil && old.mode == 0 {
				m.put(name, old)
			}
		case tar.TypeSymlink:
			m.put(name, &memEntry{mode: fs.ModeSymlink, link: h.Linkname})
		}
	}
	m.sort()
	roots := m.roots()
	switch len(roots) {
	case 0:
		return nil, seen, fmt.Errorf("%w: holds neither sys nor proc", errNoMachine)
	case 1:
		m.root = roots[0]
		return m, seen, nil
	}
	return nil, seen, fmt.Errorf("%w of one machine: holds %s", errNoMachine, strings.Join(roots[:min(3, len(roots))], ", "))
}

// wanted reports whether Read may ask for a file, wherever the root is. Read never
// asks for a CPU, node or cache whose number is too large for any machine.
func wanted(name string) bool {
	if len(name) > maxPath || strings.Count(name, "/") > maxDepth {
		return false
	}
	for dir := range strings.SplitSeq(name, "/") {
		for _, x := range numberedNames {
			if digits, ok := strings.CutPrefix(dir, x.prefix); ok && isNumber(digits) {
				if n, err := strconv.Atoi(digits); err != nil || n >= x.limit {
					return false
				}
			}
		}
	}
	base := path.Base(name)
	switch base {
	case "cpuinfo", "stat", "meminfo", "mounts", "cgroup", "cpuset", "status",
		"cpus", "mems", "effective_cpus", "effective_mems",
		"cpuset.cpus", "cpuset.mems", "cpuset.cpus.effective", "cpuset.mems.effective", "cpuset.effective_cpus", "cpuset.effective_mems",
		"online", "cpumap", "cpulist", "distance",
		"core_id", "physical_package_id", "topology", "cache", "level", "type", "size", "shared_cpu_map", "shared_cpu_list",
		"core_cpus", "thread_siblings", "core_cpus_list", "thread_siblings_list",
		"package_cpus", "core_siblings", "package_cpus_list", "core_siblings_list",
		"die_cpus", "die_cpus_list", "cluster_cpus", "cluster_cpus_list",
		"l1_dcache_size", "l2_cache_size":
		return true
	}
	for _, x := range numberedNames {
		if digits, ok := strings.CutPrefix(base, x.prefix); ok && isNumber(digits) {
			return true
		}
	}
	return false
}

// numberedNames are the names of the directories of CPUs, nodes and caches.
var numberedNames = []struct {
	prefix string
	limit  int
}{{"cpu", maxCPUs}, {"node", maxNodes}, {"index", cacheIndexes}}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
