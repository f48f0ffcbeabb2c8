package numa

import (
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// pretended returns a heap on nodes that need not exist, with a cache on each.
func pretended(t testing.TB, debug bool, nodes ...int) (*Heap, []*Cache) {
	t.Helper()
	h, err := NewHeap(HeapOptions{Nodes: nodes, Unbound: true, Debug: debug})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	var caches []*Cache
	for _, n := range nodes {
		c, err := h.NewCache(n)
		if err != nil {
			t.Fatal(err)
		}
		caches = append(caches, c)
	}
	return h, caches
}

func mustAlloc(t testing.TB, c *Cache, size int) unsafe.Pointer {
	t.Helper()
	p, err := c.Alloc(size)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The test compares the heap with a model: a list of objects with what was written to
// each. Caches of any node free objects, caches are flushed, memory is scavenged.
func TestObjectsAreTheirOwnersAloneWhateverHappens(t *testing.T) {
	for _, debug := range []bool{false, true} {
		rapid.Check(t, func(t *rapid.T) {
			h, err := NewHeap(HeapOptions{Nodes: []int{0, 7, 130}, Unbound: true, Debug: debug})
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			var caches []*Cache
			for i := range 5 {
				c, _ := h.NewCache(h.Nodes()[i%3])
				caches = append(caches, c)
			}
			type object struct {
				mem  []byte
				mark byte
				home uint16
			}
			var live []object
			check := func(o object) {
				for _, b := range o.mem {
					if b != o.mark {
						t.Fatalf("an object of %d bytes was overwritten: %d, not %d", len(o.mem), b, o.mark)
					}
				}
			}
			anyCache := rapid.SampledFrom(caches)
			anySize := rapid.OneOf(rapid.IntRange(0, 200), rapid.SampledFrom([]int{64, 64, 64, 1024}), rapid.IntRange(0, maxSmall),
				rapid.IntRange(maxSmall, 3*blockBytes))
			var mark byte
			alloc := func(c *Cache, size int) {
				p, err := c.Alloc(size)
				if err != nil {
					t.Fatal(err)
				}
				mark++
				o := object{unsafe.Slice((*byte)(p), size), mark, c.home}
				for i := range o.mem {
					o.mem[i] = mark
				}
				if info := headerOf(p).info[blockOf(p)]; info.home != c.home {
					t.Fatalf("a cache of node %d allocated on %d", c.home, info.home)
				}
				if uintptr(p)%16 != 0 {
					t.Fatalf("%p is not aligned", p)
				}
				live = append(live, o)
			}
			free := func(c *Cache, i int) {
				check(live[i])
				c.Free(unsafe.Pointer(unsafe.SliceData(live[i].mem)))
				live[i] = live[len(live)-1]
				live = live[:len(live)-1]
			}
			t.Repeat(map[string]func(*rapid.T){
				"alloc": func(t *rapid.T) { alloc(anyCache.Draw(t, "cache"), anySize.Draw(t, "size")) },
				"many": func(t *rapid.T) {
					c, size := anyCache.Draw(t, "cache"), anySize.Draw(t, "size")
					for range rapid.IntRange(0, 300).Draw(t, "n") {
						alloc(c, min(size, 4096))
					}
				},
				"free": func(t *rapid.T) {
					if len(live) == 0 {
						t.Skip()
					}
					free(anyCache.Draw(t, "cache"), rapid.IntRange(0, len(live)-1).Draw(t, "object"))
				},
				"free half": func(t *rapid.T) {
					c := anyCache.Draw(t, "cache")
					for range len(live) / 2 {
						free(c, int(mark)%len(live))
					}
				},
				"flush":    func(t *rapid.T) { anyCache.Draw(t, "cache").Flush() },
				"scavenge": func(t *rapid.T) { h.Scavenge() },
			})
			// The statistics add up to the model once nothing is cached.
			for _, c := range caches {
				c.Flush()
			}
			h.Scavenge()
			out := map[[2]int]int{}
			large := map[int]int64{}
			for _, o := range live {
				check(o)
				node := h.Nodes()[o.home-h.base]
				if len(o.mem) > maxSmall {
					large[node] += int64(len(o.mem))
				} else {
					out[[2]int{node, int(classSize[classOf(len(o.mem))])}]++
				}
			}
			for _, n := range h.Stats() {
				if n.Large != large[n.Node] {
					t.Fatalf("node %d: %d large bytes, want %d", n.Node, n.Large, large[n.Node])
				}
				for _, c := range n.Classes {
					if want := out[[2]int{n.Node, c.Size}]; c.Out != want || c.Stashed != 0 || c.Objects < want || want == 0 && c.Spans != 0 {
						t.Fatalf("node %d: %+v, want %d out", n.Node, c, want)
					}
				}
			}
			for len(live) > 0 {
				free(caches[0], len(live)-1)
			}
			for _, c := range caches {
				c.Flush()
			}
			h.Scavenge()
			for _, n := range h.Stats() {
				if n.Arena.InUse != 0 || runtime.GOOS == "linux" && n.Arena.Mapped != 0 {
					t.Fatalf("node %d: %+v left of an empty heap", n.Node, n.Arena)
				}
			}
		})
	}
}

func TestASpanIsUsedToItsLastObjectBeforeTheNextIsMade(t *testing.T) {
	h, c := pretended(t, false, 0)
	const each = blockBytes / 64
	for i := range 3 * each {
		mustAlloc(t, c[0], 64)
		if k := h.Stats()[0].Classes[0]; k.Spans != i/each+1 || k.Objects != k.Spans*each {
			t.Fatalf("%d objects of 64 bytes lie in %d spans of %d objects", i+1, k.Spans, k.Objects)
		}
	}
}

func TestAFreeOnAnotherNodeComesHomeInBatches(t *testing.T) {
	h, c := pretended(t, false, 0, 1)
	const n = 10 * 64
	var objects []unsafe.Pointer
	for range n {
		objects = append(objects, mustAlloc(t, c[0], 64))
	}
	for _, p := range objects {
		c[1].Free(p)
	}
	stats := h.Stats()
	if len(stats[1].Classes) != 0 {
		t.Errorf("node 1 kept objects of node 0: %+v", stats[1])
	}
	if k := stats[0].Classes[0]; k.Homing != n/64 || k.Returns != 0 {
		t.Errorf("%d objects came home in %d batches: %+v", n, k.Homing, k)
	}
	// They are node 0's again.
	again := map[unsafe.Pointer]bool{}
	for range n {
		again[mustAlloc(t, c[0], 64)] = true
	}
	for _, p := range objects {
		if !again[p] {
			t.Errorf("%p was not given out again on its node", p)
		}
	}
}

func TestManyOwnersAllocateAndFreeEachOthersObjects(t *testing.T) {
	_, c := pretended(t, false, 0, 1, 0+2, 3)
	var owners sync.WaitGroup
	pipes := make([]chan []uint64, len(c))
	for i := range pipes {
		pipes[i] = make(chan []uint64, 100)
	}
	const each = 20000
	for i, c := range c {
		owners.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			sent, got := 0, 0
			for sent < each || got < each {
				out := pipes[(i+1)%len(pipes)]
				var msg []uint64
				if sent < each {
					words := 1 + rng.IntN(60)
					p, err := c.Alloc(words * 8)
					if err != nil {
						t.Error(err)
						return
					}
					msg = unsafe.Slice((*uint64)(p), words)
					for k := range msg {
						msg[k] = uint64(words)
					}
				} else {
					out = nil
				}
				select {
				case out <- msg:
					sent++
				case m := <-pipes[i]:
					if msg != nil {
						c.Free(unsafe.Pointer(&msg[0]))
					}
					got++
					for _, w := range m {
						if w != uint64(len(m)) {
							t.Errorf("a message of %d words holds %d", len(m), w)
						}
					}
					c.Free(unsafe.Pointer(&m[0]))
				}
			}
			c.Flush()
		})
	}
	owners.Wait()
}

