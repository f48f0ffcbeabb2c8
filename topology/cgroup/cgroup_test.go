package cgroup

import (
	"reflect"
	"slices"
	"testing"
	"testing/fstest"
)

func TestMountsOfEveryKind(t *testing.T) {
	got := ParseMounts([]byte(`proc /proc proc rw 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,cpu,cpuacct 0 0
none /my\040cgroups cgroup rw,cpuset,noprefix 0 0
none /dev/cpuset cpuset rw 0 0
cgroup / cgroup2 rw 0 0
short line
`))
	want := []struct {
		dir  string
		has  []string
		lack []string
		bare bool
	}{
		{"sys/fs/cgroup/unified", []string{"cpu", "memory", "cpuset"}, nil, false},
		{"sys/fs/cgroup/cpu,cpuacct", []string{"cpu", "cpuacct"}, []string{"cpuset", "memory"}, false},
		{"my cgroups", []string{"cpuset"}, []string{"cpu"}, true},
		{"dev/cpuset", []string{"cpuset"}, []string{"cpu"}, true},
	}
	if len(got) != len(want) {
		t.Fatalf("mounts %+v", got)
	}
	for i, w := range want {
		m := got[i]
		if m.Dir != w.dir || m.NoPrefix != w.bare {
			t.Errorf("mount %+v, want %+v", m, w)
		}
		for _, c := range w.has {
			if !m.Has(c) {
				t.Errorf("%s has no %s", m.Dir, c)
			}
		}
		for _, c := range w.lack {
			if m.Has(c) {
				t.Errorf("%s has %s", m.Dir, c)
			}
		}
	}
}

func TestPathsOfBothVersions(t *testing.T) {
	p := ParsePaths([]byte("9:name=systemd:/init\n4:cpu,cpuacct:/job/\n0::/user.slice/../x\nnonsense\n3:cpuset:relative\n"))
	want := Paths{Unified: "/x", V1: map[string]string{"name=systemd": "/init", "cpu": "/job", "cpuacct": "/job"}}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("%+v, want %+v", p, want)
	}
}

func TestUpEndsAtTheMountPoint(t *testing.T) {
	for group, want := range map[string][]string{
		"":           {"/"},
		"/":          {"/"},
		"/a/b":       {"/a/b", "/a", "/"},
		"/../../etc": {"/etc", "/"},
	} {
		if got := Up(group); !slices.Equal(got, want) {
			t.Errorf("up from %q: %q, want %q", group, got, want)
		}
	}
}

func TestDirsOfAControllerInEachHierarchy(t *testing.T) {
	hybrid := fstest.MapFS{
		"proc/self/mounts": {Data: []byte("t /sys/fs/cgroup tmpfs rw 0 0\nc /sys/fs/cgroup/unified cgroup2 rw 0 0\nc /cg/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n")},
		"proc/self/cgroup": {Data: []byte("4:cpu,cpuacct:/j\n0::/u/v\n")},
	}
	got := Dirs(hybrid, "cpu")
	for _, want := range []Dir{
		{"sys/fs/cgroup/unified/u/v", true}, {"sys/fs/cgroup/unified/u", true}, {"sys/fs/cgroup/unified", true},
		{"cg/cpu,cpuacct/j", false}, {"cg/cpu,cpuacct", false},
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no %+v in %+v", want, got)
		}
	}
	// A tree without mounts is searched where distributions mount.
	if got := Dirs(fstest.MapFS{}, "cpu"); !slices.Contains(got, Dir{"sys/fs/cgroup/cpu,cpuacct", false}) || !slices.Contains(got, Dir{"sys/fs/cgroup", true}) {
		t.Errorf("without mounts: %+v", got)
	}
}
