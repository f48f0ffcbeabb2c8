package topology

import (
	"fmt"
	"testing"
)

func TestAPackageThatOldKernelsSplitByNodeIsOne(t *testing.T) {
	// Two Haswells in cluster-on-die mode, as Linux 3.10 tells of them.
	tr := treeOf(mustSynthetic("4x1x1x7x1"))
	for c := range 28 {
		tr.cpu(c, "topology/physical_package_id", fmt.Sprint(c/14, "\n"))
		tr.cpu(c, "topology/core_id", fmt.Sprint(c%14+c%14/7, "\n")) // 0-6 and 8-14
	}
	topo := tr.read(t)
	wantSets(t, "packages", topo.Packages, "0-13", "14-27")
	wantNote(t, topo, "CPUs 0-13 are reported as 2 packages, all with the id 0")
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
