//go:build numalab && linux

package numa

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"numasched/topology"

	"golang.org/x/sys/unix"
)

// These tests run as root in a virtual machine with several nodes, whose shape
// is in the environment: see scripts/numalab-test.sh. There a kernel that has
// nodes says where threads run and pages lie.

type labNode struct {
	ID     int
	CPUs   []int
	Memory int64
}

func lab(t *testing.T) (nodes []labNode, distances [][]int) {
	t.Helper()
	text := os.Getenv("NUMALAB_SHAPE")
	if text == "" {
		t.Skip("not in a virtual machine: run scripts/numalab-test.sh")
	}
	var shape struct {
		Nodes     []labNode
		Distances [][]int
	}
	if err := json.Unmarshal([]byte(text), &shape); err != nil {
		t.Fatal(err)
	}
	return shape.Nodes, shape.Distances
}

func withMemory(nodes []labNode) (ids []int) {
	for _, n := range nodes {
		if n.Memory > 0 {
			ids = append(ids, n.ID)
		}
	}
	return ids
}

// labPages returns n base pages that nothing has touched.
func labPages(t *testing.T, n int) []byte {
	t.Helper()
	mem := freshPages(t, n)
	syscall.Madvise(mem, syscall.MADV_NOHUGEPAGE)
	return mem
}

// withoutBalancing keeps the kernel from moving memory without a policy. It
// also hides such pages from move_pages while it thinks about them: see Locate.
func withoutBalancing(t *testing.T) {
	t.Helper()
	const name = "/proc/sys/kernel/numa_balancing"
	before, err := os.ReadFile(name)
	if err != nil {
		return // this kernel does not balance
	}
	if err := os.WriteFile(name, []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.WriteFile(name, before, 0) })
}

func wantPages(t *testing.T, what string, mem []byte, want map[int]int) {
	t.Helper()
	at, err := LocateRange(mem)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	got := at.Count()
	for node, n := range want {
		if got[node] != n {
			t.Errorf("%s: move_pages says pages by node %v, want %v", what, got, want)
			return
		}
	}
	maps, err := ReadMaps(0)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]int{}
	lo := uint64(addr(mem))
	for _, m := range maps {
		if m.Start >= lo && m.Start < lo+uint64(len(mem)) {
			for node, n := range m.Pages {
				seen[node] += int(n)
			}
		}
	}
	for node, n := range want {
		if seen[node] != n {
			t.Errorf("%s: numa_maps says pages by node %v, want %v", what, seen, want)
			return
		}
	}
}

func TestLabThreadsRunWhereTheyAreBound(t *testing.T) {
	nodes, _ := lab(t)
	locked(t, func() {
		for _, n := range nodes {
			for _, cpu := range n.CPUs {
				if err := SetAffinity(0, topology.CPUs(cpu)); err != nil {
					t.Fatal(err)
				}
				c, k := CurrentCPU()
				c2, k2 := getcpu()
				if c != cpu || k != n.ID || c2 != cpu || k2 != n.ID {
					t.Errorf("bound to CPU %d of node %d: runs on CPU %d of node %d, and by the system call on %d of %d",
						cpu, n.ID, c, k, c2, k2)
				}
			}
			if len(n.CPUs) == 0 {
				continue
			}
			if err := SetAffinity(0, topology.CPUs(n.CPUs...)); err != nil {
				t.Fatal(err)
			}
			for range 1000 {
				if _, k := CurrentCPU(); k != n.ID {
					t.Fatalf("bound to node %d: runs on node %d", n.ID, k)
				}
				runtime.Gosched()
			}
		}
	})
}

func TestLabEveryCallWorks(t *testing.T) {
	lab(t)
	for _, c := range Capabilities() {
		// Huge pages are neither reserved nor, on small machines, switched on.
		if c.State != Works && !strings.HasPrefix(c.Call, "huge pages") {
			t.Error(c)
		}
	}
}

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
	withoutBalancing(t)
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

