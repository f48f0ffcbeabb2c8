package simulated

import (
	"fmt"
	"slices"
	"testing"

	"numasched/experiments/harness"
	"numasched/experiments/workload"
)

// A sweep has the arms of a cell side by side, then other numbers of Ps, programs and machines, and
// its shards together have each cell once. Machines are described even where a shard has none of
// their cells, so that what shards find can be merged.
func TestGridInOrderAndInShards(t *testing.T) {
	g := Grid{Seed: 7, Arms: []string{"flat", "numa"}, Programs: []workload.Program{workload.ByName("fib").Program(true), workload.ByName("uts").Program(true)}}
	for _, name := range []string{"synthetic:1x2", "synthetic:2x2"} {
		m := machine(t, name)
		g.Machines = append(g.Machines, Sized{Machine: m, Procs: []int{1, m.Topology.Allowed.Len()}})
	}
	names := func(sw *Sweep) (all []string) {
		for i := range sw.Cells {
			c := &sw.Cells[i]
			if c.Seed != g.Seed {
				t.Errorf("%s has seed %d, want %d", c.Title(), c.Seed, g.Seed)
			}
			all = append(all, fmt.Sprintf("%s %s P=%d", c.Preset.Name, c.Title(), c.Procs))
		}
		return all
	}
	sw, n := g.Sweep()
	all := names(sw)
	if n != 16 || len(all) != n || sw.Seed != g.Seed {
		t.Fatalf("%d of %d cells, seed %d: %q", len(all), n, sw.Seed, all)
	}
	for i, want := range map[int]string{0: "synthetic:1x2 fib flat P=1", 1: "synthetic:1x2 fib numa P=1", 2: "synthetic:1x2 fib flat P=2", 4: "synthetic:1x2 uts flat P=1", 8: "synthetic:2x2 fib flat P=1", 15: "synthetic:2x2 uts numa P=4"} {
		if all[i] != want {
			t.Errorf("cell %d is %q, want %q", i, all[i], want)
		}
	}
	var parts []string
	for i := range 3 {
		g.Shard = harness.Shard{Number: i + 1, Of: 3}
		sw, n := g.Sweep()
		if n != 16 || len(sw.Machines) != 2 {
			t.Errorf("shard %d: of %d cells, %d machines; want 16 and 2", i+1, n, len(sw.Machines))
		}
		parts = append(parts, names(sw)...)
	}
	slices.Sort(parts)
	slices.Sort(all)
	if !slices.Equal(parts, all) {
		t.Errorf("the shards together have\n%q\nwant\n%q", parts, all)
	}
}
