package workload

import (
	"fmt"
	"math"

	"numasched/sched"
)

// cg solves Poisson's equation on a square grid by conjugate gradients. It sweeps over
// vectors in blocks of rows that have home nodes. An iteration has three barriers and
// two sums over all blocks, for which everybody waits. Every run starts anew.
var cg = &Workload{
	Name:     "cg",
	Doc:      "conjugate gradients for Poisson's equation, vectors in blocks with home nodes",
	Unit:     "block",
	InCaches: "n=64/rows=8",
	Params: []Param{
		{Name: "n", Doc: "rows and columns of the grid", Default: 1024, Quick: 256, Min: 2, Max: 1 << 15},
		{Name: "rows", Doc: "rows of a block", Default: 8, Min: 1, Max: 1 << 15},
		{Name: "iterations", Doc: "iterations of a run", Default: 20, Quick: 10, Min: 1, Max: 1 << 20},
	},
	New: func(p Params) (*Instance, error) {
		c := &cgRun{n: int(p["n"]), rows: int(p["rows"]), iterations: int(p["iterations"])}
		c.blocks = (c.n + c.rows - 1) / c.rows
		return &Instance{
			Tasks: int64(c.blocks) * int64(3*c.iterations+1),
			Setup: c.setup,
			Run: func(g *sched.G) error {
				c.solve(func(phase int) { c.loops[phase].run(g) })
				return nil
			},
			Stock: func() error {
				c.solve(func(phase int) { stockLoop(c.blocks, func(i int) { cgPhases[phase](c, i) }) })
				return nil
			},
			Check: c.check,
		}, nil
	},
}

type cgRun struct {
	n, rows, blocks, iterations int

	x, r, p, q []block[float64] // solution, residual, direction, A times direction
	cold       []float64
	loops      [4]*loop // one per phase

	sums        []float64 // of the last phase, by block
	rr          float64   // r*r
	alpha, beta float64
}

// cgPhases are the loops over all blocks. They leave their sums in sums.
var cgPhases = [...]func(c *cgRun, i int){
	func(c *cgRun, i int) { // x = 0, r = p = b = 1
		x, r, p := c.x[i].data, c.r[i].data, c.p[i].data
		for k := range x {
			x[k], r[k], p[k] = 0, 1, 1
		}
		c.sums[i] = float64(len(x))
	},
	func(c *cgRun, i int) { // q = A*p; p*q
		c.apply(c.q[i].data, c.p, i)
		c.sums[i] = dot(c.p[i].data, c.q[i].data)
	},
	func(c *cgRun, i int) { // x += alpha*p, r -= alpha*q; r*r
		x, r, p, q := c.x[i].data, c.r[i].data, c.p[i].data, c.q[i].data
		for k := range x {
			x[k] += c.alpha * p[k]
			r[k] -= c.alpha * q[k]
		}
		c.sums[i] = dot(r, r)
	},
	func(c *cgRun, i int) { // p = r + beta*p
		r, p := c.r[i].data, c.p[i].data
		for k := range p {
			p[k] = r[k] + c.beta*p[k]
		}
	},
}

// solve runs all iterations; loop runs one phase. The number of iterations does not
// depend on the answer: when the equation is solved, further ones change nothing.
func (c *cgRun) solve(loop func(phase int)) {
	loop(0)
	c.rr = c.sum()
	for range c.iterations {
		loop(1)
		c.alpha = ratio(c.rr, c.sum())
		loop(2)
		rr := c.sum()
		c.beta = ratio(rr, c.rr)
		c.rr = rr
		loop(3)
	}
}

// ratio is a/b, or 0 if b is 0.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func (c *cgRun) sum() (s float64) {
	for _, v := range c.sums {
		s += v
	}
	return s
}

