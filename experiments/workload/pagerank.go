package workload

import (
	"fmt"
	"math"

	"numasched/sched"
)

// pageRank computes the PageRank of the vertices of bfs's graph, a larger one, by pulling:
// every vertex adds up what its neighbours give (Brin and Page, 1998; as in the GAP
// benchmark suite of Beamer et al., 2015). Every iteration ends with a barrier. A task has
// a run of vertices with about as many neighbours as any other run. Their lists lie at the
// task's home and are read in order. What vertices give is interleaved over the nodes and
// read here and there, so half of the traffic can be local and the other half cannot.
var pageRank = &Workload{
	Name:     "pagerank",
	Doc:      "PageRank of a Kronecker graph by pulling: lists at home, ranks interleaved",
	Unit:     "edge",
	InCaches: "scale=8",
	Params: []Param{
		{Name: "scale", Doc: "logarithm of the number of vertices", Default: 18, Quick: 12, Min: 2, Max: 25},
		{Name: "ends", Doc: "ends of edges for a task, at least", Default: 1 << 13, Quick: 1 << 10, Min: 1, Max: 1 << 30},
		{Name: "iterations", Doc: "iterations in a run", Default: 5, Min: 1, Max: 1 << 20},
		{Name: "seed", Doc: "of the graph", Default: 1, Min: 0, Max: 1 << 62},
	},
	New: func(p Params) (*Instance, error) {
		r := &pageRankRun{kronecker: kronecker{scale: int(p["scale"]), seed: uint64(p["seed"])}, ends: int32(p["ends"]), iterations: int(p["iterations"])}
		return &Instance{
			Tasks: 2 * graphDegree << r.scale * int64(r.iterations),
			Setup: r.setup,
			Run: func(g *sched.G) error {
				r.reset.run(g)
				for i := range r.iterations {
					r.loops[i%2].run(g)
				}
				return nil
			},
			Stock: func() error {
				stockLoop(len(r.runs), r.start)
				for i := range r.iterations {
					stockLoop(len(r.runs), func(k int) { r.pull(i%2, k) })
				}
				return nil
			},
			Check: r.check,
		}, nil
	},
}

const damping = 0.85

type pageRankRun struct {
	kronecker
	ends       int32
	iterations int

	runs  []rankRun
	gives [2][]float64 // what each vertex gives to each neighbour; before and after an iteration
	reset *loop
	loops [2]*loop // from gives[0] to gives[1], and back
}

// A rankRun is the vertices of one task.
type rankRun struct {
	lo, hi int // vertices
	node   int
	near   []int32
	lists  sched.Span // near
}

func (r *pageRankRun) setup(s *sched.Sched) error {
	n := 1 << r.scale
	r.first, r.near = make([]int32, n+1), make([]int32, 2*n*graphDegree)
	r.fill()
	r.runs = nil
	for lo := 0; lo < n; {
		hi := lo + 1
		for hi < n && r.first[hi]-r.first[lo] < r.ends {
			hi++
		}
		r.runs = append(r.runs, rankRun{lo: lo, hi: hi})
		lo = hi
	}
	if err := r.place(s); err != nil {
		return err
	}
	var bufs [2]*sched.Buffer
	for k := range r.gives {
		if s == nil {
			r.gives[k] = make([]float64, n)
			continue
		}
		var err error
		if bufs[k], err = s.NewBuffer(int64(n)*8, sched.Interleave); err != nil {
			return err
		}
		r.gives[k] = sched.Slice[float64](bufs[k], n)
	}
	part := func(k, i int) sched.Span {
		v := &r.runs[i]
		return sched.Span{Buf: bufs[k], Off: int64(v.lo) * 8, Len: int64(v.hi-v.lo) * 8}
	}
	home := func(i int) int { return r.runs[i].node }
	r.reset = newLoop(len(r.runs), home, func(i int) func(*sched.G) {
		w := sched.Work{Ops: part(0, i).Len / 8, Writes: []sched.Span{part(0, i)}}
		kernel := func() { r.start(i) }
		return func(g *sched.G) { g.Work(w, kernel) }
	})
	for from := range r.loops {
		r.loops[from] = newLoop(len(r.runs), home, func(i int) func(*sched.G) {
			v := &r.runs[i]
			ends := int64(r.first[v.hi] - r.first[v.lo])
			all := sched.Span{Buf: bufs[from], Len: int64(n) * 8, Accesses: max(1, ends), Independent: true}
			w := sched.Work{Kernel: "pagerank", Ops: 2*ends + 10*int64(v.hi-v.lo), Reads: []sched.Span{v.lists, all}, Writes: []sched.Span{part(1-from, i)}}
			kernel := func() { r.pull(from, i) }
			return func(g *sched.G) { g.Work(w, kernel) }
		})
	}
	return nil
}

