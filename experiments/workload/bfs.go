package workload

import (
	"fmt"
	"sync/atomic"

	"numasched/sched"
)

// bfs searches a Kronecker graph breadth-first, level by level, top down, as Graph 500
// does. The frontier is dealt out in chunks. The vertex from which another is first
// reached becomes its parent. All arrays are interleaved over the nodes.
//
// The result of a level decides what the next one does. So a simulated machine
// computes it, too, and charges for memory that does not exist there.
var bfs = &Workload{
	Name:     "bfs",
	Doc:      "breadth-first search of a Kronecker graph (Graph 500), level by level",
	Unit:     "edge",
	InCaches: "scale=8",
	Params: []Param{
		{Name: "scale", Doc: "logarithm of the number of vertices", Default: 16, Quick: 12, Min: 2, Max: 25},
		{Name: "chunk", Doc: "vertices of the frontier for a task", Default: 64, Min: 1, Max: 1 << 30},
		{Name: "seed", Doc: "of the graph", Default: 1, Min: 0, Max: 1 << 62},
	},
	New: func(p Params) (*Instance, error) {
		b := &bfsRun{kronecker: kronecker{scale: int(p["scale"]), seed: uint64(p["seed"])}, chunk: int(p["chunk"])}
		in := &Instance{
			Run:   b.run,
			Stock: b.stock,
			Check: b.check,
		}
		in.Setup = func(s *sched.Sched) error {
			err := b.setup(s)
			in.Tasks = b.edges
			return err
		}
		return in, nil
	},
}

type bfsRun struct {
	kronecker
	chunk     int
	parent    []int32 // -1: not reached
	bufs      [3]*sched.Buffer
	simulated bool

	root    int32
	level   []int32 // computed alone; -1: not reachable
	reached int     // how many are
	edges   int64   // ends of edges at reachable vertices: what is looked at
}

func (b *bfsRun) setup(s *sched.Sched) (err error) {
	n := 1 << b.scale
	for k, x := range []struct {
		to  *[]int32
		len int
	}{{&b.first, n + 1}, {&b.near, 2 * n * graphDegree}, {&b.parent, n}} {
		*x.to = nil
		if s != nil {
			if b.bufs[k], err = s.NewBuffer(int64(x.len)*4, sched.Interleave); err != nil {
				return err
			}
			*x.to = sched.Slice[int32](b.bufs[k], x.len)
			b.simulated = *x.to == nil
		}
		if *x.to == nil {
			*x.to = make([]int32, x.len)
		}
	}
	b.fill()
	b.alone()
	return nil
}

// alone searches alone from the vertex of the highest degree, for the answer.
func (b *bfsRun) alone() {
	n := len(b.parent)
	b.level = make([]int32, n)
	b.root = 0
	for v := range int32(n) {
		b.level[v] = -1
		if b.first[v+1]-b.first[v] > b.first[b.root+1]-b.first[b.root] {
			b.root = v
		}
	}
	b.level[b.root] = 0
	queue := []int32{b.root}
	b.edges = 0
	for i := 0; i < len(queue); i++ {
		v := queue[i]
		b.edges += int64(b.first[v+1] - b.first[v])
		for _, w := range b.near[b.first[v]:b.first[v+1]] {
			if b.level[w] < 0 {
				b.level[w] = b.level[v] + 1
				queue = append(queue, w)
			}
		}
	}
	b.reached = len(queue)
}

// start clears the parents and returns the first frontier.
func (b *bfsRun) start() []int32 {
	for v := range b.parent {
		b.parent[v] = -1
	}
	b.parent[b.root] = b.root
	return []int32{b.root}
}

// expand takes the neighbours of a part of a frontier that nobody has taken yet.
func (b *bfsRun) expand(frontier []int32) (taken []int32) {
	for _, v := range frontier {
		for _, w := range b.near[b.first[v]:b.first[v+1]] {
			if atomic.LoadInt32(&b.parent[w]) < 0 && atomic.CompareAndSwapInt32(&b.parent[w], -1, v) {
				taken = append(taken, w)
			}
		}
	}
	return taken
}

// levels searches level by level. each expands the n parts of a frontier into taken, at
// the same time if it can.
func (b *bfsRun) levels(each func(n int, part func(i int) []int32, taken [][]int32)) error {
	frontier := b.start()
	total := 0
	for len(frontier) > 0 {
		total += len(frontier)
		taken := make([][]int32, (len(frontier)+b.chunk-1)/b.chunk)
		each(len(taken), func(i int) []int32 {
			return frontier[i*b.chunk : min((i+1)*b.chunk, len(frontier))]
		}, taken)
		frontier = nil
		for _, t := range taken {
			frontier = append(frontier, t...)
		}
	}
	if total != b.reached {
		return fmt.Errorf("bfs: reached %d vertices, want %d", total, b.reached)
	}
	return nil
}

func (b *bfsRun) run(g *sched.G) error {
	return b.levels(func(n int, part func(int) []int32, taken [][]int32) {
		var gr sched.Group
		for i := range n {
			gr.Go(g, func(g *sched.G) {
				from := part(i)
				expand := func() { taken[i] = b.expand(from) }
				if b.simulated {
					expand()
				}
				g.Work(b.work(from), expand)
			})
		}
		gr.Wait(g)
	})
}

func (b *bfsRun) stock() error {
	return b.levels(func(n int, part func(int) []int32, taken [][]int32) {
		stockLoop(n, func(i int) { taken[i] = b.expand(part(i)) })
	})
}

// work is what it costs to expand a part of the frontier: for each vertex a jump to its
// list, which is then read in order, and for each neighbour a jump to its parent.
func (b *bfsRun) work(from []int32) sched.Work {
	ends := int64(0)
	for _, v := range from {
		ends += int64(b.first[v+1] - b.first[v])
	}
	all := func(k int, accesses int64) sched.Span {
		return sched.Span{Buf: b.bufs[k], Len: b.bufs[k].Bytes, Accesses: accesses, Independent: true}
	}
	lines := int64(len(from)) + ends*4/64
	return sched.Work{
		Kernel: "bfs",
		Ops:    4 * ends,
		Reads:  []sched.Span{all(0, int64(len(from))), all(1, lines)},
		Writes: []sched.Span{all(2, ends)},
	}
}

func (b *bfsRun) check(*sched.Sched) error {
	for v, parent := range b.parent {
		switch {
		case (parent < 0) != (b.level[v] < 0):
			return fmt.Errorf("bfs: vertex %d has parent %d, but level %d", v, parent, b.level[v])
		case parent < 0 || int32(v) == b.root:
		case b.level[parent] != b.level[v]-1:
			return fmt.Errorf("bfs: vertex %d of level %d has parent %d of level %d", v, b.level[v], parent, b.level[parent])
		}
	}
	return nil
}