func (c *cgRun) setup(s *sched.Sched) (err error) {
	c.cold, c.sums = make([]float64, c.n), make([]float64, c.blocks)
	for _, v := range []*[]block[float64]{&c.x, &c.r, &c.p, &c.q} {
		if *v, err = newArray[float64](s, c.n*c.n, c.rows*c.n); err != nil {
			return err
		}
	}
	for phase := range c.loops {
		c.loops[phase] = newLoop(c.blocks, func(i int) int { return c.x[i].node }, func(i int) func(*sched.G) {
			x, r, p, q := c.x[i].span, c.r[i].span, c.p[i].span, c.q[i].span
			w := [...]sched.Work{
				{Kernel: "cg start", Ops: x.Len / 8, Writes: []sched.Span{x, r, p}},
				{Kernel: "cg apply", Ops: x.Len / 8 * 7, Reads: append(c.edges(i), p), Writes: []sched.Span{q}},
				{Kernel: "cg step", Ops: x.Len / 8 * 6, Reads: []sched.Span{x, r, p, q}, Writes: []sched.Span{x, r}},
				{Kernel: "cg turn", Ops: x.Len / 8 * 2, Reads: []sched.Span{r, p}, Writes: []sched.Span{p}},
			}[phase]
			kernel := func() { cgPhases[phase](c, i) }
			return func(g *sched.G) { g.Work(w, kernel) }
		})
	}
	return nil
}

// edges are the neighbours' rows that block i of A*p needs.
func (c *cgRun) edges(i int) (spans []sched.Span) {
	row := int64(c.n) * 8
	if i > 0 {
		above := c.p[i-1].span
		spans = append(spans, sched.Span{Buf: above.Buf, Off: above.Off + above.Len - row, Len: row})
	}
	if i+1 < c.blocks {
		below := c.p[i+1].span
		spans = append(spans, sched.Span{Buf: below.Buf, Off: below.Off, Len: row})
	}
	return spans
}

// apply computes block i of A*v: 4 times each element less its neighbours.
func (c *cgRun) apply(out []float64, v []block[float64], i int) {
	n := c.n
	row := func(r int) []float64 {
		if r < 0 || r >= n {
			return c.cold
		}
		lo := r % c.rows * n
		return v[r/c.rows].data[lo : lo+n]
	}
	for k := range len(out) / n {
		r := i*c.rows + k
		up, mid, down, to := row(r - 1)[:n], row(r)[:n], row(r + 1)[:n], out[k*n:(k+1)*n]
		left := 0.0
		for col := range n - 1 {
			to[col] = 4*mid[col] - up[col] - down[col] - left - mid[col+1]
			left = mid[col]
		}
		to[n-1] = 4*mid[n-1] - up[n-1] - down[n-1] - left
	}
}

// check makes three checks. The residual r is b - A*x. The last direction p has the
// properties for which alpha and beta are chosen: r*(p - r) = 0 and p*q = 0, where q
// is A times the direction before. The length of r is within the method's bound: |r|
// <= 2 sqrt(K) ((sqrt(K)-1)/(sqrt(K)+1))^iterations |b|, where K is the condition of
// A (Saad, Iterative Methods, 6.11.3).
func (c *cgRun) check(*sched.Sched) error {
	if c.x[0].data == nil {
		return nil
	}
	out := make([]float64, c.rows*c.n)
	var rr, pp, qq, pq, pr float64
	for i := range c.x {
		r := c.r[i].data
		ax := out[:len(r)]
		c.apply(ax, c.x, i)
		for k := range r {
			if want := 1 - ax[k]; !(math.Abs(r[k]-want) <= 1e-10*float64(c.n)) {
				return fmt.Errorf("cg: residual %d is %g, want %g", i*c.rows*c.n+k, r[k], want)
			}
		}
		p, q := c.p[i].data, c.q[i].data
		rr, pp, qq, pq, pr = rr+dot(r, r), pp+dot(p, p), qq+dot(q, q), pq+dot(p, q), pr+dot(p, r)
	}
	const tiny = 1e-100 // from here on products lose their digits
	if pp*qq > tiny && !(math.Abs(pq) <= 1e-6*math.Sqrt(pp*qq)) {
		return fmt.Errorf("cg: direction times A times the one before is %g, want 0", pq)
	}
	if rr > tiny && !(math.Abs(pr-rr) <= 1e-6*rr) {
		return fmt.Errorf("cg: residual times direction is %g, want %g", pr, rr)
	}
	root := 1 / math.Tan(math.Pi/float64(2*(c.n+1))) // sqrt(K)
	bound := 2 * root * math.Pow((root-1)/(root+1), float64(c.iterations)) * float64(c.n)
	if got := math.Sqrt(rr); !(got <= bound+1e-8*float64(c.n)) {
		return fmt.Errorf("cg: residual has length %g after %d iterations, want at most %g", got, c.iterations, bound)
	}
	return nil
}
