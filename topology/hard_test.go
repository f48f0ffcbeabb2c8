package topology

// The hard cases: machines that have broken other programs, each as the change
// it is to the files of a plain machine.

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sameMachine compares all that is reported of two machines.
func sameMachine(t *testing.T, got, want *Topology) {
	t.Helper()
	a, b := got.Report(), want.Report()
	if diff := cmp.Diff(b, a); diff != "" {
		t.Errorf("- want, + got:\n%s", diff)
	}
}

func ids(t *Topology) []int {
	var list []int
	for _, n := range t.Nodes {
		list = append(list, n.ID)
	}
	return list
}

func wantSets(t *testing.T, what string, got []CPUSet, want ...string) {
	t.Helper()
	var list []string
	for _, s := range got {
		list = append(list, s.String())
	}
	if !slices.Equal(list, want) {
		t.Errorf("%s: %q, want %q", what, list, want)
	}
}

func wantCPUs(t *testing.T, what string, got CPUSet, want string) {
	t.Helper()
	if got.String() != want {
		t.Errorf("%s: %v, want %s", what, got, want)
	}
}

func wantNote(t *testing.T, topo *Topology, want string) {
	t.Helper()
	if !slices.ContainsFunc(topo.Missing, func(n Note) bool { return strings.Contains(n.String(), want) }) {
		t.Errorf("Missing does not say %q: %q", want, topo.Missing)
	}
}

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

func TestNodeNumbersMayBeSparseAndLarge(t *testing.T) {
	tr := treeOf(mustSynthetic("3x2"))
	rename := map[string]string{"node1": "node8", "node2": "node130"}
	for _, name := range slices.Collect(maps.Keys(tr)) {
		for from, to := range rename {
			if rest, ok := strings.CutPrefix(name, nodeDir+"/"+from+"/"); ok {
				tr[nodeDir+"/"+to+"/"+rest] = tr[name]
				delete(tr, name)
			}
		}
	}
	tr.set(nodeDir+"/online", "0,8,130\n")
	tr.set(nodeDir+"/node8/distance", "21 10 31\n")
	topo := tr.read(t)
	if got := ids(topo); !slices.Equal(got, []int{0, 8, 130}) {
		t.Fatalf("nodes %v", got)
	}
	if d := topo.Distance(8, 130); d != 31 {
		t.Errorf("distance from 8 to 130 is %d, want 31", d)
	}
	if got := topo.NodeOf(5); got != 130 {
		t.Errorf("CPU 5 is on node %d, want 130", got)
	}
	if got := topo.Nearest(8); !slices.Equal(got, []int{8, 0, 130}) {
		t.Errorf("nearest to 8: %v", got)
	}
	if topo.Node(1) != nil || topo.Nearest(1) != nil || topo.Node(1000) != nil {
		t.Error("node 1 or node 1000 is there")
	}
}

func TestNodesWithoutCPUsAreMemory(t *testing.T) {
	tr := treeOf(mustSynthetic("2x2"))
	tr.set(nodeDir+"/online", "0-2\n")
	tr.set(nodeDir+"/node2/cpumap", "00000000\n")
	tr.set(nodeDir+"/node2/meminfo", "Node 2 MemTotal: 1024 kB\n")
	tr.set(nodeDir+"/node0/distance", "10 21 14\n")
	tr.set(nodeDir+"/node1/distance", "21 10 24\n")
	tr.set(nodeDir+"/node2/distance", "14 24 10\n")
	topo := tr.read(t)
	n := topo.Node(2)
	if n == nil || !n.CPUless || !n.CPUs.Empty() || n.Memory != 1<<20 {
		t.Fatalf("node 2: %+v", n)
	}
	if got := topo.Nearest(0); !slices.Equal(got, []int{0, 2, 1}) {
		t.Errorf("nearest to 0: %v", got)
	}
}

func TestNodesMayHaveNoMemory(t *testing.T) {
	tr := treeOf(mustSynthetic("2x2")).set(nodeDir+"/node1/meminfo", "Node 1 MemTotal: 0 kB\n")
	topo := tr.read(t)
	if n := topo.Node(1); n.Memory != 0 || n.CPUs.Len() != 2 {
		t.Errorf("node 1: %+v", n)
	}
	tr.drop(nodeDir + "/node1/meminfo")
	topo = tr.read(t)
	wantNote(t, topo, "node1/meminfo: not there")
}

