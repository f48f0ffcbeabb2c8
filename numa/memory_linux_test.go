package numa

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// needMemoryCalls skips where the kernel or a container refuses them.
func needMemoryCalls(t *testing.T) (nodes []int) {
	t.Helper()
	nodes, err := AllowedNodes()
	if err != nil {
		t.Skip("this process may not use memory policies: ", err)
	}
	return nodes
}

func freshPages(t *testing.T, n int) []byte {
	t.Helper()
	mem, err := mapMemory(n*os.Getpagesize(), os.Getpagesize(), SystemPages)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unmapMemory(mem) })
	return mem
}

func touch(mem []byte) {
	for i := 0; i < len(mem); i += os.Getpagesize() {
		mem[i] = 1
	}
}

func TestAThreadsPolicyIsWhatWasSet(t *testing.T) {
	nodes := needMemoryCalls(t)
	locked(t, func() {
		old, err := CurrentPolicy()
		if err != nil {
			t.Fatal(err)
		}
		defer SetPolicy(old)
		for _, p := range []Policy{
			{Mode: Bind, Nodes: nodes},
			{Mode: Bind, Flags: StaticNodes, Nodes: nodes},
			{Mode: Bind, Flags: RelativeNodes, Nodes: nodes},
			{Mode: Bind, Flags: Balancing, Nodes: nodes},
			{Mode: Preferred, Nodes: nodes[:1]},
			{Mode: Interleave, Nodes: nodes},
			{Mode: Local},
			{Mode: PreferredMany, Nodes: nodes},
			{Mode: WeightedInterleave, Nodes: nodes},
			{},
		} {
			err := SetPolicy(p)
			if errors.Is(err, syscall.EINVAL) && (p.Mode >= PreferredMany || p.Flags == Balancing) {
				t.Logf("this kernel does not know %v: %v", p, err)
				continue
			}
			if err != nil {
				t.Errorf("SetPolicy(%v): %v", p, err)
				continue
			}
			if got, err := CurrentPolicy(); err != nil || got.String() != p.String() {
				t.Errorf("after SetPolicy(%v): %v, %v", p, got, err)
			}
		}
	})
}

func TestMemoryKeepsItsPolicyWhenItsPagesAreGivenBack(t *testing.T) {
	nodes := needMemoryCalls(t)
	mem := freshPages(t, 4)
	want := BindTo(nodes[0])
	if err := SetPolicyOf(mem, want, 0); err != nil {
		t.Fatal(err)
	}
	touch(mem)
	if err := giveBack(mem); err != nil {
		t.Fatal(err)
	}
	got, err := PolicyOf(unsafe.Pointer(&mem[0]))
	if err != nil || got.String() != want.String() {
		t.Errorf("policy %v, error %v; want %v", got, err, want)
	}
	if at, err := LocateRange(mem); err != nil || at.Present() != 0 {
		t.Errorf("%d pages left, error %v", at.Present(), err)
	}
}

func TestTouchedPagesAreLocatedAndUntouchedOnesAreNot(t *testing.T) {
	nodes := needMemoryCalls(t)
	mem := freshPages(t, 3*pagesPerCall/2) // more than one batch
	half := mem[:len(mem)/2]
	touch(half)
	at, err := LocateRange(mem)
	if err != nil {
		t.Fatal(err)
	}
	if len(at.Nodes) != 3*pagesPerCall/2 || at.Present() != 3*pagesPerCall/4 {
		t.Errorf("%d of %d pages present", at.Present(), len(at.Nodes))
	}
	for i, node := range at.Nodes {
		if (node >= 0) != (i < len(at.Nodes)/2) {
			t.Fatalf("page %d of %d is on node %d; the first half was touched", i, len(at.Nodes), node)
		}
	}
	for node := range at.Count() {
		if !slices.Contains(nodes, node) {
			t.Errorf("pages on node %d, which is not among %v", node, nodes)
		}
	}
	// A range that begins inside a page includes that page.
	at, err = LocateRange(half[100 : os.Getpagesize()+1])
	if err != nil || len(at.Nodes) != 2 || at.Present() != 2 {
		t.Errorf("%d of %d pages present, error %v; want 2 of 2", at.Present(), len(at.Nodes), err)
	}
}

func TestMovingPagesToTheNodeTheyAreOnChangesNothing(t *testing.T) {
	needMemoryCalls(t)
	mem := freshPages(t, 2)
	touch(mem[:1])
	page := unsafe.Pointer(&mem[0])
	before, err := LocateRange(mem[:1])
	if err != nil {
		t.Fatal(err)
	}
	pages := []unsafe.Pointer{page, unsafe.Pointer(&mem[os.Getpagesize()])}
	to := []int32{before.Nodes[0], before.Nodes[0]}
	status := make([]int32, 2)
	if err := MovePages(pages, to, status, false); err != nil {
		t.Fatal(err)
	}
	if status[0] != before.Nodes[0] || status[1] >= 0 {
		t.Errorf("status %v; want node %d and an error for the untouched page", status, before.Nodes[0])
	}
	if left, err := MigrateProcess(0, []int{int(to[0])}, []int{int(to[0])}); err != nil || left != 0 {
		t.Errorf("migrate_pages: %d left, %v", left, err)
	}
}

