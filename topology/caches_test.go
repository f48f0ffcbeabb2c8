package topology

import (
	"testing"
)

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

func TestL3MayBeWiderThanANodeOrNarrower(t *testing.T) {
	snc, rome := treeOf(must(Preset("spr-2x8468-snc4"))).read(t), treeOf(must(Preset("rome-2x7742-nps4"))).read(t)
	if len(snc.L3) != 2 || len(snc.Nodes) != 8 || snc.L3Of(0) != snc.L3Of(13) || snc.NodeOf(0) == snc.NodeOf(13) {
		t.Errorf("SNC4: %d L3s on %d nodes", len(snc.L3), len(snc.Nodes))
	}
	if len(rome.L3) != 32 || rome.L3Of(0) == rome.L3Of(4) || rome.NodeOf(0) != rome.NodeOf(4) {
		t.Errorf("NPS4: %d L3s on %d nodes", len(rome.L3), len(rome.Nodes))
	}
}