func TestHeapsAreRefusedWithoutSensibleNodes(t *testing.T) {
	for _, nodes := range [][]int{nil, {0, 0}, {-2}, {Anywhere, Anywhere}} {
		if _, err := NewHeap(HeapOptions{Nodes: nodes}); err == nil {
			t.Errorf("nodes %v were taken", nodes)
		}
	}
	h, c := pretended(t, false, 3, 5)
	if _, err := h.NewCache(4); err == nil || !strings.Contains(err.Error(), "no node 4") || !strings.Contains(err.Error(), "[3 5]") {
		t.Errorf("unknown node: %v", err)
	}
	if _, err := c[0].Alloc(-1); err == nil {
		t.Error("a negative size was taken")
	}
}

// The heap has memory of a node and memory of no node in particular. Each object goes
// back to the memory that it came from, whoever frees it.
func TestObjectsFromAnywhereGoBackThere(t *testing.T) {
	h, c := pretended(t, false, 3, Anywhere)
	for i := range c {
		p := mustAlloc(t, c[i], 64)
		c[1-i].Free(p)
		c[1-i].Flush()
		c[i].Flush()
		if got := mustAlloc(t, c[i], 64); got != p {
			t.Errorf("cache of node %d: %p did not come back, but %p", c[i].Node(), p, got)
		}
	}
	for _, s := range h.Stats() {
		if len(s.Classes) != 1 || s.Classes[0].Homing != 1 {
			t.Errorf("node %d: %+v, want one batch that came home", s.Node, s.Classes)
		}
	}
	if w := h.Warnings(); len(w) != 0 {
		t.Errorf("warnings: %q", w)
	}
}

