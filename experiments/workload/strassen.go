package workload

import (
	"fmt"
	"slices"

	"numasched/sched"
)

// strassen is the matrix product of Strassen (1969), with seven products of quarters
// instead of eight, as in Cilk's examples and in the BOTS benchmarks (Duran et al., ICPP
// 2009). The quarters are halved until they are one tile. The matrices lie in the order of
// a Z, so that every quarter is one piece of memory, and are interleaved over the nodes. The
// seven products of the whole are dealt to the nodes, and what they need for sums and
// results lies there.
var strassen = &Workload{
	Name:     "strassen",
	Doc:      "Strassen's matrix product: seven tasks for each level, with temporary matrices at their home",
	Unit:     "product",
	InCaches: "levels=1",
	Params: []Param{
		{Name: "levels", Doc: "how often the matrices are halved; the last quarters are 64 by 64", Default: 3, Quick: 2, Min: 0, Max: 6},
	},
	New: func(p Params) (*Instance, error) {
		levels := int(p["levels"])
		r := &strassenRun{size: tileSize << (2 * levels)}
		tasks := int64(1)
		for range levels {
			tasks *= 7
		}
		return &Instance{
			Tasks: tasks,
			Setup: r.setup,
			Run:   func(g *sched.G) error { r.root.run(g); return nil },
			Stock: func() error { r.root.stock(); return nil },
			Check: r.check,
		}, nil
	},
}

type strassenRun struct {
	size    int // elements of a matrix
	a, b, c quarter
	root    *product
}

// A quarter is a piece of a matrix, or all of it.
type quarter struct {
	span sched.Span
	data []float64 // nil on a simulated machine
	n    int       // elements
}

// of returns a quarter: 0 and 1 above, 2 and 3 below.
func (q quarter) of(i int) quarter {
	n := q.n / 4
	part := quarter{span: q.span, n: n}
	part.span.Off, part.span.Len = q.span.Off+int64(i*n)*8, int64(n)*8
	if q.data != nil {
		part.data = q.data[i*n : (i+1)*n]
	}
	return part
}

func newQuarter(s *sched.Sched, n int, where sched.Placement) (quarter, error) {
	if s == nil {
		return quarter{data: make([]float64, n), n: n}, nil
	}
	buf, err := s.NewBuffer(int64(n)*8, where)
	if err != nil {
		return quarter{}, err
	}
	return quarter{sched.Span{Buf: buf, Len: int64(n) * 8}, sched.Slice[float64](buf, n), n}, nil
}

// A term is a quarter of a or b, with a sign.
type term struct{ quarter, sign int }

// strassenTerms are the sums whose products are taken.
var strassenTerms = [7]struct{ left, right []term }{
	{[]term{{0, 1}, {3, 1}}, []term{{0, 1}, {3, 1}}},
	{[]term{{2, 1}, {3, 1}}, []term{{0, 1}}},
	{[]term{{0, 1}}, []term{{1, 1}, {3, -1}}},
	{[]term{{3, 1}}, []term{{2, 1}, {0, -1}}},
	{[]term{{0, 1}, {1, 1}}, []term{{3, 1}}},
	{[]term{{2, 1}, {0, -1}}, []term{{0, 1}, {1, 1}}},
	{[]term{{1, 1}, {3, -1}}, []term{{2, 1}, {3, 1}}},
}

// strassenSums are the quarters of the result, as sums of products.
var strassenSums = [4][]term{
	{{0, 1}, {3, 1}, {4, -1}, {6, 1}},
	{{2, 1}, {4, 1}},
	{{1, 1}, {3, 1}},
	{{0, 1}, {1, -1}, {2, 1}, {5, 1}},
}

// A product is a task: it makes its factors, multiplies them, by seven products if they
// are more than a tile, and adds these up.
type product struct {
	where   sched.Placement
	factors []sum
	parts   []*product // none: factors are tiles
	sums    []sum
	leaf    sched.Work
	kernel  func()
	onG     func(g *sched.G)
}

// A sum is a quarter that is the sum of others.
type sum struct {
	to     quarter
	of     []quarter
	signs  []int
	work   sched.Work
	kernel func()
}

func newSum(to quarter, from []quarter, terms []term) sum {
	s := sum{to: to}
	s.work = sched.Work{Kernel: "strassen sum", Ops: int64(len(terms)) * int64(to.n), Writes: []sched.Span{to.span}}
	for _, t := range terms {
		s.of, s.signs = append(s.of, from[t.quarter]), append(s.signs, t.sign)
		s.work.Reads = append(s.work.Reads, from[t.quarter].span)
	}
	s.kernel = s.add
	return s
}

