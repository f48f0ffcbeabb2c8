//go:build numalab && linux

package numa

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"numasched/topology"
)

func TestLabPoliciesMayNameTheNodesWithMemory(t *testing.T) {
	nodes, _ := lab(t)
	got, err := AllowedNodes()
	if err != nil || !slices.Equal(got, withMemory(nodes)) {
		t.Errorf("allowed nodes %v, error %v; want %v", got, err, withMemory(nodes))
	}
	for _, n := range nodes {
		if n.Memory > 0 {
			continue
		}
		says := fmt.Sprintf("node %d is offline, has no memory", n.ID)
		if err := SetPolicy(BindTo(n.ID)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("a policy of node %d without memory: %v", n.ID, err)
		}
		if _, err := NewArena(n.ID, ArenaOptions{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("an arena on node %d without memory: %v", n.ID, err)
		}
	}
}

func TestLabBoundPagesLieWhereTheyWereAskedFor(t *testing.T) {
	nodes, _ := lab(t)
	ids := withMemory(nodes)
	locked(t, func() {
		for _, from := range nodes {
			if len(from.CPUs) == 0 {
				continue
			}
			if err := SetAffinity(0, topology.CPUs(from.CPUs...)); err != nil {
				t.Fatal(err)
			}
			for _, to := range ids {
				mem := labPages(t, 32)
				if err := SetPolicyOf(mem, BindTo(to), 0); err != nil {
					t.Fatal(err)
				}
				touch(mem)
				wantPages(t, fmt.Sprintf("bound to node %d, touched from %d", to, from.ID), mem, map[int]int{to: 32})

				// The same by the thread's policy.
				old, err := CurrentPolicy()
				if err != nil {
					t.Fatal(err)
				}
				if err := SetPolicy(BindTo(to)); err != nil {
					t.Fatal(err)
				}
				mem = labPages(t, 32)
				touch(mem)
				if err := SetPolicy(old); err != nil {
					t.Fatal(err)
				}
				wantPages(t, fmt.Sprintf("thread bound to node %d, on %d", to, from.ID), mem, map[int]int{to: 32})
			}
		}
	})
}

func TestLabFirstTouchAndInterleaveDoWhatTheyPromise(t *testing.T) {
	nodes, _ := lab(t)
	ids := withMemory(nodes)
	locked(t, func() {
		for _, n := range nodes {
			if len(n.CPUs) == 0 {
				continue
			}
			SetAffinity(0, topology.CPUs(n.CPUs...))
			mem := labPages(t, 16)
			touch(mem)
			if n.Memory > 0 {
				wantPages(t, fmt.Sprintf("touched on node %d", n.ID), mem, map[int]int{n.ID: 16})
			} else if at, err := LocateRange(mem); err != nil || at.Present() != 16 || at.On(n.ID) != 0 {
				t.Errorf("touched on node %d without memory: %v, %v", n.ID, at.Count(), err)
			}
		}
	})
	mem := labPages(t, 8*len(ids))
	if err := SetPolicyOf(mem, Policy{Mode: Interleave, Nodes: ids}, 0); err != nil {
		t.Fatal(err)
	}
	touch(mem)
	want := map[int]int{}
	for _, id := range ids {
		want[id] = 8
	}
	wantPages(t, "interleaved", mem, want)
}

func TestLabPoliciesSurviveWhatTheyShould(t *testing.T) {
	nodes, _ := lab(t)
	ids := withMemory(nodes)
	last := ids[len(ids)-1]
	mem := labPages(t, 16)
	if err := SetPolicyOf(mem, BindTo(last), 0); err != nil {
		t.Fatal(err)
	}
	touch(mem)
	if err := giveBack(mem); err != nil {
		t.Fatal(err)
	}
	touch(mem)
	wantPages(t, "given back and touched again", mem, map[int]int{last: 16})

	locked(t, func() {
		if err := SetPolicy(BindTo(last)); err != nil {
			t.Fatal(err)
		}
		// A child inherits the policy, through fork and exec.
		if got := child(t, "policy"); got != BindTo(last).String() {
			t.Errorf("a child of a thread with %v has %q", BindTo(last), got)
		}
		// Narrowing or widening the thread's mask leaves its policy alone.
		before, _ := Affinity(0)
		SetAffinity(0, topology.CPUs(before.First()))
		SetAffinity(0, before)
		if got, _ := CurrentPolicy(); got.String() != BindTo(last).String() {
			t.Errorf("policy %v after the mask changed", got)
		}
		if err := SetPolicy(Policy{}); err != nil {
			t.Fatal(err)
		}
		if got := child(t, "policy"); got != "default" {
			t.Errorf("a child of a restored thread has %q", got)
		}
	})
}

// inCpuset moves this process into a cgroup that allows the memory of the given nodes
// and the given CPUs, until the test ends. It returns a function that changes the
// nodes.
func inCpuset(t *testing.T, mems []int, cpus []int) (allow func(mems []int)) {
	t.Helper()
	const root = "/sys/fs/cgroup"
	const group = root + "/numa"
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	allow = func(mems []int) {
		t.Helper()
		put(group+"/cpuset.mems", NodeList(mems))
	}
	put(root+"/cgroup.subtree_control", "+cpuset")
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Fatal(err)
	}
	allow(mems)
	put(group+"/cpuset.cpus", topology.CPUs(cpus...).String())
	pid := fmt.Sprint(os.Getpid())
	put(group+"/cgroup.procs", pid)
	t.Cleanup(func() {
		put(root+"/cgroup.procs", pid)
		os.Remove(group)
	})
	return allow
}

