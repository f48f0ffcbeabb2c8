package numa

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

// The memory of an arena comes in chunks of 4 MB that begin at multiples of 4 MB,
// so that masking an address gives its chunk. The first of the 64 blocks of a chunk
// holds what the heap must know about the others (see chunkHeader). A request that
// no chunk can hold gets a mapping of its own, which begins the same way.
//
// Invariant, under mu: every block but the first is free or belongs to one
// allocation; a block that is cold is free and has no pages.
const (
	blockBytes = 64 << 10
	chunkBytes = 4 << 20

	blocksPerChunk = chunkBytes / blockBytes
	allBlocks      = ^uint64(1) // the bits of the blocks that can be allocated

	headerBytes = 4 << 10 // the part of a chunk's first block that is used

	// nodeReserve is how much memory an arena leaves on its node for everybody else.
	// If bound memory cannot be had, the kernel kills the process (OOM killer). So
	// the arena asks how much is free before it grows.
	nodeReserve = 16 << 20
)

// HugePageBytes is the size of a huge page on amd64 and arm64.
const HugePageBytes = 2 << 20

// A PageKind says what pages an arena is made of.
type PageKind int

const (
	SystemPages       PageKind = iota // the system's default
	HugePages                         // transparent huge pages (2 MB on amd64), where the kernel finds them
	ReservedHugePages                 // reserved pages of 2 MB (nr_hugepages), or an error
	BasePages                         // never transparent huge pages
)

// huge reports whether the pages are populated by the chunk.
func (k PageKind) huge() bool { return k == HugePages || k == ReservedHugePages }

// ArenaOptions change how [NewArena] gets its memory.
type ArenaOptions struct {
	Pages PageKind

	// Unbound memory has no policy: it lies where it is first touched. It serves
	// pretended nodes and systems that cannot bind memory.
	Unbound bool
}

// An Arena is memory of one node, outside Go's heap. The garbage collector neither
// moves, frees nor scans it, so it must hold no pointers into Go's heap. Any number
// of goroutines may use an Arena at the same time.
//
// Bound memory is populated when it is handed out, so that a full node is an error
// at that moment and does not kill the process later. This takes 0.2 to 0.5 ms for
// each MB, and less with huge pages, which are populated by the chunk.
type Arena struct {
	node int
	opt  ArenaOptions

	mu     sync.Mutex
	chunks map[uintptr]*chunk // by address
	open   []*chunk           // those with free blocks
	leave  int64              // bytes that may be populated before the node's free memory is read again
	slack  int64              // bytes that may be free and resident before Free scavenges
	stats  ArenaStats
}

type chunk struct {
	mem  []byte
	free uint64 // bit i: block i is free
	cold uint64 // bit i: block i has been given back to the kernel
	idle uint64 // bit i: block i was free at the last ScavengeIdle, and has been since
	head uint64 // bit i: block i is the first of an allocation
	own  int    // bytes of the allocation that has this mapping to itself; else 0
}

// ArenaStats count bytes.
type ArenaStats struct {
	Mapped   int64 // address space taken from the kernel
	Resident int64 // the part of Mapped that was populated or handed out, and not given back
	InUse    int64 // the part of Resident that is allocated, in whole blocks
	Peak     int64 // the highest value of Resident
}

// A NodeFullError says that a node has too little free memory for its arena to
// grow.
type NodeFullError struct {
	Node       int
	Want, Free int64 // bytes; Free is what the kernel could give without swapping
}

func (e *NodeFullError) Error() string {
	return fmt.Sprintf("numa: node %d has %d MB free and %d MB are wanted (%d MB stay in reserve): use less memory, or more nodes",
		e.Node, e.Free>>20, e.Want>>20, int64(nodeReserve)>>20)
}

// NewArena returns an empty arena whose memory lies on the given node.
//
// Errors: those of [SetPolicy], found now and not at the first use: the node is
// unknown, offline or without memory, the cpuset excludes it, or binding is not
// permitted. [ErrUnsupported] where memory cannot be bound at all. Unbound arenas
// can be made everywhere.
func NewArena(node int, opt ArenaOptions) (*Arena, error) {
	a := &Arena{node: node, opt: opt, chunks: map[uintptr]*chunk{}}
	a.slack = a.minSlack()
	if opt.Unbound {
		return a, nil
	}
	page, err := mapMemory(blockBytes, blockBytes, SystemPages)
	if err != nil {
		return nil, err
	}
	defer unmapMemory(page)
	if err := SetPolicyOf(page, BindTo(node), 0); err != nil {
		return nil, fmt.Errorf("numa: no arena on node %d: %w", node, err)
	}
	return a, nil
}