func TestMemoryErrorsNameTheNodeAndWhatToDo(t *testing.T) {
	nodes := needMemoryCalls(t)
	const missing = 900
	allowed := "may use memory of node " + NodeList(nodes)
	mem := freshPages(t, 1)
	touch(mem)
	locked(t, func() {
		for _, c := range []struct {
			name string
			err  error
			says string
		}{
			{"set_mempolicy", SetPolicy(BindTo(missing)), "node 900 is offline, has no memory or is outside the cpuset: this process " + allowed},
			{"mbind", SetPolicyOf(mem, BindTo(missing), 0), allowed},
			{"mbind inside a page", SetPolicyOf(mem[8:16], BindTo(nodes[0]), 0), "begin a page"},
			{"no such ID", SetPolicy(BindTo(1 << 20)), "1048576 is not a node ID"},
			{"unmapped", SetPolicyOf(unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(&mem[0]), 1<<30)), 4096), BindTo(nodes[0]), 0), "not mapped"},
			{"move_pages", MovePages([]unsafe.Pointer{unsafe.Pointer(&mem[0])}, []int32{missing}, []int32{0}, false), "offline or does not exist"},
			{"move_pages to -1", MovePages([]unsafe.Pointer{unsafe.Pointer(&mem[0])}, []int32{-1}, []int32{0}, false), "-1 is not a node ID"},
			{"lengths", MovePages(make([]unsafe.Pointer, 2), []int32{0}, []int32{0, 0}, false), "2 pages and 1 target nodes"},
		} {
			if c.err == nil || !strings.Contains(c.err.Error(), c.says) {
				t.Errorf("%s: %v; want %q", c.name, c.err, c.says)
			}
		}
	})
}

func TestNumaMapsShowsTheMemoryThatWasBound(t *testing.T) {
	nodes := needMemoryCalls(t)
	mem := freshPages(t, 8)
	if err := SetPolicyOf(mem, Policy{Mode: Bind, Flags: StaticNodes, Nodes: nodes[:1]}, 0); err != nil {
		t.Fatal(err)
	}
	touch(mem)
	maps, err := ReadMaps(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range maps {
		if m.Start == uint64(uintptr(unsafe.Pointer(&mem[0]))) {
			if m.Pages[nodes[0]] != 8 || !strings.HasPrefix(m.Policy, "bind=static:") || m.PageBytes != int64(os.Getpagesize()) {
				t.Errorf("%+v; want 8 pages on node %d, bind=static", m, nodes[0])
			}
			return
		}
	}
	t.Errorf("no mapping at %p among %d", &mem[0], len(maps))
}

func TestACallThatWasProbedDoesWhatTheProbeSaid(t *testing.T) {
	before, _ := Affinity(0)
	caps := Capabilities()
	for _, c := range caps {
		if c.State != Works && c.Reason == "" || c.State == Works && (c.Reason != "" || c.Fix != "") {
			t.Errorf("%+v: a reason if and only if it does not work", c)
		}
		t.Log(c)
		if c.Call == "mbind" {
			if err := SetPolicyOf(freshPages(t, 1), Policy{Mode: Local}, 0); (err == nil) != (c.State == Works) {
				t.Errorf("%v, but mbind gives %v", c, err)
			}
		}
	}
	if after, _ := Affinity(0); !after.Equal(before) {
		t.Errorf("the probes changed the mask from %q to %q", before, after)
	}
	if len(caps) < 12 {
		t.Errorf("only %d probes", len(caps))
	}
}

func BenchmarkLocate(b *testing.B) {
	mem, err := mapMemory(64*os.Getpagesize(), os.Getpagesize(), SystemPages)
	if err != nil {
		b.Fatal(err)
	}
	defer unmapMemory(mem)
	touch(mem)
	pages := make([]unsafe.Pointer, 64)
	for i := range pages {
		pages[i] = unsafe.Pointer(&mem[i*os.Getpagesize()])
	}
	nodes := make([]int32, 64)
	for _, n := range []int{1, 64} {
		b.Run(map[int]string{1: "1page", 64: "64pages"}[n], func(b *testing.B) {
			for b.Loop() {
				Locate(pages[:n], nodes[:n])
			}
		})
	}
}

func BenchmarkPolicy(b *testing.B) {
	b.Run("current", func(b *testing.B) {
		for b.Loop() {
			CurrentPolicy()
		}
	})
	b.Run("allowed", func(b *testing.B) {
		for b.Loop() {
			AllowedNodes()
		}
	})
	b.Run("counters", func(b *testing.B) {
		for b.Loop() {
			ReadCounters(os.DirFS("/"))
		}
	})
	b.Run("capabilities", func(b *testing.B) {
		for b.Loop() {
			Capabilities()
		}
	})
}
