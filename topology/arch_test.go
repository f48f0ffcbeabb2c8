package topology

import (
	"fmt"
	"slices"
	"testing"
)

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
	t.Run("sparc64", func(t *testing.T) {
		// Sizes in bytes beside the topology, and no cache directories.
		tr := treeOf(mustSynthetic("1x1x1x2x2")).drop(cpuDir + "/cpu*/cache/index*/*")
		for c := range 4 {
			tr.cpu(c, "l1_dcache_size", "16384\n")
			tr.cpu(c, "l2_cache_size", "131072\n")
		}
		topo := tr.read(t)
		want := []Cache{{CPUs(0, 1), 131072}, {CPUs(2, 3), 131072}}
		if !slices.EqualFunc(topo.L2, want, func(a, b Cache) bool { return a.CPUs.Equal(b.CPUs) && a.Bytes == b.Bytes }) || len(topo.L1d) != 2 {
			t.Errorf("L1d %v, L2 %v", topo.L1d, topo.L2)
		}
		wantNote(t, topo, "taken as each core's own")
		readsAndRoundTrips(t, tr.inMemory())
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
