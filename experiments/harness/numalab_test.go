//go:build numalab && linux

package harness

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"numasched/topology"
)

// These tests run as root in a virtual machine with several nodes, see
// scripts/numalab-test.sh.

func labHost(t *testing.T, nodes int) *topology.Topology {
	t.Helper()
	if os.Getenv("NUMALAB_SHAPE") == "" {
		t.Skip("not in a virtual machine: run scripts/numalab-test.sh")
	}
	topo, err := topology.Host()
	if err != nil {
		t.Fatal(err)
	}
	if len(topo.Nodes) != nodes {
		t.Skipf("%d nodes, and this is about %d", len(topo.Nodes), nodes)
	}
	return topo
}

func labCell(topo *topology.Topology, arm, workload, params string) *PlanCell {
	return &PlanCell{Cell: Cell{Workload: workload, Params: params, Arm: arm, Topo: "lab", Procs: topo.Allowed.Len()}}
}

func valueOf(t *testing.T, out Outcome, unit string) float64 {
	t.Helper()
	for _, v := range out.Values {
		if v.Unit == unit {
			return v.Value
		}
	}
	t.Fatalf("no %s among %v", unit, out.Values)
	return 0
}

// The kernel says where the pages are that Gs wrote first and visit again. Under
// numa they are on the Gs' own node. Under flat they are where chance has them:
// on one node in four. So they are under the shuffled map, whose places are dealt
// one CPU of each node: a G stays in its place, and its pages on one of the four
// nodes of that place; memory of the caches is bound to what the place believes
// to be its node, and that is where one of its four CPUs is.
//
// The scheduler's own count of visits agrees where threads are on the node that it
// believes they are on, that is under numa, and by getcpu they are.
//
// Two of at most four repetitions have to show it, each with its own seed and so
// its own deal. Where the computer below is busy, it runs one emulated CPU at a
// time: Gs of flat stay on that for want of others, and Go's runtime believes that
// Ms of numa have run for long, and brings them to other threads between two looks.
// A Work holds its thread, so that pages are where the scheduler believes them to be
// on a busy computer, too. The kernel moves no pages by itself meanwhile.
func TestLabVisitsAreLocalUnderNumaAlone(t *testing.T) {
	topo := labHost(t, 4)
	for _, n := range topo.Nodes {
		if n.CPUs.Len() < len(topo.Nodes) {
			t.Skipf("node %d has %d CPUs: a place of so few is no cross-section of %d nodes", n.ID, n.CPUs.Len(), len(topo.Nodes))
		}
	}
	leavePages(t)
	bench := HostBench(map[string]*topology.Topology{"lab": topo})
	for workload, params := range map[string]string{
		"page-pairs":  "n=64/pages=16/rounds=40/phase=5",
		"page-groups": "n=32/pages=16/rounds=40/phase=5",
		"page-yield":  "n=128/pages=16/rounds=40",
		"page-churn":  "n=128/rounds=15",
	} {
		for _, arm := range []struct {
			name     string
			min, max float64 // of local visits, per cent
		}{{"flat", 5, 60}, {"numa", 90, 100}, {"numa-wrongmap", 0, 5}, {"numa-randommap", 5, 60}} {
			good := 0
			for rep := 0; rep < 4 && good < 2; rep++ {
				out, err := bench(labCell(topo, arm.name, workload, params), Repetition{Runs: 1, Seed: uint64(rep + 1)})
				if err != nil {
					t.Fatal(err)
				}
				pages, touched, bound := valueOf(t, out, Pages.Unit), valueOf(t, out, Touched.Unit), 100.
				ok := pages >= arm.min && pages <= arm.max
				if arm.name == "numa" {
					bound = valueOf(t, out, OnNode.Unit)
					ok = ok && math.Abs(pages-touched) <= 5 && bound >= 99
				}
				if ok {
					good++
				}
				t.Logf("%s under %s: %.1f %% of visits are local, %.1f %% by the scheduler's count; threads on their node: %.1f %%; good: %v; %v",
					workload, arm.name, pages, touched, bound, ok, out.Elapsed.Round(time.Millisecond))
			}
			if good < 2 {
				t.Errorf("%s under %s: of the four repetitions above %d are good; want %v to %v %% of visits local, and under numa "+
					"at most 5 points from the scheduler's count, with threads on their node in 99 %% of samples", workload, arm.name, good, arm.min, arm.max)
			}
		}
	}
}

// leavePages turns off, until the test ends, what moves pages to the threads that use
// them: automatic NUMA balancing. In a run of a minute it moves thousands.
func leavePages(t *testing.T) {
	t.Helper()
	const file = "/proc/sys/kernel/numa_balancing"
	before, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return // this kernel has none
	}
	if err == nil {
		err = os.WriteFile(file, []byte("0"), 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.WriteFile(file, before, 0); err != nil {
			t.Error(err)
		}
	})
}

// A node whose CPUs go away while a program runs costs the binding of its Ms, and
// the result says so.
func TestLabANodeThatGoesOfflineIsAWarningInTheResult(t *testing.T) {
	topo := labHost(t, 2)
	gone := topo.Nodes[1]
	online := func(value string) {
		for cpu := range gone.CPUs.All() {
			if err := os.WriteFile(fmt.Sprintf("/sys/devices/system/cpu/cpu%d/online", cpu), []byte(value), 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	online("0")
	defer online("1")
	bench := HostBench(map[string]*topology.Topology{"lab": topo})
	out, err := bench(labCell(topo, "numa", "page-yield", "n=32/pages=4/rounds=50"), Repetition{Runs: 1, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if !out.Wanted || out.Bound || !strings.Contains(out.Why, gone.CPUs.String()) {
		t.Errorf("bound %v because %q, want unbound and a reason that names CPUs %v", out.Bound, out.Why, gone.CPUs)
	}
}