func TestLabPagesMoveWhereTheyAreSent(t *testing.T) {
	nodes, _ := lab(t)
	withoutBalancing(t)
	ids := withMemory(nodes)
	mem := labPages(t, 64)
	touch(mem)
	var pages []unsafe.Pointer
	for i := 0; i < len(mem); i += os.Getpagesize() {
		pages = append(pages, unsafe.Pointer(&mem[i]))
	}
	status := make([]int32, len(pages))
	to := make([]int32, len(pages))
	for _, id := range ids {
		for i := range to {
			to[i] = int32(id)
		}
		if err := MovePages(pages, to, status, false); err != nil {
			t.Fatal(err)
		}
		wantPages(t, fmt.Sprintf("moved to node %d", id), mem, map[int]int{id: 64})
		// And by policy.
		other := ids[(slices.Index(ids, id)+1)%len(ids)]
		if err := SetPolicyOf(mem, BindTo(other), Move|Strict); err != nil {
			t.Fatal(err)
		}
		wantPages(t, fmt.Sprintf("bound to node %d with Move", other), mem, map[int]int{other: 64})
		if err := SetPolicyOf(mem, Policy{}, 0); err != nil {
			t.Fatal(err)
		}
		if other == id {
			continue
		}
		// And the whole process.
		if left, err := MigrateProcess(0, []int{other}, []int{id}); err != nil {
			t.Fatalf("migrate_pages: %d left, %v", left, err)
		}
		wantPages(t, fmt.Sprintf("migrated from node %d to %d", other, id), mem, map[int]int{id: 64})
	}
	// Strict refuses what lies elsewhere.
	if len(ids) > 1 {
		at, _ := LocateRange(mem[:1])
		other := ids[0]
		if int(at.Nodes[0]) == other {
			other = ids[1]
		}
		if err := SetPolicyOf(mem, BindTo(other), Strict); !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "other nodes") {
			t.Errorf("Strict with pages elsewhere: %v", err)
		}
	}
	for _, n := range nodes {
		if n.Memory == 0 {
			to[0] = int32(n.ID)
			if err := MovePages(pages[:1], to[:1], status[:1], false); err == nil && status[0] >= 0 && int(status[0]) == n.ID {
				t.Errorf("a page moved to node %d, which has no memory", n.ID)
			}
		}
	}
}

// The kernel stops at a page that it cannot move and writes no answer for those
// behind; MovePages has one for each page all the same.
func TestLabAPinnedPageStaysAndEveryPageHasAnAnswer(t *testing.T) {
	nodes, _ := lab(t)
	withoutBalancing(t)
	ids := withMemory(nodes)
	if len(ids) < 2 {
		t.Skip("one node with memory")
	}
	const n, pinned = 16, 5
	mem := labPages(t, n)
	if err := SetPolicyOf(mem, BindTo(ids[0]), 0); err != nil {
		t.Fatal(err)
	}
	touch(mem)
	wantPages(t, "before", mem, map[int]int{ids[0]: n})
	// A page that was lent to a pipe cannot move until it is read.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	size := os.Getpagesize()
	lent := unix.Iovec{Base: &mem[pinned*size]}
	lent.SetLen(size)
	if _, err := unix.Vmsplice(int(w.Fd()), []unix.Iovec{lent}, 0); err != nil {
		t.Skip("vmsplice: ", err)
	}
	var pages []unsafe.Pointer
	to, status := make([]int32, n), make([]int32, n)
	for i := range n {
		pages = append(pages, unsafe.Pointer(&mem[i*size]))
		to[i], status[i] = int32(ids[1]), 777
	}
	if err := MovePages(pages, to, status, false); err != nil {
		t.Fatal(err)
	}
	at, err := LocateRange(mem)
	if err != nil {
		t.Fatal(err)
	}
	if at.Nodes[pinned] != int32(ids[0]) {
		t.Skip("this kernel moves pages that are lent to a pipe")
	}
	for i := range status {
		if status[i] != at.Nodes[i] {
			t.Errorf("page %d lies on node %d, and its answer is %d", i, at.Nodes[i], status[i])
		}
	}
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

func TestLabChildrenInheritACleanMaskAfterRestoration(t *testing.T) {
	nodes, _ := lab(t)
	var all []int
	for _, n := range nodes {
		all = append(all, n.CPUs...)
	}
	want := topology.CPUs(all...).String()
	locked(t, func() {
		before, err := Affinity(0)
		if err != nil {
			t.Fatal(err)
		}
		narrow := topology.CPUs(nodes[0].CPUs...)
		if err := SetAffinity(0, narrow); err != nil {
			t.Fatal(err)
		}
		if got := child(t, "mask"); got != narrow.String() {
			t.Errorf("a child of a thread on %q has %q", narrow, got)
		}
		if err := SetAffinity(0, before); err != nil {
			t.Fatal(err)
		}
		if got := child(t, "mask"); got != want {
			t.Errorf("a child of a restored thread has %q, want %q", got, want)
		}
	})
}

// child runs this program as a child of the calling thread and returns what
// it says of itself.
func child(t *testing.T, what string) string {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run", "^TestLabChild$")
	cmd.Env = append(os.Environ(), "NUMA_LAB_CHILD="+what)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(out), "\n")
	return text
}