// place puts the lists on the nodes, each of which has an equal share of the runs.
func (r *pageRankRun) place(s *sched.Sched) error {
	nodes := nodesOf(s)
	for k, node := range nodes {
		runs := r.runs[k*len(r.runs)/len(nodes) : (k+1)*len(r.runs)/len(nodes)]
		if len(runs) == 0 {
			continue
		}
		lo, hi := r.first[runs[0].lo], r.first[runs[len(runs)-1].hi]
		near := r.near[lo:hi]
		var buf *sched.Buffer
		if s != nil {
			var err error
			if buf, err = s.NewBuffer(max(1, int64(hi-lo))*4, at(node)); err != nil {
				return err
			}
			if there := sched.Slice[int32](buf, len(near)); there != nil {
				copy(there, near)
				near = there
			}
		}
		for i := range runs {
			v := &runs[i]
			from, to := r.first[v.lo], r.first[v.hi]
			v.node, v.near = node, near[from-lo:to-lo]
			v.lists = sched.Span{Buf: buf, Off: int64(from-lo) * 4, Len: int64(to-from) * 4}
		}
	}
	return nil
}

// share is what a vertex gives to each of its neighbours.
func (r *pageRankRun) share(vertex int, rank float64) float64 {
	return rank / float64(max(1, r.first[vertex+1]-r.first[vertex]))
}

// start gives all vertices of run i the same rank.
func (r *pageRankRun) start(i int) {
	for v := r.runs[i].lo; v < r.runs[i].hi; v++ {
		r.gives[0][v] = r.share(v, 1/float64(len(r.first)-1))
	}
}

// pull computes the ranks of run i.
func (r *pageRankRun) pull(from, i int) {
	run, gives := &r.runs[i], r.gives[from]
	base := r.first[run.lo]
	for v := run.lo; v < run.hi; v++ {
		sum := 0.0
		for _, u := range run.near[r.first[v]-base : r.first[v+1]-base] {
			sum += gives[u]
		}
		r.gives[1-from][v] = r.share(v, (1-damping)/float64(len(r.first)-1)+damping*sum)
	}
}

// check computes the ranks alone, pushing instead of pulling, and compares.
func (r *pageRankRun) check(*sched.Sched) error {
	got := r.gives[r.iterations%2]
	if got == nil {
		return nil
	}
	n := len(r.first) - 1
	rank := make([]float64, n)
	for v := range rank {
		rank[v] = 1 / float64(n)
	}
	for range r.iterations {
		next := make([]float64, n)
		for v := range next {
			give := damping * r.share(v, rank[v])
			for _, u := range r.near[r.first[v]:r.first[v+1]] {
				next[u] += give
			}
		}
		for v := range next {
			next[v] += (1 - damping) / float64(n)
		}
		rank = next
	}
	for v := range rank {
		if want := r.share(v, rank[v]); math.Abs(got[v]-want) > 1e-9*want {
			return fmt.Errorf("pagerank: vertex %d gives %g, want %g", v, got[v], want)
		}
	}
	return nil
}
