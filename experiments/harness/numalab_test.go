//go:build numalab && linux

package harness

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

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

// The kernel says where the pages are that Gs wrote first and visit again: on
// their own node under numa, where chance has it under flat, and under a shuffled
// map where chance has it among the CPUs of a place. A place of two CPUs keeps a G
// on one of two, so that it is on its page's node half the time even if these two
// are on different nodes; memory that is bound to what a place believes to be its
// node may be never.
//
// The scheduler's own count agrees where it knows where threads are, that is
// where it binds them to what it believes are nodes and they are.
//
// The limits leave room for short runs while the computer below is busy; longer
// ones are in results/reference-virtual-4x2.
func TestLabVisitsAreLocalUnderNumaAlone(t *testing.T) {
	topo := labHost(t, 4)
	bench := HostBench(map[string]*topology.Topology{"lab": topo})
	for workload, params := range map[string]string{
		"page-pairs":  "n=64/pages=16/rounds=40/phase=5",
		"page-groups": "n=32/pages=16/rounds=40/phase=5",
		"page-yield":  "n=128/pages=16/rounds=40",
		"page-churn":  "n=128/rounds=120",
	} {
		for _, arm := range []struct {
			name     string
			reps     int
			min, max float64 // of local visits, per cent
		}{{"flat", 1, 10, 45}, {"numa", 3, 85, 100}, {"numa-wrongmap", 1, 0, 75}} {
			var pages, touched []float64
			for i := range arm.reps {
				out, err := bench(labCell(topo, arm.name, workload, params), Repetition{Runs: 1, Seed: uint64(i + 1)})
				if err != nil {
					t.Fatal(err)
				}
				pages = append(pages, valueOf(t, out, UnitPages))
				touched = append(touched, valueOf(t, out, UnitTouched))
			}
			slices.Sort(pages)
			slices.Sort(touched)
			kernel, books := pages[arm.reps/2], touched[arm.reps/2]
			t.Logf("%s under %s: %.1f %% of visits are local, by the scheduler's books %.1f %%", workload, arm.name, kernel, books)
			if kernel < arm.min || kernel > arm.max {
				t.Errorf("%s under %s: %.1f %% of visits are local (%v), want %v to %v", workload, arm.name, kernel, pages, arm.min, arm.max)
			}
			if d := kernel - books; arm.name == "numa" && (d < -6 || d > 6) {
				t.Errorf("%s under %s: the kernel counts %.1f %%, the scheduler %.1f %%", workload, arm.name, kernel, books)
			}
		}
	}
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
	if !out.Wanted || out.Bound || !strings.Contains(out.Why, gone.CPUs.String()) || !strings.Contains(out.Why, "online") {
		t.Errorf("bound %v because %q, want unbound and a reason that names CPUs %v and says that they are not online", out.Bound, out.Why, gone.CPUs)
	}
}
