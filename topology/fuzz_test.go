package topology

import (
	"bytes"
	"encoding/binary"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"numasched/topology/cgroup"
)

func FuzzCPUList(f *testing.F) {
	for _, s := range []string{"", "\n", "0-3,8\n", "0,2,4-7,16383", "5-3", "0-", "-1", "1,,2", "16384", "0-99999999999999999999", "0x3", "1 2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		set, err := ParseCPUList(s)
		if err != nil {
			return
		}
		if again, err := ParseCPUList(set.list()); err != nil || !again.Equal(set) {
			t.Fatalf("%q is %v, which reads back as %v, %v", s, set, again, err)
		}
	})
}

func FuzzCPUMask(f *testing.F) {
	for _, s := range []string{"", "0\n", "ff", "00000003", "00000001,00000000\n", "f,", ",f", "100000000", "0xf", strings.Repeat("ffffffff,", 600) + "1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		set, err := ParseCPUMask(s)
		if err != nil {
			return
		}
		if again, err := ParseCPUMask(maskOf(set)); err != nil || !again.Equal(set) {
			t.Fatalf("%q is %v, whose mask %s reads back as %v, %v", s, set, maskOf(set), again, err)
		}
	})
}

func FuzzDistances(f *testing.F) {
	for _, s := range []string{"", "10", "10 21\n", "10 21 -1", "10 99999999999999999999", "10\t20", "a b", strings.Repeat("10 ", 1025)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		row, err := parseDistances(b)
		if err != nil && row != nil || len(row) > maxNodes {
			t.Fatalf("%q gives %v, %v", b, row, err)
		}
		for _, d := range row {
			if d < 0 {
				t.Fatalf("%q gives %v", b, row)
			}
		}
	})
}

func FuzzMeminfo(f *testing.F) {
	for _, s := range []string{"", "MemTotal: 8 kB\n", "Node 0 MemTotal:       131072 kB\nNode 0 MemFree: 1 kB\n", "MemTotal: -1 kB", "MemTotal: 9223372036854775807 kB", "MemTotal:", "MemTotal: 1 MB"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := parseMemTotal(b); v < 0 || err != nil && v != 0 {
			t.Fatalf("%q gives %d, %v", b, v, err)
		}
		if v, err := parseSize(b); v < 0 || err != nil && v != 0 {
			t.Fatalf("%q gives %d, %v", b, v, err)
		}
	})
}

// FuzzCgroup feeds the parsers of allowed.go, and keeps them inside the tree.
func FuzzCgroup(f *testing.F) {
	f.Add([]byte("0::/user.slice\n"), []byte("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"), []byte("Cpus_allowed_list:\t0-3\nMems_allowed_list:\t0\n"))
	f.Add([]byte("4:cpu,cpuset:/../../x\n0::/\n"), []byte("none /dev/cpu\\040set cgroup rw,cpuset,noprefix 0 0\n"), []byte("Cpus_allowed_list:\tx\n"))
	f.Add([]byte("::::"), []byte("a b c"), []byte("Cpus_allowed_list"))
	base := treeOf(mustSynthetic("2x2"))
	f.Fuzz(func(t *testing.T, groups, mounts, status []byte) {
		paths := cgroup.ParsePaths(groups)
		for _, got := range append(slices.Collect(maps.Values(paths.V1)), paths.Unified) {
			if got != "" && (got[0] != '/' || strings.Contains(got+"/", "/../")) {
				t.Fatalf("%q gives the path %q", groups, got)
			}
		}
		tr := maps.Clone(base)
		tr["proc/self/cgroup"], tr["proc/mounts"], tr["proc/self/status"] = string(groups), string(mounts), string(status)
		readsAndRoundTrips(t, tr.inMemory())
	})
}

func FuzzHwlocXML(f *testing.F) {
	for _, s := range hwlocSamples {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		topo, err := ReadHwlocXML(bytes.NewReader(b))
		if err == nil {
			check(t, topo)
		} else if strings.Contains(err.Error(), "\n") {
			t.Fatalf("an error of several lines: %q", err)
		}
	})
}

