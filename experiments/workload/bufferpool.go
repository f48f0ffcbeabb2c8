package workload

import (
	"fmt"

	"numasched/sched"
)

// bufferPool passes messages from producers on one node to consumers on the next, in
// buffers that come from a pool and go back to it: what a proxy or a message broker does
// with sync.Pool. A producer takes a buffer, fills it and sends it on. The consumer reads
// it and gives it back. With home=1 a buffer goes back to the producer's own pool, and so it
// always lies where it is filled. With home=0 there is one pool for all, as programs have
// it, and buffers wander.
var bufferPool = &Workload{
	Name:     "bufferpool",
	Doc:      "messages from node to node in pooled buffers, which go home or wander",
	Unit:     "message",
	InCaches: "pairs=1/bytes=4096/messages=100",
	Params: []Param{
		{Name: "pairs", Doc: "producers, and as many consumers", Default: 8, Min: 1, Max: 1 << 16},
		{Name: "buffers", Doc: "buffers for each pair", Default: 4, Min: 1, Max: 1 << 16},
		{Name: "messages", Doc: "messages from each producer", Default: 2000, Quick: 200, Min: 1, Max: 1 << 40},
		{Name: "bytes", Doc: "bytes of a buffer", Default: 1 << 15, Min: 8, Max: 1 << 30},
		{Name: "home", Doc: "1 if a buffer goes back to the pool that it came from, 0 if there is one pool for all", Default: 0, Min: 0, Max: 1},
	},
	New: func(p Params) (*Instance, error) {
		r := &poolRun{pairs: int(p["pairs"]), each: int(p["buffers"]), messages: int(p["messages"]), words: int(p["bytes"]) / 8, home: p["home"] == 1}
		return &Instance{
			Tasks: int64(r.pairs) * int64(r.messages),
			Setup: r.setup,
			Run:   r.run,
			Stock: r.stock,
		}, nil
	},
}

type poolRun struct {
	pairs, each, messages, words int
	home                         bool

	nodes   []int
	buffers []block[uint64]
	spans   [][]sched.Span // of each buffer
}

func (r *poolRun) setup(s *sched.Sched) (err error) {
	r.nodes = nodesOf(s)
	// A producer is where its first buffer lies.
	if r.buffers, err = newArray[uint64](s, r.pairs*r.each*r.words, r.words); err != nil {
		return err
	}
	r.spans = nil
	for i := range r.buffers {
		r.spans = append(r.spans, []sched.Span{r.buffers[i].span})
	}
	return nil
}

// pool returns which pool the producer of a pair uses.
func (r *poolRun) pool(pair int) int {
	if r.home {
		return pair
	}
	return 0
}

// A filled is a message: the n-th of its producer, in a buffer.
type filled struct{ n, buffer int }

func (r *poolRun) run(g *sched.G) error {
	pools := make([]*sched.Chan[int], r.pairs)
	for i := range pools {
		pools[i] = sched.NewChan[int](g.Sched(), len(r.buffers))
	}
	for i := range r.buffers {
		pools[r.pool(i/r.each)].Send(g, i)
	}
	errs := make([]error, r.pairs)
	var gr sched.Group
	for i := range r.pairs {
		pool, sent := pools[r.pool(i)], sched.NewChan[filled](g.Sched(), r.each)
		from := r.nodeOf(i)
		to := r.nodes[(from+1)%len(r.nodes)]
		gr.GoAt(g, at(r.nodes[from]), func(g *sched.G) {
			for n := range r.messages {
				b, _ := pool.Recv(g)
				g.Allocated(1) // a closure
				g.Work(sched.Work{Kernel: "buffer fill", Ops: int64(r.words), Writes: r.spans[b]}, func() { r.fill(b, n) })
				sent.Send(g, filled{n, b})
			}
		})
		gr.GoAt(g, at(to), func(g *sched.G) {
			for n := range r.messages {
				m, _ := sent.Recv(g)
				if m.n != n && errs[i] == nil {
					errs[i] = fmt.Errorf("bufferpool: message %d of producer %d came, want %d", m.n, i, n)
				}
				g.Allocated(1)
				g.Work(sched.Work{Kernel: "buffer sum", Ops: int64(r.words), Reads: r.spans[m.buffer]}, func() { r.read(m, &errs[i]) })
				pool.Send(g, m.buffer)
			}
		})
	}
	gr.Wait(g)
	return firstError(errs)
}

// nodeOf returns which of the nodes the producer of a pair is on.
func (r *poolRun) nodeOf(pair int) int {
	for k, node := range r.nodes {
		if r.buffers[pair*r.each].node == node {
			return k
		}
	}
	return 0
}

func (r *poolRun) stock() error {
	pools := make([]chan int, r.pairs)
	for i := range pools {
		pools[i] = make(chan int, len(r.buffers))
	}
	for i := range r.buffers {
		pools[r.pool(i/r.each)] <- i
	}
	errs := make([]error, r.pairs)
	stockLoop(r.pairs, func(i int) {
		pool, sent := pools[r.pool(i)], make(chan filled, r.each)
		go func() {
			for n := range r.messages {
				b := <-pool
				r.fill(b, n)
				sent <- filled{n, b}
			}
		}()
		for range r.messages {
			m := <-sent
			r.read(m, &errs[i])
			pool <- m.buffer
		}
	})
	return firstError(errs)
}

func (r *poolRun) fill(buffer, n int) {
	data := r.buffers[buffer].data
	for k := range data {
		data[k] = uint64(n + k)
	}
}

func (r *poolRun) read(m filled, err *error) {
	var got uint64
	for _, v := range r.buffers[m.buffer].data {
		got += v
	}
	if want := uint64(m.n*r.words + r.words*(r.words-1)/2); got != want && *err == nil {
		*err = fmt.Errorf("bufferpool: the words of message %d add up to %d, want %d", m.n, got, want)
	}
}
