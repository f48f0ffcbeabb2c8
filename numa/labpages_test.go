//go:build numalab && linux

package numa

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestLabPagesMoveWhereTheyAreSent(t *testing.T) {
	nodes, _ := lab(t)
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

// The kernel stops at a page that it cannot move and writes no answer for the pages
// behind it. MovePages still has an answer for each page.
func TestLabAPinnedPageStaysAndEveryPageHasAnAnswer(t *testing.T) {
	nodes, _ := lab(t)
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