func TestLabACpusetsNodesAreTheOnlyOnesThatCanBeBound(t *testing.T) {
	nodes, _ := lab(t)
	ids := withMemory(nodes)
	if len(ids) < 2 {
		t.Skip("one node with memory")
	}
	inCpuset(t, ids[:1], nodes[0].CPUs)
	if got, err := AllowedNodes(); err != nil || !slices.Equal(got, ids[:1]) {
		t.Errorf("allowed nodes %v, %v; want %v", got, err, ids[:1])
	}
	if _, err := NewArena(ids[1], ArenaOptions{}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("may use memory of node %d", ids[0])) {
		t.Errorf("an arena outside the cpuset: %v", err)
	}
	h, err := NewHeap(HeapOptions{Nodes: ids})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for _, id := range ids {
		if _, err := h.NewCache(id); err != nil {
			t.Error(err)
		}
	}
	if w := h.Warnings(); len(w) != len(ids)-1 {
		t.Errorf("%d nodes outside the cpuset, warnings %q", len(ids)-1, w)
	}
	if len(nodes) > 1 && len(nodes[1].CPUs) > 0 {
		err := SetAffinity(0, topology.CPUs(nodes[1].CPUs...))
		if err == nil || !strings.Contains(err.Error(), "allows "+topology.CPUs(nodes[0].CPUs...).String()) {
			t.Errorf("CPUs outside the cpuset: %v", err)
		}
	}
}

// When the cpuset loses a node of a heap, a warning names the node, and the heap goes
// on with memory from elsewhere.
func TestLabANodeThatLeavesTheCpusetIsAWarning(t *testing.T) {
	nodes, _ := lab(t)
	ids := withMemory(nodes)
	if len(ids) < 2 {
		t.Skip("one node with memory")
	}
	allow := inCpuset(t, ids, nodes[0].CPUs)
	gone := ids[1]
	h, err := NewHeap(HeapOptions{Nodes: ids})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	c, err := h.NewCache(gone)
	if err != nil {
		t.Fatal(err)
	}
	kept := mustAlloc(t, c, 100<<10) // so that the chunk, and its policy, stay
	if w := h.Warnings(); len(w) != 0 {
		t.Fatalf("before: %q", w)
	}
	allow(ids[:1])
	p := mustAlloc(t, c, 100<<10)
	*(*int)(p) = 1
	if w := h.Warnings(); len(w) != 1 || !strings.Contains(w[0], fmt.Sprintf("node %d", gone)) || !strings.Contains(w[0], "cpuset") {
		t.Errorf("warnings %q, want one that names node %d and the cpuset", w, gone)
	}
	if st := h.Stats()[1]; st.Bound || st.Unbound == 0 {
		t.Errorf("bound %v with %d bytes unbound, want unbound memory and a node that says so", st.Bound, st.Unbound)
	}
	allow(ids)
	c.Free(kept)
	c.Free(p)
}
