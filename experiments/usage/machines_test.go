package usage

import "testing"

// The machine of every preset can be shown and measured on, and is not this one.
func TestEveryPresetHasATopology(t *testing.T) {
	for _, name := range MachineNames() {
		for _, arg := range []string{name, "preset:" + name} {
			topo, err := Topology("from", arg)
			if err != nil {
				t.Error(err)
				continue
			}
			if topo.Origin != "preset:"+name || topo.IsHost() {
				t.Errorf("%s: origin %q, host %v", arg, topo.Origin, topo.IsHost())
			}
		}
	}
}
