package workload

import (
	"sync"
	"unsafe"

	"numasched/sched"
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
	return blocks, nil
}

// nodesOf returns the nodes on which s has Ps, or -1 without a scheduler.
func nodesOf(s *sched.Sched) []int {
	if s == nil {
		return []int{-1}
	}
	return s.NodeIDs()
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
	nodes []int // of the leaders
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
