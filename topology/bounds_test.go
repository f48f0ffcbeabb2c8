package topology

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// endless is an fs.FS in which every file is a regular one without end, but for
// those of a real tree below it.
type endless struct {
	tree fs.FS
	name string // the one that has no end
	read int64
}

func (e *endless) Open(name string) (fs.File, error) {
	if name == e.name {
		return &endlessFile{e}, nil
	}
	return e.tree.Open(name)
}

type endlessFile struct{ e *endless }

func (f *endlessFile) Stat() (fs.FileInfo, error) { return memInfo{"endless", &memEntry{}}, nil }

func (f *endlessFile) Close() error { return nil }

func (f *endlessFile) Read(b []byte) (int, error) {
	f.e.read += int64(len(b))
	if f.e.read > 1<<30 {
		return 0, errors.New("read a gigabyte of a file without end")
	}
	for i := range b {
		b[i] = '1'
	}
	return len(b), nil
}

func TestAFileWithoutEndIsGivenUp(t *testing.T) {
	for _, name := range []string{
		cpuDir + "/online", cpuFile(0, "topology/core_cpus"), cpuFile(1, "cache/index0/size"),
		nodeDir + "/node0/cpumap", nodeDir + "/node1/distance", nodeDir + "/node0/meminfo", "proc/self/mounts", "proc/self/status",
	} {
		e := &endless{tree: treeOf(mustSynthetic("2x2")).fs(), name: name}
		topo, err := Read(e)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		check(t, topo)
		if e.read > 2*bigFile {
			t.Errorf("%s: %d MB were read", name, e.read>>20)
		}
		wantNote(t, topo, name+": longer than")
	}
}

// A reader that returns neither bytes nor an error must not hang Read.
type stuckFile struct{ fs.File }

func (stuckFile) Read([]byte) (int, error) { return 0, nil }

type stuck struct{ fs.FS }

func (s stuck) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	if err == nil && strings.HasSuffix(name, "/online") {
		return stuckFile{f}, nil
	}
	return f, err
}

func TestAFileThatGivesNothingIsGivenUp(t *testing.T) {
	topo, err := Read(stuck{treeOf(mustSynthetic("2x2")).fs()})
	if err != nil {
		t.Fatal(err)
	}
	wantNote(t, topo, "cpu/online: cannot be read")
	wantCPUs(t, "online", topo.Online, "0-3")
}

// A crowd is a directory of very many CPUs, made as they are listed.
type crowd struct{ fs.FS }

type crowdDir struct {
	fs.File
	at int
}

func (c crowd) Open(name string) (fs.File, error) {
	f, err := c.FS.Open(name)
	if err == nil && name == cpuDir {
		return &crowdDir{File: f}, nil
	}
	return f, err
}

func (d *crowdDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		panic("asked for all entries of a directory at once")
	}
	var list []fs.DirEntry
	for range n {
		list = append(list, memInfo{fmt.Sprintf("cpu%d", d.at), &memEntry{mode: fs.ModeDir}})
		d.at++
	}
	return list, nil
}

func TestADirectoryWithoutEndIsGivenUp(t *testing.T) {
	topo, err := Read(crowd{treeOf(mustSynthetic("1x2")).fs()})
	if err != nil {
		t.Fatal(err)
	}
	wantNote(t, topo, "more than 65536 entries")
}

func TestWhatIsNoRegularFileIsNotThere(t *testing.T) {
	m := treeOf(mustSynthetic("2x2")).fs().(fstest.MapFS)
	m[cpuDir+"/online"] = &fstest.MapFile{Mode: fs.ModeNamedPipe}
	m[nodeDir+"/online"] = &fstest.MapFile{Mode: fs.ModeDevice}
	m[nodeDir+"/node0/distance"] = &fstest.MapFile{Mode: fs.ModeDir}
	topo, err := Read(m)
	if err != nil {
		t.Fatal(err)
	}
	check(t, topo)
	wantCPUs(t, "online", topo.Online, "0-3")
	wantNote(t, topo, "cpu/online: cannot be read: not a regular file")
}

// inTime fails if f takes longer than any honest reading could.
func inTime(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { f(); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("still reading after a minute")
	}
}

func TestAnUnpackedTreeOfTrapsIsRead(t *testing.T) {
	dir := t.TempDir()
	for name, content := range treeOf(mustSynthetic("2x2")) {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("0\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	replace := func(name, target string) {
		os.RemoveAll(at(name))
		if err := os.Symlink(target, at(name)); err != nil {
			t.Skipf("this system makes no links: %v", err)
		}
	}
	replace(nodeDir+"/node0/cpumap", "cpumap")      // a loop
	replace(cpuDir+"/cpu3/cache", "..")             // a cycle of directories
	replace(nodeDir+"/node1/distance", "/dev/zero") // without end
	replace(cpuDir+"/online", outside)              // out of the tree
	pipe := makeFIFO(at(nodeDir + "/node1/meminfo.pipe"))
	if pipe {
		os.Remove(at(nodeDir + "/node1/meminfo"))
		os.Rename(at(nodeDir+"/node1/meminfo.pipe"), at(nodeDir+"/node1/meminfo"))
	}
	inTime(t, func() {
		topo, err := Load(dir)
		if err != nil {
			t.Error(err)
			return
		}
		check(t, topo)
		if topo.Node(0).CPUs.String() != "0-1" {
			t.Errorf("node 0 has CPUs %v", topo.Node(0).CPUs)
		}
		if pipe {
			wantNote(t, topo, "node1/meminfo")
		}
		var b bytes.Buffer
		if _, err := CaptureDir(&b, dir); err != nil {
			t.Error(err)
		}
	})
	// By the slow way, too, which follows links as the system does.
	inTime(t, func() {
		if topo, err := Read(os.DirFS(dir)); err != nil {
			t.Error(err)
		} else {
			check(t, topo)
		}
	})
}

func TestAnUnpackedTreeDoesNotShowItsReadersMachine(t *testing.T) {
	dir := t.TempDir()
	machine := treeOf(mustSynthetic("1x4"))
	if err := os.CopyFS(filepath.Join(dir, "other"), machine.fs()); err != nil {
		t.Fatal(err)
	}
	capture := filepath.Join(dir, "capture")
	if err := os.CopyFS(capture, tree{"proc/cpuinfo": "processor : 0\n"}.fs()); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "other", "sys"), filepath.Join(capture, "sys")); err != nil {
		t.Skipf("this system makes no links: %v", err)
	}
	for name, open := range map[string]func(string) (fs.FS, func() error, error){"as Load does": openDirFS, "without openat2": openRootFS} {
		fsys, done, err := open(capture)
		if err != nil {
			t.Fatal(err)
		}
		topo, err := Read(fsys)
		done()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		wantCPUs(t, name+": online", topo.Online, "0")
		wantCPUs(t, name+": offline", topo.Offline, "none")
	}
}
