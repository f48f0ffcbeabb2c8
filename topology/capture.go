package topology

// A capture is a .tar.gz of the files that Read reads, with their paths below the
// root. Capture calls Read and keeps what it has looked at, so reading the capture
// gives the same machine. Nothing gets in that could say whose machine it is:
//
//	proc/self/task/*/status     one file, with the CPUs and nodes that any of them allows
//	proc/cpuinfo, proc/stat     only CPU numbers, and only if sysfs has none
//	proc/meminfo, */meminfo     only the line MemTotal
//	proc/*/mounts               only types, options and usual places of cpusets; an
//	                            unusual place becomes "cpusets0" and so on
//	proc/self/cgroup, cpuset    paths in which every name is "cg"

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"numasched/topology/cgroup"
)

// Capture writes the files of fsys that [Read] needs to w, as a .tar.gz that
// [Open] reads. It fails where Read would.
func Capture(w io.Writer, fsys fs.FS) error {
	rec, err := record(fsys)
	if err != nil {
		return err
	}
	zip, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	if err := rec.write(zip); err != nil {
		return err
	}
	return zip.Close()
}

// CaptureDir captures the machine whose sys and proc are in a directory. "/" is this
// machine. It reads the capture back before it writes it, and returns the machine that others will
// see: they cannot make another.
func CaptureDir(w io.Writer, dir string) (*Topology, error) {
	fsys, done, err := openDirFS(dir)
	if err != nil {
		return nil, err
	}
	defer done()
	var b bytes.Buffer
	if err := Capture(&b, fsys); err != nil {
		return nil, err
	}
	back, err := OpenArchive(bytes.NewReader(b.Bytes()))
	if err != nil {
		return nil, err
	}
	t, err := Read(back)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(b.Bytes())
	return t, err
}

// record reads a tree and returns what it has read of it.
func record(fsys fs.FS) (*recorder, error) {
	rec := &recorder{files: map[string][]byte{}, dirs: map[string]bool{}}
	s := newSource(fsys)
	s.rec = rec
	_, err := read(s, CPUSet{})
	return rec, err
}

// A recorder keeps what a source has read.
type recorder struct {
	files map[string][]byte
	dirs  map[string]bool
}

func (r *recorder) dir(name string) { r.dirs[name] = true }

func (r *recorder) file(name string, data []byte) {
	switch {
	case name == "proc/cpuinfo":
		var set CPUSet
		parseProcessors(&set, data)
		data = nil
		for c := range set.All() {
			data = fmt.Appendf(data, "processor\t: %d\n", c)
		}
	case name == "proc/stat":
		var set CPUSet
		parseStatCPUs(&set, data)
		data = nil
		for c := range set.All() {
			data = fmt.Appendf(data, "cpu%d 0\n", c)
		}
	case path.Base(name) == "meminfo":
		bytes, err := parseMemTotal(data)
		if err != nil {
			return
		}
		data = fmt.Appendf(nil, "MemTotal: %d kB\n", bytes>>10)
	case path.Base(name) == "mounts":
		data = keepMounts(data)
	case name == "proc/self/cgroup":
		paths := cgroup.ParsePaths(data)
		data = nil
		if p := paths.V1["cpuset"]; p != "" {
			data = fmt.Appendf(data, "1:cpuset:%s\n", anonymous(p))
		}
		if p := paths.Unified; p != "" {
			data = fmt.Appendf(data, "0::%s\n", anonymous(p))
		}
	case name == "proc/self/cpuset":
		data = append([]byte(anonymous(path.Clean(string(trim(data))))), '\n')
	}
	r.files[name] = bytes.Clone(data)
}

// anonymous replaces every name in an absolute path by "cg".
func anonymous(p string) string {
	if !strings.HasPrefix(p, "/") {
		return ""
	}
	if p == "/" {
		return p
	}
	return strings.Repeat("/cg", strings.Count(p, "/"))
}

// status keeps what is allowed, in one file.
func (r *recorder) status(st status) {
	var kept []byte
	if st.haveCPUs {
		kept = fmt.Appendf(kept, "Cpus_allowed_list:\t%s\n", st.cpus.list())
	}
	if st.haveMems {
		kept = fmt.Appendf(kept, "Mems_allowed_list:\t%s\n", st.mems.list())
	}
	r.files["proc/self/status"] = kept
}

func keepMounts(b []byte) []byte {
	var kept []byte
	for _, m := range cpusetMountsIn(b) {
		kind, options := "cgroup", "cpuset"
		if m.V2 {
			kind, options = "cgroup2", "rw"
		} else if m.NoPrefix {
			options = "cpuset,noprefix"
		}
		kept = fmt.Appendf(kept, "none /%s %s %s 0 0\n", m.as, kind, options)
	}
	return kept
}

// write writes the tar file, in order of name and without times or owners. So a tree
// always gives the same capture, and a small one.
func (r *recorder) write(w io.Writer) error {
	for name := range r.files {
		for d := path.Dir(name); d != "."; d = path.Dir(d) {
			delete(r.dirs, d) // the file's name implies it
		}
	}
	out := tar.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(r.dirs)) {
		if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755}); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		data := r.files[name]
		if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(data))}); err != nil {
			return err
		}
		if _, err := out.Write(data); err != nil {
			return err
		}
	}
	return out.Close()
}