func TestLabChild(t *testing.T) {
	// Asked of the main thread, which is the one that was exec'ed.
	var text []byte
	switch os.Getenv("NUMA_LAB_CHILD") {
	case "":
		t.Skip("a helper of other tests")
	case "mask":
		cpus, err := Affinity(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(cpus.String())
	case "policy":
		p, err := CurrentPolicy() // every thread has inherited the main thread's
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(p.String())
	}
	fmt.Println(string(text))
}

func TestLabAnOfflineCPUIsAnErrorThatSaysSo(t *testing.T) {
	nodes, _ := lab(t)
	n := nodes[0]
	if len(n.CPUs) < 2 {
		t.Skip("node 0 has one CPU")
	}
	cpu := n.CPUs[len(n.CPUs)-1]
	online := fmt.Sprintf("/sys/devices/system/cpu/cpu%d/online", cpu)
	if err := os.WriteFile(online, []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	defer os.WriteFile(online, []byte("1"), 0)
	locked(t, func() {
		if err := SetAffinity(0, topology.CPUs(cpu)); err == nil || !strings.Contains(err.Error(), "online and allowed") {
			t.Errorf("bound to an offline CPU: %v", err)
		}
		// What is left of the node can still be used.
		if err := SetAffinity(0, topology.CPUs(n.CPUs...)); err != nil {
			t.Error(err)
		} else if got, _ := Affinity(0); got.Contains(cpu) {
			t.Errorf("mask %q holds the offline CPU %d", got, cpu)
		}
	})
}

func TestLabArenasAreProvenToLieOnTheirNode(t *testing.T) {
	nodes, _ := lab(t)
	for _, id := range withMemory(nodes) {
		for _, pages := range []PageKind{SystemPages, HugePages, ReservedHugePages} {
			reserved := fmt.Sprintf("/sys/devices/system/node/node%d/hugepages/hugepages-2048kB/nr_hugepages", id)
			if pages == ReservedHugePages {
				// A small node may be too fragmented; the arena needs two.
				os.WriteFile("/proc/sys/vm/compact_memory", []byte("1"), 0)
				if err := os.WriteFile(reserved, []byte("4"), 0); err != nil {
					t.Fatal(err)
				}
				if got, _ := os.ReadFile(reserved); len(got) > 0 && got[0] < '2' {
					t.Logf("node %d: the kernel finds only %s huge pages", id, strings.TrimSpace(string(got)))
					os.WriteFile(reserved, []byte("0"), 0)
					continue
				}
			}
			a, err := NewArena(id, ArenaOptions{Pages: pages})
			if err != nil {
				t.Fatal(err)
			}
			mem, err := a.Alloc(3 << 20)
			if err != nil {
				t.Errorf("node %d, page kind %d: %v", id, pages, err)
				continue
			}
			touch(mem)
			proof, err := a.Prove()
			if err == nil {
				err = proof.Err()
			}
			if err != nil || proof.Pages[id] < len(mem)/os.Getpagesize() {
				t.Errorf("node %d, page kind %d: %v, %v", id, pages, proof, err)
			}
			a.Free(mem)
			a.Scavenge()
			a.Close()
			os.WriteFile(reserved, []byte("0"), 0)
		}
	}
}

func TestLabAHeapsObjectsStayOnTheirNodesThroughChurnOfAllNodes(t *testing.T) {
	nodes, _ := lab(t)
	ids := withMemory(nodes)
	h, err := NewHeap(HeapOptions{Nodes: ids})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	caches := map[int]*Cache{}
	for _, id := range ids {
		if caches[id], err = h.NewCache(id); err != nil {
			t.Fatal(err)
		}
	}
	// Owners allocate on their node and free what the others allocated.
	type object struct {
		p    unsafe.Pointer
		node int
	}
	var live []object
	for round := range 20 {
		for _, id := range ids {
			for range 500 {
				live = append(live, object{mustAlloc(t, caches[id], 1000), id})
				*(*int)(live[len(live)-1].p) = round
			}
		}
		for i, o := range live {
			if i%3 != 0 {
				caches[ids[i%len(ids)]].Free(o.p)
			}
		}
		kept := live[:0]
		for i, o := range live {
			if i%3 == 0 {
				kept = append(kept, o)
			}
		}
		live = kept
	}
	// Ask the kernel for each object's page.
	for _, o := range live {
		at := []int32{0}
		if err := Locate([]unsafe.Pointer{o.p}, at); err != nil || int(at[0]) != o.node {
			t.Fatalf("an object of node %d lies on %d (%v)", o.node, at[0], err)
		}
	}
	proofs, err := h.Prove()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range proofs {
		if err := p.Err(); err != nil {
			t.Error(err)
		}
	}
	if w := h.Warnings(); len(w) > 0 {
		t.Error(w)
	}
}

func TestLabMoreThanANodeHasIsAnErrorAndNoOneIsKilled(t *testing.T) {
	nodes, _ := lab(t)
	ids := withMemory(nodes)
	last := nodes[slices.IndexFunc(nodes, func(n labNode) bool { return n.ID == ids[len(ids)-1] })]
	a, err := NewArena(last.ID, ArenaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var full *NodeFullError
	if _, err := a.Alloc(int(last.Memory) * 2); !errors.As(err, &full) || full.Node != last.ID || full.Free > last.Memory {
		t.Errorf("twice the node's memory: %v", err)
	}
	var got int64
	for got < 2*last.Memory {
		if _, err = a.Alloc(1 << 20); err != nil {
			break
		}
		got += 1 << 20
	}
	if !errors.As(err, &full) || got < last.Memory/4 || got > last.Memory {
		t.Errorf("%d of %d bytes in pieces, then %v", got, last.Memory, err)
	}
	a.Close()
	if len(ids) == 1 {
		return // there is no other memory to go on with
	}
	// The heap goes on, unbound, and says so.
	h, err := NewHeap(HeapOptions{Nodes: []int{last.ID}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	c, _ := h.NewCache(last.ID)
	for got = 0; got < last.Memory; got += 16 << 10 {
		*(*int)(mustAlloc(t, c, 16<<10)) = 1
	}
	w := h.Warnings()
	if len(w) != 1 || !strings.Contains(w[0], fmt.Sprintf("node %d", last.ID)) || !strings.Contains(w[0], "MB free") {
		t.Errorf("warnings: %q", w)
	}
	if s := h.Stats()[0]; s.Bound || s.Unbound == 0 {
		t.Errorf("%+v claims to be bound", s.Arena)
	}
}

func TestLabCountersSeeWhatWasAllocated(t *testing.T) {
	nodes, _ := lab(t)
	for _, id := range withMemory(nodes) {
		before, err := ReadCounters(os.DirFS("/"))
		if err != nil {
			t.Fatal(err)
		}
		const n = 4096
		mem := labPages(t, n)
		if err := SetPolicyOf(mem, BindTo(id), 0); err != nil {
			t.Fatal(err)
		}
		touch(mem)
		after, err := ReadCounters(os.DirFS("/"))
		if err != nil {
			t.Fatal(err)
		}
		d := after.Sub(before)
		i := slices.IndexFunc(d.Nodes, func(c NodeCounters) bool { return c.Node == id })
		if len(d.Nodes) != len(nodes) || i < 0 {
			t.Fatalf("counters of %d nodes", len(d.Nodes))
		}
		// The kernel counts in batches for each CPU, so a few may be missing.
		if hit := d.Nodes[i].Hit; hit < n-512 {
			t.Errorf("node %d: %d pages hit for %d touched", id, hit, n)
		}
	}
}

func TestLabACpusetsNodesAreTheOnlyOnesThatCanBeBound(t *testing.T) {
	nodes, _ := lab(t)
	ids := withMemory(nodes)
	if len(ids) < 2 {
		t.Skip("one node with memory")
	}
	const root = "/sys/fs/cgroup"
	const group = root + "/numa"
	put := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put(root+"/cgroup.subtree_control", "+cpuset")
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Fatal(err)
	}
	put(group+"/cpuset.mems", fmt.Sprint(ids[0]))
	put(group+"/cpuset.cpus", topology.CPUs(nodes[0].CPUs...).String())
	pid := fmt.Sprint(os.Getpid())
	put(group+"/cgroup.procs", pid)
	defer func() {
		put(root+"/cgroup.procs", pid)
		os.Remove(group)
	}()
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