// FuzzRead reads machines whose files have been changed, removed and added.
// The input is a list of edits: which machine; then file, operation, length and
// bytes of each edit.
func FuzzRead(f *testing.F) {
	bases := fuzzBases()
	f.Add([]byte{0})
	f.Add([]byte{1, 0, 3, 0, 2, '0', '\n', 0, 9, 1, 0})
	f.Add([]byte{2, 1, 0, 2, 4, '1', '-', '3', '\n', 0, 40, 3, 1, 'f'})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		tr := maps.Clone(bases[int(b[0])%len(bases)])
		names := slices.Sorted(maps.Keys(tr))
		for b = b[1:]; len(b) >= 4; {
			name := names[int(binary.BigEndian.Uint16(b))%len(names)]
			op, n := b[2]%5, int(b[3])
			b = b[4:]
			n = min(n, len(b))
			arg := string(b[:n])
			b = b[n:]
			switch old := tr[name]; op {
			case 0:
				delete(tr, name)
			case 1:
				tr[name] = arg
			case 2:
				tr[name] = old[:min(n, len(old))]
			case 3:
				tr[name] = old + arg
			case 4:
				tr[name] = arg + old
			}
		}
		readsAndRoundTrips(t, tr.inMemory())
	})
}

// FuzzOpen reads archives of any content.
func FuzzOpen(f *testing.F) {
	for _, tr := range fuzzBases()[:2] {
		var b bytes.Buffer
		if err := Capture(&b, tr.inMemory()); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fsys, err := OpenArchive(bytes.NewReader(b))
		if err != nil {
			return
		}
		if topo, err := Read(fsys); err == nil {
			check(t, topo)
		}
	})
}

// readsAndRoundTrips fails unless a tree that can be read gives a sound machine,
// and its capture the same one.
func readsAndRoundTrips(t testing.TB, fsys *memFS) {
	topo, err := Read(fsys)
	var captured bytes.Buffer // without gzip, which would take most of the time
	rec, captureErr := record(fsys)
	if captureErr == nil {
		captureErr = rec.write(&captured)
	}
	if (err == nil) != (captureErr == nil) {
		t.Fatalf("Read gives %v, Capture %v", err, captureErr)
	}
	if err != nil {
		return
	}
	check(t, topo)
	again, err := OpenArchive(&captured)
	if err != nil {
		t.Fatalf("the capture cannot be opened: %v", err)
	}
	second, err := Read(again)
	if err != nil {
		t.Fatalf("the capture cannot be read: %v", err)
	}
	a, b := topo.Report(), second.Report()
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("the capture gives another machine:\n%+v\n%+v", a, b)
	}
}

func mustSynthetic(spec string) *Topology {
	t, err := ParseSynthetic(spec)
	if err != nil {
		panic(err)
	}
	return t
}

// fuzzBases returns small machines of several kinds.
func fuzzBases() []tree {
	old := treeOf(mustSynthetic("2x2"))
	for _, name := range slices.Collect(maps.Keys(old)) {
		if n, ok := strings.CutSuffix(name, "/core_cpus"); ok {
			old[n+"/thread_siblings"] = old[name]
			delete(old, name)
			delete(old, n+"/core_cpus_list")
		}
		if n, ok := strings.CutSuffix(name, "/package_cpus"); ok {
			old[n+"/core_siblings_list"] = old[n+"/package_cpus_list"]
			delete(old, name)
			delete(old, n+"/package_cpus_list")
		}
	}
	limited := treeOf(mustSynthetic("1x2x1x2x2"))
	limited["proc/self/cgroup"] = "0::/a.slice/b.scope\n"
	limited["proc/self/mounts"] = "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"
	limited["proc/self/status"] = "Cpus_allowed_list:\t1-6\nMems_allowed_list:\t0-1\n"
	limited["sys/fs/cgroup/a.slice/cpuset.cpus.effective"] = "0-5\n"
	limited["sys/fs/cgroup/a.slice/cpuset.mems.effective"] = "1\n"
	bare := tree{"proc/cpuinfo": "processor\t: 0\nprocessor\t: 1\n", "proc/stat": "cpu  1\ncpu0 1\ncpu1 1\n", "proc/meminfo": "MemTotal: 8 kB\n"}
	return []tree{old, limited, bare, treeOf(mustSynthetic("1x1"))}
}
