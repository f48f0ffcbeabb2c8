package main

import (
	"strings"
	"testing"

	"numasched/experiments/harness"
)

// The parts of a sweep, merged, are what the whole has.
func TestMergedShardsAreTheWhole(t *testing.T) {
	t.Chdir(t.TempDir())
	whole := append([]string{"sim"}, small("whole")...)
	if status, _, errs := cli(whole...); status != 0 {
		t.Fatal(errs)
	}
	for _, part := range []string{"1/3", "2/3", "3/3"} {
		args := append([]string{"sim", "--shard", part}, small("part"+part[:1])...)
		if status, _, errs := cli(args...); status != 0 {
			t.Fatal(errs)
		}
	}
	if status, _, errs := cli("merge", "--out", "merged", "part1", "part2", "part3"); status != 0 {
		t.Fatal(errs)
	}
	values := func(dir string) map[string][]harness.Value {
		res, err := harness.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		all := map[string][]harness.Value{}
		for _, m := range res.Measurements {
			all[m.Name()] = m.Values
		}
		return all
	}
	want, got := values("whole"), values("merged")
	if len(got) != len(want) {
		t.Errorf("%d cells, want %d", len(got), len(want))
	}
	for name, vs := range want {
		for i, v := range vs {
			if len(got[name]) != len(vs) || got[name][i] != v {
				t.Errorf("%s: %v, want %v", name, got[name], vs)
				break
			}
		}
	}
}

// A shard of a measurement has all arms of what it has, and the shards have everything
// once.
func TestShardsOfARunKeepArmsTogether(t *testing.T) {
	seen := map[string]int{}
	for _, part := range []string{"1/2", "2/2"} {
		f := runFlags{arms: "flat,numa", workloads: "fib,triad,spawn", topos: "host", procs: "1"}
		if err := f.shard.Set(part); err != nil {
			t.Fatal(err)
		}
		meta, _, err := f.plan()
		if err != nil {
			t.Fatal(err)
		}
		arms := map[string]int{}
		for _, c := range meta.Plan.Cells {
			seen[c.Name()]++
			arms[c.Workload]++
		}
		for load, n := range arms {
			if n != 2 {
				t.Errorf("shard %s has %d arms of %s, want both", part, n, load)
			}
		}
	}
	for name, n := range seen {
		if n != 1 || len(seen) != 6 {
			t.Errorf("%s is in %d shards; %d cells, want 6", name, n, len(seen))
		}
	}
}

func TestBadShards(t *testing.T) {
	for _, text := range []string{"", "1", "0/2", "3/2", "1/0", "1/2x", "+1/2", "-1/2"} {
		if err := new(shard).Set(text); err == nil {
			t.Errorf("%q is a shard", text)
		}
	}
	for _, args := range []string{"run --shard 9/9 --workload fib --arm flat --out x", "sim --preset synthetic:2x2 --shard 9/9", "sim --shard half"} {
		if status, _, errs := cli(strings.Fields(args)...); status != 2 || !strings.Contains(errs, "--shard") {
			t.Errorf("%s: status %d, %q", args, status, errs)
		}
	}
}
