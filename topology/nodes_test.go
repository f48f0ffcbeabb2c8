package topology

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

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

func TestANodeWhoseCPUsAreAllOfflineIsNotWithoutCPUs(t *testing.T) {
	tr := treeOf(mustSynthetic("2x2")).set(cpuDir+"/online", "0-1\n")
	tr.set(nodeDir+"/node1/cpumap", "0\n").set(nodeDir+"/node1/cpulist", "\n")
	if topo := tr.read(t); !topo.Node(1).CPUless {
		t.Error("nothing says that node 1 has CPUs, yet it is not CPUless")
	}
	tr.set(nodeDir+"/node1/cpu2/uevent", "").set(nodeDir+"/node1/cpu3/uevent", "")
	topo := tr.read(t)
	if n := topo.Node(1); n.CPUless || !n.CPUs.Empty() {
		t.Errorf("node 1, whose CPUs 2-3 are offline: %+v", n)
	}
	readsAndRoundTrips(t, tr.inMemory())
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
		"too long":     {"21 10 21\n", "3 distances for 2 nodes"},
		"zero":         {"0 0\n", "node*/distance: a distance is 0"},
		"far itself":   {"21 20\n", "node*/distance: the distance of a node from itself is 20, want 10"},
		"too near":     {"5 10\n", "node*/distance: a distance is 5, want at least 10"},
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
