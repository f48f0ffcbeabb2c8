package explore

import (
	"fmt"
	"testing"
)

// What the search leaves out is equivalent to what it tries: every partial order
// of accesses that an execution can end with is met as well without leaving out
// points or states, and no other.
func TestReductionsLoseNothing(t *testing.T) {
	if raceDetector {
		t.Skip("tries everything, as the other tests of explorers that run in parallel need not")
	}
	for _, c := range []struct {
		program, arm    string
		cpus, gs, bound int
		long            bool // even within one preemption
	}{
		{"spawn", "flat", 2, 2, 1, false},
		{"spawn", "numa", 2, 1, 2, false},
		{"steal", "flat", 2, 2, 2, false},
		{"park", "gm", 2, 2, 1, false},
		{"again", "flat", 1, 1, 2, false},
		{"close", "flat", 1, 2, 3, false},
		{"close", "numa", 1, 2, 2, false},
		{"close", "gm", 1, 2, 2, false},
		{"fork", "flat", 2, 2, 1, false},
		{"handoff", "numa", 2, 3, 1, true},
		{"interrupt", "numa", 1, 1, 1, true},
		{"late", "flat", 1, 2, 1, true},
		{"lockedcall", "numa", 1, 2, 1, false},
		{"oversleep", "gm", 2, 2, 1, true},
		{"sleepers-close", "gm", 1, 2, 2, true},
		{"later", "flat", 2, 2, 1, true},
		{"home", "numa", 2, 2, 1, true},
		{"unwind", "flat", 1, 2, 3, false},
		{"mutex", "flat", 1, 2, 3, false},
		{"talk", "numa", 2, 3, 1, false},
	} {
		if c.bound > 1 && testing.Short() {
			continue
		}
		if !longTests() {
			if c.long {
				continue
			}
			c.bound = 1
		}
		t.Run(fmt.Sprint(c.program, "/", c.arm, "/", c.bound), func(t *testing.T) {
			t.Parallel()
			cfg := config(t, c.arm)
			cfg.CPUs, cfg.Gs, cfg.Bound = c.cpus, c.gs, c.bound
			p, _ := ProgramByName(c.program)
			all, n := ends(t, p, cfg, false)
			some, m := ends(t, p, cfg, true)
			t.Logf("%d ends, of %d interleavings and of %d", len(all), n, m)
			lost, odd := 0, 0
			for h := range all {
				if !some[h] {
					lost++
				}
			}
			for h := range some {
				if !all[h] {
					odd++
				}
			}
			if lost != 0 || odd != 0 {
				t.Errorf("%d ends were lost, and %d cannot be", lost, odd)
			}
		})
	}
}

// ends returns the hashes of the states that executions within the bound end in,
// and how many executions there were.
func ends(t *testing.T, p Program, cfg Config, reduce bool) (hashes map[uint64]bool, n int) {
	x, err := newMachine(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer x.discard()
	d := &search{seen: newTable(18)}
	d.restart(cfg.Bound)
	hashes = make(map[uint64]bool)
	for more := true; more; n++ {
		if err := x.execute(&p, &cfg, d); err != nil {
			t.Fatal(err)
		}
		if !d.cut {
			hashes[x.sum] = true
		}
		if !reduce {
			d.all = true
			for i := range x.marked {
				x.marked[i] = true
			}
			d.seen.clear()
			x.grew = n == 0
		}
		if x.grew {
			d.restart(cfg.Bound)
			continue
		}
		more = d.next()
	}
	return hashes, n
}
