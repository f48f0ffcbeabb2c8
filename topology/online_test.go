package topology

import (
	"bytes"
	"strings"
	"testing"
)

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

func TestHalfOfACoreMayBeOffline(t *testing.T) {
	// The masks of the threads left still name the others, as old kernels have it.
	tr := treeOf(mustSynthetic("1x1x1x4x2")).set(cpuDir+"/online", "0-1,2,5,7\n")
	topo := tr.read(t)
	wantSets(t, "cores", topo.Cores, "0-1", "2", "5", "7")
	if len(topo.L2) != 4 || topo.L2[1].CPUs.String() != "2" {
		t.Errorf("L2 %v", topo.L2)
	}
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

// What the affinity mask tells Host, the files of a capture tell its reader.
func TestACaptureKnowsWhatHostKnows(t *testing.T) {
	for _, x := range []struct {
		name     string
		change   func(tree)
		affinity string
	}{
		{"a container sees itself as CPU 0", func(tr tree) { tr.set(cpuDir+"/online", "0\n") }, "6"},
		{"numbers that are partly right", func(tr tree) { tr.set(cpuDir+"/online", "0-1\n") }, "0,6"},
		{"a container limited by its share of time", func(tr tree) { tr.set(cpuDir+"/online", "0-1\n") }, "0-7"},
		{"its CPU's directory is empty", func(tr tree) {
			tr.drop(cpuDir+"/cpu6").cpu(6, "online", "1\n")
		}, "6"},
		{"no CPU has masks", func(tr tree) {
			tr.drop(cpuDir+"/cpu*/topology/*").set(cpuDir+"/online", "0\n")
		}, "6"},
		{"no directory of CPUs", func(tr tree) {
			tr.drop("sys").set("proc/cpuinfo", "processor\t: 0\n")
		}, "6"},
		{"a CPU is offline", func(tr tree) {
			tr.set(cpuDir+"/online", "0-6\n").cpu(7, "online", "0\n")
		}, "0-3"},
	} {
		t.Run(x.name, func(t *testing.T) {
			tr := treeOf(mustSynthetic("2x4"))
			x.change(tr)
			tr.set("proc/self/status", "Cpus_allowed_list:\t"+x.affinity+"\n")
			affinity, err := ParseCPUList(x.affinity)
			if err != nil {
				t.Fatal(err)
			}
			live, err := read(newSource(tr.fs()), affinity)
			if err != nil {
				t.Fatal(err)
			}
			check(t, live)
			wantCPUs(t, "allowed", live.Allowed, x.affinity)
			var b bytes.Buffer
			if err := Capture(&b, tr.fs()); err != nil {
				t.Fatal(err)
			}
			fsys, err := OpenArchive(&b)
			if err != nil {
				t.Fatal(err)
			}
			captured, err := Read(fsys)
			if err != nil {
				t.Fatal(err)
			}
			sameMachine(t, captured, live)
		})
	}
}

func TestAMaskThatNamesEveryPossibleCPUBringsNoneUp(t *testing.T) {
	tr := treeOf(mustSynthetic("1x4")).set(cpuDir+"/online", "0-1\n").set("proc/self/status", "Cpus_allowed_list:\t0-255\n")
	tr.cpu(2, "online", "0\n")
	tr.drop(cpuDir+"/cpu3").cpu(3, "uevent", "")
	topo := tr.read(t)
	wantCPUs(t, "online", topo.Online, "0-1")
	wantCPUs(t, "offline", topo.Offline, "2-3")
}

// Phones plug CPUs in and out while their files are copied.
func TestCPUsOnlineWithoutATopologyAreNotOffline(t *testing.T) {
	tr := treeOf(mustSynthetic("1x8")).set(cpuDir+"/online", "0-4\n")
	for c := 2; c < 8; c++ {
		tr.drop(cpuFile(c, "topology"), cpuFile(c, "cache")).cpu(c, "uevent", "")
	}
	topo := tr.read(t)
	wantCPUs(t, "online", topo.Online, "0-1")
	wantCPUs(t, "offline", topo.Offline, "5-7")
	wantNote(t, topo, "CPUs 2-4 are online, and have no topology directory")
}

func TestATreeWithoutACPUOnlineIsRefusedByWhatItSays(t *testing.T) {
	for _, x := range []struct {
		tree tree
		want string
	}{
		{tree{"etc/passwd": "root"}, "want the files sys/devices/system/cpu"},
		{tree{cpuDir + "/online": "", cpuFile(0, "topology/core_cpus"): "", cpuFile(1, "topology/core_cpus"): ""}, "cpu/online lists none, though there are directories of CPUs 0-1"},
		{tree{cpuFile(0, "online"): "0", cpuFile(1, "online"): "0"}, "says that all are offline"},
	} {
		if _, err := Read(x.tree.fs()); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("error %v, want %q", err, x.want)
		}
	}
}

func TestNumbersBeyondAllMachinesAreRefused(t *testing.T) {
	tr := treeOf(mustSynthetic("1x2")).set(cpuDir+"/online", "0-4294967295\n")
	topo := tr.read(t)
	wantCPUs(t, "online", topo.Online, "0-1")
	wantNote(t, topo, "cpu/online: \"0-4294967295\": want a list")
}