// Node returns the ID of the arena's node, as it was given.
func (a *Arena) Node() int { return a.node }

// Bound reports whether the kernel holds the memory to the node.
func (a *Arena) Bound() bool { return !a.opt.Unbound }

// Alloc returns n bytes that begin at a multiple of 64 KB. They belong to the caller
// until [Arena.Free]. They are zero if they have never been used.
//
// Errors: a [*NodeFullError], or that the kernel refuses to map memory.
func (a *Arena) Alloc(n int) ([]byte, error) {
	if n <= 0 || n > math.MaxInt-2*chunkBytes {
		return nil, fmt.Errorf("numa: cannot allocate %d bytes", n)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	blocks := (n + blockBytes - 1) / blockBytes
	if blocks >= blocksPerChunk {
		return a.allocOwn(n)
	}
	for {
		for i, c := range a.open {
			if first := findRun(c.free, blocks); first >= 0 {
				return a.take(c, i, first, blocks, n)
			}
		}
		c, err := a.grow(chunkBytes)
		if err != nil {
			return nil, err
		}
		c.free = allBlocks
		a.open = append(a.open, c)
	}
}

// take hands out blocks of c, which is the chunk at position i of the open ones.
func (a *Arena) take(c *chunk, i, first, blocks, n int) ([]byte, error) {
	run := runMask(first, blocks)
	mem := c.mem[first*blockBytes : (first+blocks)*blockBytes]
	if cold := c.cold & run; cold != 0 {
		if err := a.commit(mem); err != nil {
			return nil, err
		}
		c.cold &^= run
		a.resident(int64(bits.OnesCount64(cold)) * blockBytes)
	}
	c.free &^= run
	c.idle &^= run
	c.head |= 1 << first
	if c.free == 0 {
		a.open[i] = a.open[len(a.open)-1]
		a.open = a.open[:len(a.open)-1]
	}
	a.stats.InUse += int64(len(mem))
	return mem[:n:n], nil
}

// allocOwn gives an allocation a mapping of its own.
func (a *Arena) allocOwn(n int) ([]byte, error) {
	c, err := a.grow(blockBytes + roundUp(n, blockBytes))
	if err != nil {
		return nil, err
	}
	if !a.opt.Pages.huge() {
		if err := a.commit(c.mem[blockBytes:]); err != nil {
			a.unmap(c)
			return nil, err
		}
	}
	a.resident(-a.residentOf(c))
	c.own = n
	a.resident(a.residentOf(c))
	a.stats.InUse += int64(roundUp(n, blockBytes))
	return c.mem[blockBytes : blockBytes+n : blockBytes+n], nil
}

// grow maps and binds one chunk. All of its blocks are cold.
func (a *Arena) grow(bytes int) (*chunk, error) {
	mem, err := mapMemory(bytes, chunkBytes, a.opt.Pages)
	if err != nil {
		return nil, err
	}
	c := &chunk{mem: mem, cold: allBlocks}
	if !a.opt.Unbound {
		err = SetPolicyOf(mem, BindTo(a.node), 0)
	}
	if err == nil && a.opt.Pages.huge() {
		err = a.commit(mem)
		c.cold = 0
	}
	if err != nil {
		unmapMemory(mem)
		return nil, err
	}
	a.chunks[addr(mem)] = c
	a.stats.Mapped += int64(len(mem))
	mapped.Add(int64(len(mem)))
	a.resident(a.residentOf(c))
	return c, nil
}

// residentOf returns how many bytes of a chunk count as resident.
func (a *Arena) residentOf(c *chunk) int64 {
	switch {
	case a.opt.Pages.huge():
		return int64(len(c.mem) - bits.OnesCount64(c.cold)*blockBytes)
	case c.own > 0:
		return int64(headerBytes + len(c.mem) - blockBytes)
	}
	return int64(headerBytes + bits.OnesCount64(allBlocks&^c.cold)*blockBytes)
}

// commit populates bound memory, or returns an error if the node has too little.
func (a *Arena) commit(mem []byte) error {
	if a.opt.Unbound {
		return nil
	}
	if want := int64(len(mem)); a.opt.Pages != ReservedHugePages && want > a.leave {
		want = max(want, chunkBytes)
		if free := nodeFree(a.node); free >= 0 && free < want+nodeReserve {
			return &NodeFullError{a.node, want, free}
		}
		a.leave = want
	}
	a.leave -= int64(len(mem))
	if err := populate(mem); err != nil {
		return fmt.Errorf("numa: node %d: cannot populate %d bytes: %w (is the node, its huge pages or the memory cgroup full?)", a.node, len(mem), err)
	}
	return a.verify(mem)
}

// verify asks which node the last page of mem came from. When a cpuset loses a node,
// or a node loses its memory, the kernel silently redirects policies that name the
// node to other nodes.
func (a *Arena) verify(mem []byte) error {
	at, err := LocateRange(mem[len(mem)-1:])
	if err != nil || at.Nodes[0] < 0 || int(at.Nodes[0]) == a.node {
		return nil // as it should be, or nobody can tell
	}
	return fmt.Errorf("numa: node %d: memory that is bound to it came from node %d: "+
		"the cpuset of this process has lost the node, or the node its memory; give it back, or use other nodes", a.node, at.Nodes[0])
}

func (a *Arena) resident(bytes int64) {
	a.stats.Resident += bytes
	a.stats.Peak = max(a.stats.Peak, a.stats.Resident)
}

// Free takes back what Alloc returned. It panics if mem is anything else or has been
// freed before; only the length within the last block is not checked. Free scavenges
// when more is free than 1 MB plus a 256th of what is in use. With huge pages the
// 1 MB are 4 MB, because giving back a part of a huge page breaks it up.
func (a *Arena) Free(mem []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(mem) == 0 {
		panic("numa: Arena.Free of no memory")
	}
	p := addr(mem)
	c := a.chunks[p&^(chunkBytes-1)]
	if c == nil || p%blockBytes != 0 {
		panic("numa: Arena.Free of memory that is not this arena's")
	}
	if c.own > 0 {
		if len(mem) != c.own {
			panic("numa: Arena.Free of a part of an allocation")
		}
		a.stats.InUse -= int64(roundUp(c.own, blockBytes))
		a.unmap(c)
		return
	}
	first, blocks := int(p%chunkBytes/blockBytes), (len(mem)+blockBytes-1)/blockBytes
	run := runMask(first, blocks)
	if first == 0 || c.free&run != 0 {
		panic("numa: Arena.Free of memory that is free already")
	}
	// mem must begin at the first block of an allocation and hold no other first block,
	// and the block behind it must be free or the first of another allocation.
	if c.head&run != 1<<first || (c.free|c.head)>>first>>blocks&1 == 0 && first+blocks < blocksPerChunk {
		panic("numa: Arena.Free of a part of an allocation, or of several")
	}
	c.head &^= run
	if c.free == 0 {
		a.open = append(a.open, c)
	}
	c.free |= run
	a.stats.InUse -= int64(blocks) * blockBytes
	if a.stats.Resident-a.stats.InUse > a.slack {
		a.scavenge(func(c *chunk) uint64 { return c.free })
		// Scavenge again when twice as much is free. Otherwise a system that takes back
		// little or nothing would be asked at every Free.
		a.slack = max(a.stats.InUse/256+a.minSlack(), 2*(a.stats.Resident-a.stats.InUse))
	}
}

func (a *Arena) minSlack() int64 {
	if !a.opt.Pages.huge() {
		return chunkBytes / 4
	}
	return chunkBytes
}

// mapped is how many bytes all Arenas have.
var mapped atomic.Int64

// Mapped returns how many bytes all Arenas of the process have together. It is 0 when all
// are closed.
func Mapped() int64 { return mapped.Load() }

func (a *Arena) unmap(c *chunk) {
	a.stats.Mapped -= int64(len(c.mem))
	a.resident(-a.residentOf(c))
	delete(a.chunks, addr(c.mem))
	mapped.Add(-int64(len(c.mem)))
	if err := unmapMemory(c.mem); err != nil {
		panic(fmt.Sprintf("numa: cannot unmap an arena's own memory: %v", err))
	}
}

// Scavenge returns free memory to the kernel, and returns the number of bytes. It
// unmaps free chunks. Free blocks of other chunks lose their pages, but keep their
// address and binding. 5 µs for each run of free blocks.
func (a *Arena) Scavenge() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.scavenge(func(c *chunk) uint64 { return c.free })
}

