package topology

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestTheFilesOfAMachineGiveThatMachine(t *testing.T) {
	for _, name := range Presets() {
		want, err := Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { sameMachine(t, treeOf(want).read(t), want) })
	}
	for _, spec := range []string{"1x1", "2x4", "2x2x2x2x2", "1x3x1x1x4", "64x4"} {
		want := mustSynthetic(spec)
		t.Run(spec, func(t *testing.T) {
			if len(want.Nodes) == 1 {
				want.Distances = nil // of one node says nothing
			}
			sameMachine(t, treeOf(want).read(t), want)
		})
	}
}

func Test2048CPUs(t *testing.T) {
	want := mustSynthetic("8x4x8x4x2")
	fsys := treeOf(want).inMemory()
	got, err := Read(fsys)
	if err != nil {
		t.Fatal(err)
	}
	sameMachine(t, got, want)
	var b bytes.Buffer
	if err := Capture(&b, fsys); err != nil {
		t.Fatal(err)
	}
	t.Logf("the capture has %d KB", b.Len()>>10)
	if b.Len() >= 1<<20 {
		t.Errorf("the capture of 2048 CPUs has %d bytes, want less than 1 MB", b.Len())
	}
	again, err := OpenArchive(&b)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Read(again)
	if err != nil {
		t.Fatal(err)
	}
	sameMachine(t, second, want)
}

func TestADirectoryMayBeMissing(t *testing.T) {
	t.Run("node", func(t *testing.T) {
		tr := treeOf(mustSynthetic("2x2")).drop(nodeDir).set("proc/meminfo", "MemTotal: 2048 kB\n")
		topo := tr.read(t)
		if !topo.OneNodeAssumed || len(topo.Nodes) != 1 || topo.Nodes[0].Memory != 2<<20 || topo.Nodes[0].CPUs.Len() != 4 {
			t.Errorf("nodes %+v", topo.Nodes)
		}
		wantNote(t, topo, "assumed one node 0")
	})
	t.Run("cache", func(t *testing.T) {
		topo := treeOf(mustSynthetic("2x2")).drop(cpuDir + "/cpu*/cache/index*/*").read(t)
		if len(topo.L1d)+len(topo.L2)+len(topo.L3) != 0 || topo.L3Of(0) != -1 {
			t.Errorf("caches %v %v %v", topo.L1d, topo.L2, topo.L3)
		}
		wantNote(t, topo, "caches are unknown")
	})
	t.Run("topology", func(t *testing.T) {
		topo := treeOf(mustSynthetic("2x2")).drop(cpuDir + "/cpu*/topology/*").read(t)
		wantCPUs(t, "online", topo.Online, "0-3")
		if len(topo.Cores)+len(topo.Packages) != 0 || topo.NodeOf(3) != 1 {
			t.Errorf("cores %v, packages %v, CPU 3 on node %d", topo.Cores, topo.Packages, topo.NodeOf(3))
		}
		if len(topo.L2) != 4 || len(topo.L3) != 2 {
			t.Errorf("L2 %v, L3 %v, of which the cache directories tell", topo.L2, topo.L3)
		}
		wantNote(t, topo, "cores are unknown")
		wantNote(t, topo, "packages are unknown")
	})
	t.Run("all but the directories of CPUs", func(t *testing.T) {
		topo := tree{cpuFile(0, "uevent"): "", cpuFile(1, "online"): "0\n", cpuFile(5, "online"): "1\n"}.read(t)
		wantCPUs(t, "online", topo.Online, "0,5")
		wantCPUs(t, "offline", topo.Offline, "1")
	})
	t.Run("all of sys", func(t *testing.T) {
		topo := tree{"proc/cpuinfo": "processor\t: 0\nprocessor\t: 2\n"}.read(t)
		wantCPUs(t, "online", topo.Online, "0,2")
	})
	t.Run("all but stat", func(t *testing.T) {
		wantCPUs(t, "online", tree{"proc/stat": "cpu  1 2\ncpu0 1 2\ncpu3 1 2\n"}.read(t).Online, "0,3")
	})
	t.Run("everything", func(t *testing.T) {
		if _, err := Read(tree{"etc/passwd": "root"}.fs()); err == nil || !strings.Contains(err.Error(), "no CPUs found") {
			t.Errorf("error %v", err)
		}
	})
}

func TestEveryAgeOfFileNames(t *testing.T) {
	want := mustSynthetic("1x2x2x2x2")
	renames := map[string]map[string]string{
		"before Linux 5.3": {"core_cpus": "thread_siblings", "core_cpus_list": "thread_siblings_list", "package_cpus": "core_siblings", "package_cpus_list": "core_siblings_list"},
		"masks alone":      {"core_cpus_list": "", "package_cpus_list": "", "shared_cpu_list": "", "cpulist": ""},
		"lists alone":      {"core_cpus": "", "package_cpus": "", "shared_cpu_map": "", "cpumap": ""},
	}
	for name, rename := range renames {
		t.Run(name, func(t *testing.T) {
			tr := treeOf(want)
			for _, file := range slices.Collect(maps.Keys(tr)) {
				dir, base := file[:strings.LastIndex(file, "/")+1], file[strings.LastIndex(file, "/")+1:]
				if to, ok := rename[base]; ok {
					if to != "" {
						tr[dir+to] = tr[file]
					}
					delete(tr, file)
				}
			}
			sameMachine(t, tr.read(t), want)
		})
	}
}
