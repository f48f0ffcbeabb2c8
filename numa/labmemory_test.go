//go:build numalab && linux

package numa

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

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
