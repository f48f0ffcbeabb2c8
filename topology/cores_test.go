package topology

import (
	"fmt"
	"testing"
)

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

func TestAMaskThatMakesNoSenseIsReadAsAList(t *testing.T) {
	tr := treeOf(mustSynthetic("1x1x1x2x2"))
	tr.cpu(0, "topology/core_cpus", "zz\n")
	topo := tr.read(t)
	wantSets(t, "cores", topo.Cores, "0-1", "2-3")
	wantNote(t, topo, `cpu0/topology/core_cpus: "zz": want a mask`)
}