func TestOfflineCPUsKeepNothingButTheirNumber(t *testing.T) {
	for name, hint := range map[string]func(tree){
		"the online file":      func(tr tree) { tr.set(cpuDir+"/online", "0-1,3\n") },
		"the CPU's own file":   func(tr tree) { tr.drop(cpuDir+"/online").set(cpuFile(2, "online"), "0\n") },
		"no topology of a CPU": func(tr tree) { tr.drop(cpuDir+"/online", cpuDir+"/cpu2/topology").set(cpuFile(2, "uevent"), "") },
	} {
		t.Run(name, func(t *testing.T) {
			tr := treeOf(mustSynthetic("2x2"))
			hint(tr)
			topo := tr.read(t)
			wantCPUs(t, "online", topo.Online, "0-1,3")
			wantCPUs(t, "offline", topo.Offline, "2")
			wantSets(t, "cores", topo.Cores, "0", "1", "3")
			wantSets(t, "packages", topo.Packages, "0-1", "3")
			wantCPUs(t, "node 1", topo.Node(1).CPUs, "3")
			if topo.NodeOf(2) != -1 {
				t.Errorf("offline CPU 2 is on node %d", topo.NodeOf(2))
			}
		})
	}
}

func TestAWholeNodeMayBeOffline(t *testing.T) {
	tr := treeOf(mustSynthetic("3x2")).drop(nodeDir+"/node1", cpuDir+"/cpu2/topology", cpuDir+"/cpu3/topology")
	tr.set(cpuDir+"/online", "0-1,4-5\n").set(nodeDir+"/online", "0,2\n")
	tr.set(nodeDir+"/node0/distance", "10 31\n").set(nodeDir+"/node2/distance", "32 10\n")
	topo := tr.read(t)
	if got := ids(topo); !slices.Equal(got, []int{0, 2}) {
		t.Fatalf("nodes %v", got)
	}
	// The columns are nodes 0 and 2, not 0 and 1.
	if topo.Distance(0, 2) != 31 || topo.Distance(2, 0) != 32 {
		t.Errorf("distances %v", topo.Distances)
	}
	// Its CPUs are offline, yet it is there.
	tr = treeOf(mustSynthetic("2x2")).set(cpuDir+"/online", "0-1\n")
	topo = tr.read(t)
	if n := topo.Node(1); n == nil || !n.CPUs.Empty() || n.CPUless {
		t.Errorf("node 1: %+v; want one with CPUs, none of them online", n)
	}
}

func TestHalfOfACoreMayBeOffline(t *testing.T) {
	// The masks of the threads left still name the others, as old kernels have it.
	tr := treeOf(mustSynthetic("1x1x1x4x2")).set(cpuDir+"/online", "0-1,2,5,7\n")
	topo := tr.read(t)
	wantSets(t, "cores", topo.Cores, "0-1", "2", "5", "7")
	if len(topo.L2) != 4 || topo.L2[1].CPUs.String() != "2" {
		t.Errorf("L2 %v", topo.L2)
	}
}

func TestDistancesMayBeAsymmetric(t *testing.T) {
	tr := treeOf(mustSynthetic("2x1")).set(nodeDir+"/node0/distance", "10 40\n").set(nodeDir+"/node1/distance", "20 10\n")
	topo := tr.read(t)
	if topo.Distance(0, 1) != 40 || topo.Distance(1, 0) != 20 {
		t.Errorf("distances %v", topo.Distances)
	}
}