func (s *sum) add() {
	clear(s.to.data)
	for i, q := range s.of {
		f := float64(s.signs[i])
		for k, v := range q.data {
			s.to.data[k] += f * v
		}
	}
}

// newProduct makes the task that stores a times b in c.
func newProduct(s *sched.Sched, c, a, b quarter, where sched.Placement, nodes []int) (p *product, err error) {
	p = &product{where: where}
	p.onG = p.run
	if a.n == tileSize {
		p.leaf = sched.Work{Kernel: "matmul", Ops: tileSize * tileSide, Reads: []sched.Span{a.span, b.span}, Writes: []sched.Span{c.span}}
		p.kernel = func() {
			clear(c.data)
			tileMulAdd(c.data, a.data, b.data)
		}
		return p, nil
	}
	quarters := func(q quarter) []quarter { return []quarter{q.of(0), q.of(1), q.of(2), q.of(3)} }
	var results []quarter
	for i, t := range strassenTerms {
		there := where
		if nodes != nil { // the whole
			there = at(nodes[i%len(nodes)])
		}
		var factors []sum
		factor := func(from []quarter, terms []term) quarter {
			if len(terms) == 1 {
				return from[terms[0].quarter]
			}
			to, e := newQuarter(s, a.n/4, there)
			if e != nil {
				err = e
			}
			factors = append(factors, newSum(to, from, terms))
			return to
		}
		left, right := factor(quarters(a), t.left), factor(quarters(b), t.right)
		result, e := newQuarter(s, a.n/4, there)
		if err != nil || e != nil {
			return nil, firstError([]error{err, e})
		}
		part, err := newProduct(s, result, left, right, there, nil)
		if err != nil {
			return nil, err
		}
		part.factors = factors
		p.parts = append(p.parts, part)
		results = append(results, result)
	}
	for i, terms := range strassenSums {
		p.sums = append(p.sums, newSum(c.of(i), results, terms))
	}
	return p, nil
}

func (p *product) run(g *sched.G) {
	for i := range p.factors {
		g.Work(p.factors[i].work, p.factors[i].kernel)
	}
	if p.kernel != nil {
		g.Work(p.leaf, p.kernel)
		return
	}
	var gr sched.Group
	for _, part := range p.parts {
		gr.GoAt(g, part.where, part.onG)
	}
	gr.Wait(g)
	for i := range p.sums {
		g.Work(p.sums[i].work, p.sums[i].kernel)
	}
}

func (p *product) stock() {
	for i := range p.factors {
		p.factors[i].add()
	}
	if p.kernel != nil {
		p.kernel()
		return
	}
	stockLoop(len(p.parts), func(i int) { p.parts[i].stock() })
	for i := range p.sums {
		p.sums[i].add()
	}
}

func (r *strassenRun) setup(s *sched.Sched) (err error) {
	for k, q := range []*quarter{&r.a, &r.b, &r.c} {
		if *q, err = newQuarter(s, r.size, sched.Interleave); err != nil {
			return err
		}
		for i := range q.data {
			q.data[i] = float64(mix(uint64(k)<<60+uint64(i)) % 4) // exact sums
		}
	}
	r.root, err = newProduct(s, r.c, r.a, r.b, sched.Default, nodesOf(s))
	return err
}

// check compares C*v with A*(B*v) for one v, after Freivalds. All values are whole numbers,
// so both sides are exact.
func (r *strassenRun) check(*sched.Sched) error {
	if r.a.data == nil {
		return nil
	}
	var v []float64
	for i := 0; i*i < r.size; i++ {
		v = append(v, float64(mix(uint64(i))%4))
	}
	got, want := r.c.apply(v), r.a.apply(r.b.apply(v))
	for i := range got {
		if got[i] != want[i] {
			return fmt.Errorf("strassen: row %d of the product times a vector is %g, want %g", i, got[i], want[i])
		}
	}
	return nil
}

// apply returns q*v.
func (q quarter) apply(v []float64) []float64 {
	if q.n == tileSize {
		out := make([]float64, tileSide)
		for i := range out {
			out[i] = dot(q.data[i*tileSide:(i+1)*tileSide], v)
		}
		return out
	}
	half := len(v) / 2
	add := func(a, b []float64) []float64 {
		for i := range a {
			a[i] += b[i]
		}
		return a
	}
	return slices.Concat(
		add(q.of(0).apply(v[:half]), q.of(1).apply(v[half:])),
		add(q.of(2).apply(v[:half]), q.of(3).apply(v[half:])))
}