// A block knows which heap owns it.
func TestAnotherHeapsObjectIsRefused(t *testing.T) {
	_, c := pretended(t, false, 0, 1)
	_, other := pretended(t, false, 0, 1)
	for i := range other {
		for _, size := range []int{64, 100 << 10} {
			p := mustAlloc(t, other[i], size)
			for j := range c {
				mustPanic(t, "another heap's", func() { c[j].Free(p) })
			}
			other[i].Free(p)
		}
	}
}

// The home numbers of closed heaps are used again, so that they do not run out.
func TestHeapsMayComeAndGoForEver(t *testing.T) {
	open := func() *Heap {
		h, err := NewHeap(HeapOptions{Nodes: []int{0, 1, 2}, Unbound: true})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	first, second := open(), open()
	first.Close()
	first.Close() // does nothing
	third := open()
	if third.base != first.base || third.base == second.base {
		t.Errorf("after heap %d was closed and %d not, heap %d was made", first.base, second.base, third.base)
	}
	second.Close()
	third.Close()
	if _, err := takeHomes(1 << 16); err == nil || !strings.Contains(err.Error(), "close some") {
		t.Errorf("more nodes than there are numbers: %v", err)
	}
}

// On a node that this machine does not have, memory is not bound, but there is memory.
func TestANodeThatCannotBeBoundIsAWarningAndStillWorks(t *testing.T) {
	h, err := NewHeap(HeapOptions{Nodes: []int{901}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if w := h.Warnings(); len(w) != 0 {
		t.Errorf("warnings before any cache asks for the node: %q", w)
	}
	c, _ := h.NewCache(901)
	w := h.Warnings()
	if len(w) != 1 || !strings.Contains(w[0], "node 901 is not bound to it") {
		t.Errorf("warnings: %q", w)
	}
	p := mustAlloc(t, c, 64)
	*(*int)(p) = 1
	if s := h.Stats()[0]; s.Bound || s.Unbound == 0 {
		t.Errorf("%+v claims to be bound", s)
	}
	c.Free(p)
}

func TestBoundHeapsLieWhereTheySay(t *testing.T) {
	nodes, err := AllowedNodes()
	if err != nil {
		t.Skip("memory policies cannot be used here: ", err)
	}
	h, err := NewHeap(HeapOptions{Nodes: nodes})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for _, n := range nodes {
		c, _ := h.NewCache(n)
		for range 1000 {
			*(*int)(mustAlloc(t, c, 4096)) = 1
		}
	}
	if w := h.Warnings(); len(w) > 0 {
		t.Skip("not bound here: ", w)
	}
	proofs, err := h.Prove()
	if err != nil {
		t.Skip("placement cannot be proven here: ", err)
	}
	for _, p := range proofs {
		if err := p.Err(); err != nil {
			t.Error(err)
		}
	}
}

func TestScavengeReturnsWhatIsFree(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("memory goes back only on Linux")
	}
	h, c := pretended(t, false, 0)
	var objects []unsafe.Pointer
	for range 16 << 20 / 256 {
		p := mustAlloc(t, c[0], 256)
		*(*int)(p) = 1
		objects = append(objects, p)
	}
	full := h.Stats()[0].Arena.Resident
	// Keep one object for every ten spans, and free the rest.
	kept := 0
	for i, p := range objects {
		if i%(10*256) == 0 {
			kept++
			continue
		}
		c[0].Free(p)
	}
	c[0].Flush()
	back := h.Scavenge()
	after := h.Stats()[0].Arena.Resident
	if after > full-back || after > full/4 {
		t.Errorf("%d of %d bytes resident with %d objects of 256 bytes left; Scavenge said %d", after, full, kept, back)
	}
	// What was given back can be used again, and is zero.
	for range 16 << 20 / 256 {
		*(*int)(mustAlloc(t, c[0], 256)) = 1
	}
}

// Memory that is used between two looks stays; what both find free goes back.
func TestScavengeIdleReturnsWhatHasLongBeenFree(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("memory goes back only on Linux")
	}
	a, err := NewArena(0, ArenaOptions{Unbound: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	block := func() []byte {
		mem, err := a.Alloc(blockBytes)
		if err != nil {
			t.Fatal(err)
		}
		mem[0] = 1
		return mem
	}
	kept, idle, used := block(), block(), block()
	a.Free(idle)
	a.Free(used)
	if n := a.ScavengeIdle(); n != 0 {
		t.Errorf("the first look gave %d bytes back", n)
	}
	// The first free block is taken again and freed: it is not idle any more.
	a.Free(block())
	if n := a.ScavengeIdle(); n != blockBytes {
		t.Errorf("the second look gave %d bytes back, want the %d of the block that nobody used", n, blockBytes)
	}
	if n := a.ScavengeIdle(); n != blockBytes {
		t.Errorf("the third look gave %d bytes back, want the %d of the block that was used before the second", n, blockBytes)
	}
	a.Free(kept)
	a.ScavengeIdle()
	a.ScavengeIdle()
	if got := a.Stats(); got.Mapped != 0 || got.Resident != 0 {
		t.Errorf("after the last object %d bytes are mapped and %d resident", got.Mapped, got.Resident)
	}
}

// Steady churn of mixed sizes does not make the heap grow, and wastes little memory.
func TestChurnDoesNotGrow(t *testing.T) {
	ops := 1_000_000
	if testing.Short() {
		ops = 100_000
	}
	churn(t, ops, 32<<20)
}

// churn keeps about live bytes of objects of 16 to 2048 bytes alive and replaces
// random ones, by two caches of different nodes in turn. At the end it returns the
// overhead of the arenas over the bytes asked for.
func churn(t testing.TB, ops int, live int64) float64 {
	h, c := pretended(t, false, 0, 1)
	rng := rand.New(rand.NewPCG(1, 2))
	type object struct {
		p    unsafe.Pointer
		size int
	}
	var objects []object
	var bytes int64
	size := func() int { k := 16 << rng.IntN(7); return k + rng.IntN(k+1) }
	for bytes < live {
		s := size()
		objects = append(objects, object{mustAlloc(t, c[len(objects)&1], s), s})
		bytes += int64(s)
	}
	resident := func() (sum int64) {
		for _, n := range h.Stats() {
			sum += n.Arena.Resident
		}
		return
	}
	var early int64
	for i := range ops {
		o := &objects[rng.IntN(len(objects))]
		c[i&1].Free(o.p)
		bytes -= int64(o.size)
		o.size = size()
		o.p = mustAlloc(t, c[i&1], o.size)
		bytes += int64(o.size)
		if i == ops/10 {
			early = resident()
		}
	}
	late := resident()
	if late > early+early/50+int64(2*chunkBytes) {
		t.Errorf("%d bytes resident after %d operations, %d after %d", early, ops/10, late, ops)
	}
	return float64(late)/float64(bytes) - 1
}
