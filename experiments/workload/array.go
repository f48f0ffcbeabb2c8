package workload

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"numasched/sched"
	"numasched/sched/policy"
)

// A block is the part of an array with homes that one task works on.
type block[T any] struct {
	node int        // where it lies; -1: nowhere in particular
	span sched.Span // all of it, streamed; the zero Span without a scheduler
	data []T        // nil on a simulated machine
}

// newArray makes an array of n elements in blocks of size elements; the last block may
// be shorter. Each node on which s has Ps holds an equal share of the blocks, in
// order. Without a scheduler the array is one slice.
func newArray[T any](s *sched.Sched, n, size int) ([]block[T], error) {
	var zero T
	width := int64(unsafe.Sizeof(zero))
	blocks := make([]block[T], (n+size-1)/size)
	nodes := nodesOf(s)
	for k, node := range nodes {
		lo, hi := k*len(blocks)/len(nodes), (k+1)*len(blocks)/len(nodes)
		if lo == hi {
			continue
		}
		var buf *sched.Buffer
		var data []T
		first, count := lo*size, min(hi*size, n)-lo*size
		if s == nil {
			data = make([]T, count)
		} else {
			var err error
			if buf, err = s.NewBuffer(int64(count)*width, at(node)); err != nil {
				return nil, err
			}
			data = sched.Slice[T](buf, count)
		}
		for i := lo; i < hi; i++ {
			b := &blocks[i]
			from, to := i*size-first, min((i+1)*size, n)-first
			b.node = node
			if buf != nil {
				b.span = sched.Span{Buf: buf, Off: int64(from) * width, Len: int64(to-from) * width}
			}
			if data != nil {
				b.data = data[from:to:to]
			}
		}
	}
	return blocks, touchFirst(s, blocks)
}

// touchFirst has Gs touch the pages of an array, under the arm whose memory lies where Gs
// come first: a task for each block, wherever the scheduler runs it.
func touchFirst[T any](s *sched.Sched, blocks []block[T]) error {
	if s == nil || s.Arm().Memory != policy.FirstTouch {
		return nil
	}
	return s.Run(func(g *sched.G) {
		var gr sched.Group
		for i := range blocks {
			b := &blocks[i]
			gr.Go(g, func(g *sched.G) {
				g.Work(sched.Work{Ops: b.span.Len / 8, Writes: []sched.Span{b.span}}, func() { clear(b.data) })
			})
		}
		gr.Wait(g)
	})
}

// nodesOf returns the nodes on which s has Ps, or -1 without a scheduler.
func nodesOf(s *sched.Sched) []int {
	if s == nil {
		return []int{-1}
	}
	return s.NodeIDs()
}

// procsOf returns the number of s's Ps, or of the threads for goroutines.
func procsOf(s *sched.Sched) int {
	if s == nil {
		return runtime.GOMAXPROCS(0)
	}
	return s.Procs()
}

// at is the placement on a node, or the default for -1.
func at(node int) sched.Placement {
	if node < 0 {
		return sched.Default
	}
	return sched.OnNode(node)
}

// A loop is a parallel loop whose iterations have homes. Each node has a leader that
// starts the node's iterations there, so that no single G starts them all, and none
// starts from afar.
type loop struct {
	nodes []int              // of the leaders
	tasks [][]func(*sched.G) // the iterations of each node, in order
	leads []func(*sched.G)
}

// newLoop makes a loop of n iterations. It calls body(0) to body(n-1) now, for the
// functions that the iterations run. node(i) is the home of iteration i; iterations
// with the same home must follow each other.
func newLoop(n int, node func(i int) int, body func(i int) func(*sched.G)) *loop {
	l := new(loop)
	for lo := 0; lo < n; {
		home := node(lo)
		var tasks []func(*sched.G)
		for ; lo < n && node(lo) == home; lo++ {
			tasks = append(tasks, body(lo))
		}
		where := at(home)
		l.nodes = append(l.nodes, home)
		l.tasks = append(l.tasks, tasks)
		l.leads = append(l.leads, func(g *sched.G) {
			var gr sched.Group
			for _, t := range tasks {
				gr.GoAt(g, where, t)
			}
			gr.Wait(g)
		})
	}
	return l
}

// run runs every iteration once and returns when all have ended.
func (l *loop) run(g *sched.G) {
	if g.Sched().Arm().Static {
		l.runStatic(g)
		return
	}
	if len(l.leads) == 1 {
		l.leads[0](g)
		return
	}
	var gr sched.Group
	for i, lead := range l.leads {
		gr.GoAt(g, at(l.nodes[i]), lead)
	}
	gr.Wait(g)
}

// runStatic runs the loop as OpenMP's schedule(static) does: each P has an equal part of
// its node's iterations, the same every time, and runs it in order. A G for each P comes
// and waits, holding its P, until all of its node have come. So each P has one of them,
// and the P says which part is meant.
func (l *loop) runStatic(g *sched.G) {
	s := g.Sched()
	ranks, ps := make([]int, s.Procs()), make(map[int]int) // of each P in its node; Ps of each node
	for p := range ranks {
		ranks[p] = ps[s.NodeOfP(p)]
		ps[s.NodeOfP(p)]++
	}
	var gr sched.Group
	for i, home := range l.nodes {
		tasks, n := l.tasks[i], ps[home]
		taken := make([]atomic.Bool, n)
		var come atomic.Int32
		part := func(g *sched.G) {
			come.Add(1)
			spun := uint64(1)
			g.WorkUntil(func() bool { return come.Load() >= int32(n) }, sched.Work{Ops: 25 * spinOps}, func() { spun += spin(spun, 25) })
			rank := ranks[g.P()]
			for taken[rank].Swap(true) { // if a G has lost its P meanwhile
				rank = (rank + 1) % n
			}
			for _, t := range tasks[rank*len(tasks)/n : (rank+1)*len(tasks)/n] {
				t(g)
			}
		}
		for range n {
			gr.GoAt(g, at(home), part)
		}
	}
	gr.Wait(g)
}

// stockLoop calls body(0) to body(n-1), each in a goroutine of its own.
func stockLoop(n int, body func(i int)) {
	var wg sync.WaitGroup
	wg.Add(n)
	for i := range n {
		go func() {
			body(i)
			wg.Done()
		}()
	}
	wg.Wait()
}