func TestDistancesThatMakeNoSenseAreNone(t *testing.T) {
	for name, x := range map[string]struct{ row, note string }{
		"not there":    {"", "node1/distance: not there"},
		"not a number": {"21 x\n", `"21 x"`},
		"too short":    {"21\n", "1 distances for 2 nodes"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := treeOf(mustSynthetic("2x1"))
			if x.row == "" {
				tr.drop(nodeDir + "/node1/distance")
			} else {
				tr.set(nodeDir+"/node1/distance", x.row)
			}
			topo := tr.read(t)
			if topo.Distances != nil || topo.Distance(0, 1) != 20 || topo.Distance(1, 1) != 10 {
				t.Errorf("distances %v, from 0 to 1 %d", topo.Distances, topo.Distance(0, 1))
			}
			wantNote(t, topo, x.note)
		})
	}
}

func TestIdsAreNotTrusted(t *testing.T) {
	// RISC-V and old arm64 say -1 for the package; AMD repeats core ids; POWER's
	// are sparse.
	tr := treeOf(mustSynthetic("2x1x1x2x1"))
	for c := range 4 {
		tr.cpu(c, "topology/physical_package_id", "-1\n")
		tr.cpu(c, "topology/core_id", "7\n")
		tr.cpu(c, "topology/die_id", "-1\n")
	}
	topo := tr.read(t)
	wantSets(t, "packages", topo.Packages, "0-1", "2-3")
	wantSets(t, "cores", topo.Cores, "0", "1", "2", "3")
}

func TestAPackageThatOldKernelsSplitByNodeIsOne(t *testing.T) {
	// Two Haswells in cluster-on-die mode, as Linux 3.10 tells of them.
	tr := treeOf(mustSynthetic("4x1x1x7x1"))
	for c := range 28 {
		tr.cpu(c, "topology/physical_package_id", fmt.Sprint(c/14, "\n"))
		tr.cpu(c, "topology/core_id", fmt.Sprint(c%14+c%14/7, "\n")) // 0-6 and 8-14
	}
	topo := tr.read(t)
	wantSets(t, "packages", topo.Packages, "0-13", "14-27")
	wantNote(t, topo, "CPUs 0-13 are told to be 2 packages, and all to be of package 0")
	readsAndRoundTrips(t, tr.inMemory())
	// Virtual machines have packages that are all number 0, each with a core 0.
	for c := range 28 {
		tr.cpu(c, "topology/physical_package_id", "0\n")
		tr.cpu(c, "topology/core_id", fmt.Sprint(c%7, "\n"))
	}
	wantSets(t, "packages", tr.read(t).Packages, "0-6", "7-13", "14-20", "21-27")
	// And an id of -1 is none.
	for c := range 28 {
		tr.cpu(c, "topology/physical_package_id", "-1\n")
		tr.cpu(c, "topology/core_id", fmt.Sprint(c, "\n"))
	}
	wantSets(t, "packages", tr.read(t).Packages, "0-6", "7-13", "14-20", "21-27")
}

func TestCachesThatTheFirstCPULacks(t *testing.T) {
	for name, hint := range map[string]func(tree){
		"no directory": func(tr tree) { tr.drop(cpuDir + "/cpu0/cache") },
		"one cache": func(tr tree) {
			tr.drop(cpuDir+"/cpu0/cache/index1", cpuDir+"/cpu0/cache/index2", cpuDir+"/cpu0/cache/index3")
		},
		"nothing in it, and lists alone": func(tr tree) {
			tr.drop(cpuDir+"/cpu0/cache/index?/shared_cpu_list", cpuDir+"/cpu*/cache/index?/shared_cpu_map")
		},
	} {
		t.Run(name, func(t *testing.T) {
			tr := treeOf(mustSynthetic("2x1x1x2x1"))
			hint(tr)
			topo := tr.read(t)
			// What is shared with CPU 0 is not found: CPU 0 would have to tell of it.
			if len(topo.L2) != 3 || len(topo.L3) != 1 || topo.L3[0].CPUs.String() != "2-3" {
				t.Errorf("L2 %v, L3 %v", topo.L2, topo.L3)
			}
		})
	}
}

func TestACacheOfNoTypeIsUnified(t *testing.T) {
	tr := treeOf(mustSynthetic("1x2"))
	tr.drop(cpuFile(0, "cache/index3/type")).cpu(1, "cache/index2/type", "\n")
	if topo := tr.read(t); len(topo.L3) != 1 || len(topo.L2) != 2 || len(topo.L1d) != 2 {
		t.Errorf("L1d %v, L2 %v, L3 %v", topo.L1d, topo.L2, topo.L3)
	}
}