// ScavengeIdle is Scavenge of what has been free ever since the last ScavengeIdle. Called at
// intervals, it returns what has not been used for one, and at most for two.
func (a *Arena) ScavengeIdle() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	bytes := a.scavenge(func(c *chunk) uint64 { return c.idle })
	for _, c := range a.open {
		c.idle = c.free
	}
	return bytes
}

// scavenge gives back the free blocks of each chunk that which names.
func (a *Arena) scavenge(which func(c *chunk) uint64) int64 {
	before := a.stats.Resident
	a.open = slices.DeleteFunc(a.open, func(c *chunk) bool {
		blocks := which(c)
		if blocks == allBlocks {
			a.unmap(c)
			return true
		}
		if a.opt.Pages == ReservedHugePages {
			return false // a block is less than a page
		}
		for warm := blocks &^ c.cold; warm != 0; {
			first := bits.TrailingZeros64(warm)
			run := runMask(first, bits.TrailingZeros64(^(warm >> first)))
			warm &^= run
			n := bits.OnesCount64(run)
			if giveBack(c.mem[first*blockBytes:(first+n)*blockBytes]) != nil {
				return false // this system cannot: the memory stays
			}
			c.cold |= run
			a.resident(-int64(n) * blockBytes)
		}
		return false
	})
	return before - a.stats.Resident
}

