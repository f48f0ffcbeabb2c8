//go:build numalab && linux

package numa

import (
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"
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
	withoutBalancing(t)
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

// withoutBalancing keeps the kernel from moving memory that has no policy of its
// own. While it looks for pages to move, it also hides them from move_pages: see
// Locate. A test that takes a few seconds under load meets both.
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

func TestLabEveryCallWorks(t *testing.T) {
	lab(t)
	for _, c := range Capabilities() {
		// Huge pages are neither reserved nor, on small machines, switched on.
		if c.State != Works && !strings.HasPrefix(c.Call, "huge pages") {
			t.Error(c)
		}
	}
}