func TestThreadsOfOneSetWithOtherCoreIDsAreCores(t *testing.T) {
	// AMD's modules, and one of them with a thread offline.
	tr := treeOf(mustSynthetic("1x1x1x2x4"))
	for c := range 8 {
		tr.cpu(c, "topology/core_id", fmt.Sprintf("%d\n", c/2))
	}
	wantSets(t, "cores", tr.read(t).Cores, "0-1", "2-3", "4-5", "6-7")
	tr.set(cpuDir+"/online", "0-3,5-7\n")
	wantSets(t, "cores", tr.read(t).Cores, "0-1", "2-3", "5", "6-7")
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

func TestOnlineIsBelievedThoughTheRestContradictsIt(t *testing.T) {
	// lxcfs shows a container its own CPUs in `online`, and nothing else of them.
	topo := treeOf(mustSynthetic("1x2x1x4x2")).set(cpuDir+"/online", "3,5,12\n").read(t)
	wantCPUs(t, "online", topo.Online, "3,5,12")
	wantCPUs(t, "offline", topo.Offline, "0-2,4,6-11,13-15")
	wantSets(t, "cores", topo.Cores, "3", "5", "12")
	wantCPUs(t, "node 1", topo.Node(1).CPUs, "12")
	// CPUs that are listed and have no directory are not there.
	topo = treeOf(mustSynthetic("1x4")).set(cpuDir+"/online", "0-7\n").read(t)
	wantCPUs(t, "online", topo.Online, "0-3")
	wantNote(t, topo, "lists CPUs 4-7")
}

func TestACPUThatRunsUsIsOnlineWhateverOnlineSays(t *testing.T) {
	s := newSource(treeOf(mustSynthetic("1x4")).set(cpuDir+"/online", "0-1\n").fs())
	topo, err := read(s, CPUs(2, 3))
	if err != nil {
		t.Fatal(err)
	}
	check(t, topo)
	wantCPUs(t, "online", topo.Online, "0-3")
	wantCPUs(t, "allowed", topo.Allowed, "2-3")
}

func TestAllowedSets(t *testing.T) {
	for _, x := range []struct {
		name  string
		files tree
		cpus  string
		nodes []int
	}{
		{"nothing said", tree{}, "0-7", []int{0, 1}},
		{"cgroup v2", tree{
			"proc/self/cgroup": "0::/a/b\n", "proc/mounts": "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n",
			"sys/fs/cgroup/a/b/cpuset.cpus.effective": "0-2\n", "sys/fs/cgroup/a/b/cpuset.mems.effective": "1\n",
		}, "0-2", []int{1}},
		{"cgroup v2, controller off below", tree{
			"proc/self/cgroup":                      "0::/a/b/c\n",
			"sys/fs/cgroup/a/cpuset.cpus.effective": "4-5\n", "sys/fs/cgroup/cpuset.cpus.effective": "0-7\n", "sys/fs/cgroup/cpuset.mems.effective": "0-1\n",
		}, "4-5", []int{0, 1}},
		{"cgroup v2 at an odd place", tree{
			"proc/self/cgroup": "0::/x\n", "proc/self/mounts": "none /my\\040cgroups cgroup2 rw 0 0\n",
			"my cgroups/x/cpuset.cpus.effective": "6\n",
		}, "6", []int{0, 1}},
		{"cgroup v1", tree{
			"proc/self/cgroup": "3:cpu,cpuacct:/other\n2:cpuset:/slurm/job_1\n", "proc/mounts": "cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0\n",
			"sys/fs/cgroup/cpuset/slurm/job_1/cpuset.cpus": "1,3\n", "sys/fs/cgroup/cpuset/slurm/job_1/cpuset.mems": "0\n",
		}, "1,3", []int{0}},
		{"cgroup v1, where other sets are in effect than are configured", tree{
			"proc/self/cgroup": "2:cpuset:/j\n", "proc/mounts": "cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset,cpuset_v2_mode 0 0\n",
			"sys/fs/cgroup/cpuset/j/cpuset.cpus": "0-7\n", "sys/fs/cgroup/cpuset/j/cpuset.effective_cpus": "2-3\n",
			"sys/fs/cgroup/cpuset/j/cpuset.mems": "0-1\n", "sys/fs/cgroup/cpuset/j/cpuset.effective_mems": "0\n",
		}, "2-3", []int{0}},
		{"cgroup v1 seen from a container", tree{
			"proc/self/cgroup": "2:cpuset:/docker/0123456789ab\n", "proc/mounts": "cgroup /sys/fs/cgroup/cpuset cgroup ro,cpuset 0 0\n",
			"sys/fs/cgroup/cpuset/cpuset.cpus": "2-3\n", "sys/fs/cgroup/cpuset/cpuset.mems": "0-1\n",
		}, "2-3", []int{0, 1}},
		{"v1 for cpusets, v2 for the rest", tree{
			"proc/self/cgroup":                   "2:cpuset:/j\n0::/user.slice\n",
			"proc/mounts":                        "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\ncgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0\n",
			"sys/fs/cgroup/cpuset/j/cpuset.cpus": "0\n",
		}, "0", []int{0, 1}},
		{"legacy cpuset", tree{
			"proc/self/cpuset": "/batch\n", "proc/mounts": "none /dev/cpuset cpuset rw 0 0\n",
			"dev/cpuset/batch/cpus": "0-3\n", "dev/cpuset/batch/mems": "0\n", "dev/cpuset/cpus": "0-7\n",
		}, "0-3", []int{0}},
		{"legacy names in a cgroup", tree{
			"proc/self/cpuset": "/batch\n", "proc/mounts": "none /cg cgroup rw,cpuset,noprefix 0 0\n",
			"cg/batch/cpus": "7\n",
		}, "7", []int{0, 1}},
		{"taskset", tree{"proc/self/status": "Name:\tsh\nCpus_allowed:\t05\nCpus_allowed_list:\t0,2\nMems_allowed_list:\t0-1\n"}, "0,2", []int{0, 1}},
		{"a mask alone", tree{"proc/self/status": "Cpus_allowed:\t00000000,00000005\n"}, "0,2", []int{0, 1}},
		{"a thread narrower than its process", tree{
			"proc/self/status": "Cpus_allowed_list:\t0-7\n", "proc/thread-self/status": "Cpus_allowed_list:\t4\n",
		}, "4", []int{0, 1}},
		{"Slurm: a cpuset and a mask in it", tree{
			"proc/self/cgroup":                        "0::/job\n",
			"sys/fs/cgroup/job/cpuset.cpus.effective": "0-3\n", "proc/self/status": "Cpus_allowed_list:\t2-3\nMems_allowed_list:\t0\n",
		}, "2-3", []int{0}},
		{"CPUs beyond those there are", tree{"proc/self/status": "Cpus_allowed_list:\t0-255\nMems_allowed_list:\t0-63\n"}, "0-7", []int{0, 1}},
		{"none of those there are", tree{"proc/self/status": "Cpus_allowed_list:\t64-71\n"}, "0-7", []int{0, 1}},
		{"a path that climbs out", tree{
			"proc/self/cgroup": "0::/../../etc\n", "sys/fs/cgroup/cpuset.cpus.effective": "1\n",
		}, "1", []int{0, 1}},
		{"an empty set is the parent's", tree{
			"proc/self/cgroup": "2:cpuset:/a\n", "sys/fs/cgroup/cpuset/a/cpuset.cpus": "\n", "sys/fs/cgroup/cpuset/cpuset.cpus": "0-5\n",
		}, "0-5", []int{0, 1}},
	} {
		t.Run(x.name, func(t *testing.T) {
			tr := treeOf(mustSynthetic("2x4"))
			maps.Copy(tr, x.files)
			topo := tr.read(t)
			wantCPUs(t, "allowed", topo.Allowed, x.cpus)
			if !slices.Equal(topo.AllowedNodes.List(), x.nodes) {
				t.Errorf("allowed nodes %v, want %v", topo.AllowedNodes, x.nodes)
			}
			wantCPUs(t, "online", topo.Online, "0-7")
			readsAndRoundTrips(t, tr.inMemory())
		})
	}
}

func TestHybridCoresClustersAndDies(t *testing.T) {
	tr := treeOf(mustSynthetic("1x1x1x8x1"))
	for _, core := range [][]int{{0, 1}, {2, 3}} {
		for _, c := range core {
			tr.cpu(c, "topology/core_cpus", maskOf(CPUs(core...)))
			tr.cpu(c, "topology/core_id", fmt.Sprint(core[0]))
			tr.cpu(c, "topology/cluster_cpus", maskOf(CPUs(core...)))
		}
	}
	for c := 4; c < 8; c++ {
		tr.cpu(c, "topology/cluster_cpus", maskOf(CPURange(4, 8)))
		tr.cpu(c, "cache/index2/shared_cpu_map", maskOf(CPURange(4, 8)))
		tr.cpu(c, "cache/index2/size", "2048K")
	}
	for c := range 8 {
		tr.cpu(c, "topology/die_cpus", maskOf(CPURange(c/4*4, c/4*4+4)))
	}
	topo := tr.read(t)
	wantSets(t, "cores", topo.Cores, "0-1", "2-3", "4", "5", "6", "7")
	wantSets(t, "clusters", topo.Clusters, "0-1", "2-3", "4-7")
	wantSets(t, "dies", topo.Dies, "0-3", "4-7")
	if last := topo.L2[len(topo.L2)-1]; last.CPUs.String() != "4-7" || last.Bytes != 2<<20 {
		t.Errorf("L2 of the small cores: %+v", last)
	}
	// A die that is the package, and clusters of one, are no news.
	for c := range 8 {
		tr.cpu(c, "topology/die_cpus", maskOf(CPURange(0, 8)))
		tr.cpu(c, "topology/cluster_cpus", maskOf(CPUs(c)))
	}
	topo = tr.read(t)
	if len(topo.Dies)+len(topo.Clusters) != 0 {
		t.Errorf("dies %v, clusters %v", topo.Dies, topo.Clusters)
	}
}

func TestL3MayBeWiderThanANodeOrNarrower(t *testing.T) {
	snc, rome := treeOf(must(Preset("spr-2x8468-snc4"))).read(t), treeOf(must(Preset("rome-2x7742-nps4"))).read(t)
	if len(snc.L3) != 2 || len(snc.Nodes) != 8 || snc.L3Of(0) != snc.L3Of(13) || snc.NodeOf(0) == snc.NodeOf(13) {
		t.Errorf("SNC4: %d L3s on %d nodes", len(snc.L3), len(snc.Nodes))
	}
	if len(rome.L3) != 32 || rome.L3Of(0) == rome.L3Of(4) || rome.NodeOf(0) != rome.NodeOf(4) {
		t.Errorf("NPS4: %d L3s on %d nodes", len(rome.L3), len(rome.Nodes))
	}
}

func must(t *Topology, err error) *Topology {
	if err != nil {
		panic(err)
	}
	return t
}

func TestNodesMayOverlap(t *testing.T) {
	// Knights Landing in hybrid mode, as its firmware may tell it.
	tr := treeOf(mustSynthetic("2x4")).set(nodeDir+"/node1/cpumap", "ff\n")
	topo := tr.read(t)
	wantCPUs(t, "node 0", topo.Node(0).CPUs, "0-3")
	wantCPUs(t, "node 1", topo.Node(1).CPUs, "0-7")
	if topo.NodeOf(0) != 0 || topo.NodeOf(5) != 1 {
		t.Errorf("CPU 0 is on node %d, CPU 5 on node %d", topo.NodeOf(0), topo.NodeOf(5))
	}
}

func TestArchitectures(t *testing.T) {
	t.Run("s390x", func(t *testing.T) {
		// Books and drawers hold packages; there are no nodes and no caches.
		tr := treeOf(mustSynthetic("2x1x1x2x1")).drop(nodeDir, cpuDir+"/cpu*/cache/index*/*")
		for c := range 4 {
			tr.cpu(c, "topology/book_siblings", "f\n")
			tr.cpu(c, "topology/drawer_siblings", "f\n")
		}
		topo := tr.read(t)
		wantSets(t, "packages", topo.Packages, "0-1", "2-3")
		wantSets(t, "dies", topo.Dies)
	})
	t.Run("arm64", func(t *testing.T) {
		// Sizes of caches are not always known; clusters are.
		topo := treeOf(must(Preset("kunpeng-920"))).drop(cpuDir + "/cpu*/cache/index*/size").read(t)
		if len(topo.Clusters) != 32 || len(topo.L3) != 4 || topo.L3[0].Bytes != 0 {
			t.Errorf("%d clusters, L3 %v", len(topo.Clusters), topo.L3)
		}
	})
	t.Run("riscv64", func(t *testing.T) {
		tr := treeOf(mustSynthetic("1x4")).drop(nodeDir)
		for c := range 4 {
			tr.cpu(c, "topology/physical_package_id", "-1\n")
			tr.cpu(c, "topology/package_cpus", maskOf(CPUs(c)))
		}
		wantSets(t, "packages", tr.read(t).Packages, "0", "1", "2", "3")
	})
	t.Run("ppc64le", func(t *testing.T) {
		// SMT off: every eighth CPU is online, nodes are 0 and 8, and a GPU's
		// memory is node 255.
		tr := tree{cpuDir + "/online": "0,8,16,24\n", nodeDir + "/online": "0,8,255\n"}
		for c := range 32 {
			tr.cpu(c, "online", "0\n")
			if c%8 == 0 {
				tr.cpu(c, "topology/thread_siblings", maskOf(CPUs(c)))
				tr.cpu(c, "topology/core_siblings", maskOf(CPUs(c/16*16, c/16*16+8)))
				tr.cpu(c, "topology/physical_package_id", fmt.Sprint(c/16*8))
				tr.cpu(c, "topology/core_id", fmt.Sprint(c))
			}
		}
		tr.set(nodeDir+"/node0/cpumap", "101\n").set(nodeDir+"/node8/cpumap", "1010000\n").set(nodeDir+"/node255/cpumap", "0\n")
		for node, row := range map[int]string{0: "10 40 80", 8: "40 10 80", 255: "80 80 10"} {
			tr.set(fmt.Sprintf("%s/node%d/distance", nodeDir, node), row)
			tr.set(fmt.Sprintf("%s/node%d/meminfo", nodeDir, node), fmt.Sprintf("Node %d MemTotal: 1024 kB\n", node))
		}
		topo := tr.read(t)
		wantSets(t, "packages", topo.Packages, "0,8", "16,24")
		if topo.Offline.Len() != 28 || !slices.Equal(ids(topo), []int{0, 8, 255}) || !topo.Node(255).CPUless || topo.Distance(8, 255) != 80 {
			t.Errorf("offline %v, nodes %v", topo.Offline, topo.Nodes)
		}
	})
	t.Run("ia64", func(t *testing.T) {
		// An L3 that is shared by nobody is the core's own.
		tr := treeOf(mustSynthetic("1x2"))
		for c := range 2 {
			tr.cpu(c, "cache/index3/shared_cpu_map", "0\n")
		}
		topo := tr.read(t)
		if len(topo.L3) != 2 || topo.L3[1].CPUs.String() != "1" {
			t.Errorf("L3 %v", topo.L3)
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

func TestAMaskThatMakesNoSenseIsReadAsAList(t *testing.T) {
	tr := treeOf(mustSynthetic("1x1x1x2x2"))
	tr.cpu(0, "topology/core_cpus", "zz\n")
	topo := tr.read(t)
	wantSets(t, "cores", topo.Cores, "0-1", "2-3")
	wantNote(t, topo, `cpu0/topology/core_cpus: "zz": want a mask`)
}

func TestNumbersBeyondAllMachinesAreRefused(t *testing.T) {
	tr := treeOf(mustSynthetic("1x2")).set(cpuDir+"/online", "0-4294967295\n")
	topo := tr.read(t)
	wantCPUs(t, "online", topo.Online, "0-1")
	wantNote(t, topo, "cpu/online: \"0-4294967295\": want a list")
}