// Stats returns the arena's counts.
func (a *Arena) Stats() ArenaStats {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stats
}

// Close gives all memory back to the kernel. Later accesses to it fault.
func (a *Arena) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.chunks {
		a.unmap(c)
	}
	a.open, a.stats.InUse = nil, 0
}

// A Proof is the kernel's answer to where an arena's pages lie.
type Proof struct {
	Node   int
	Pages  map[int]int // by node: pages found there, in base pages
	Absent int         // pages that no node holds: never touched, or given back
}

// Elsewhere returns how many pages lie on nodes other than the arena's.
func (p Proof) Elsewhere() int {
	n := 0
	for node, pages := range p.Pages {
		if node != p.Node {
			n += pages
		}
	}
	return n
}

// Err returns an error if pages lie elsewhere, or if there are none to judge by.
func (p Proof) Err() error {
	switch {
	case p.Elsewhere() > 0:
		return fmt.Errorf("numa: arena of node %d: pages by node: %v", p.Node, p.Pages)
	case p.Pages[p.Node] == 0:
		return fmt.Errorf("numa: arena of node %d has no page on any node", p.Node)
	}
	return nil
}

// Prove asks the kernel where each page of the arena lies ([Locate]). It takes
// 0.2 µs for each page, 50 ms for each GB.
//
// Errors: as [Locate].
func (a *Arena) Prove() (Proof, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	proof := Proof{Node: a.node, Pages: map[int]int{}}
	for _, c := range a.chunks {
		at, err := LocateRange(c.mem)
		if err != nil {
			return proof, err
		}
		for node, pages := range at.Count() {
			proof.Pages[node] += pages
		}
		proof.Absent += len(at.Nodes) - at.Present()
	}
	return proof, nil
}

// owns reports whether p lies in memory that the arena has mapped.
func (a *Arena) owns(p unsafe.Pointer) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for at, c := range a.chunks { // a mapping of its own may be longer than a chunk
		if uintptr(p) >= at && uintptr(p) < at+uintptr(len(c.mem)) {
			return true
		}
	}
	return false
}

// MakeSlice returns n zeroed elements in the arena. T must hold no pointers.
// The slice is freed by [FreeSlice].
func MakeSlice[T any](a *Arena, n int) ([]T, error) {
	if err := checkPointerless[T](); err != nil {
		return nil, err
	}
	size := sizeOf[T]()
	if n < 0 || size > 0 && n > math.MaxInt/4/size {
		return nil, fmt.Errorf("numa: cannot make a slice of %d elements of %d bytes", n, size)
	}
	mem, err := a.Alloc(max(n*size, 1))
	if err != nil {
		return nil, err
	}
	clear(mem)
	return unsafe.Slice((*T)(unsafe.Pointer(&mem[0])), n), nil
}

// FreeSlice gives back what [MakeSlice] returned, in its full length.
func FreeSlice[T any](a *Arena, s []T) {
	p := (*byte)(unsafe.Pointer(unsafe.SliceData(s)))
	a.Free(unsafe.Slice(p, max(len(s)*sizeOf[T](), 1)))
}

// findRun returns the first of n neighbouring set bits, or -1.
func findRun(free uint64, n int) int {
	// Invariant: bit i is set if the have bits from i on were set at first.
	for have := 1; have < n; {
		step := min(have, n-have)
		free &= free >> step
		have += step
	}
	if free == 0 {
		return -1
	}
	return bits.TrailingZeros64(free)
}

func runMask(first, n int) uint64 { return (1<<n - 1) << first }

func roundUp(n, to int) int { return (n + to - 1) &^ (to - 1) }

func addr(mem []byte) uintptr { return uintptr(unsafe.Pointer(&mem[0])) }
