package workload

import (
	"fmt"

	"numasched/sched"
)

// matMul is a blocked matrix product. All three matrices are in square tiles. The tiles
// of a row lie on one home node, and rows are dealt over the nodes. So a task finds its
// tiles of A and C near by, and reads tiles of B from everywhere.
var matMul = &Workload{
	Name:     "matmul",
	Doc:      "blocked matrix product over tiles with home nodes",
	Unit:     "tile",
	InCaches: "n=1",
	Params: []Param{
		{Name: "n", Doc: "rows and columns in tiles of 64 by 64", Default: 12, Quick: 3, Min: 1, Max: 1 << 10},
	},
	New: func(p Params) (*Instance, error) {
		n := int(p["n"])
		m := &matMulRun{n: n}
		return &Instance{
			Tasks: int64(n) * int64(n),
			Setup: m.setup,
			Run: func(g *sched.G) error {
				m.runs++
				m.loop.run(g)
				return nil
			},
			Stock: func() error {
				m.runs++
				stockLoop(n*n, m.kernel)
				return nil
			},
			Check: m.check,
		}, nil
	},
}

const (
	tileSide = 64
	tileSize = tileSide * tileSide
)

type matMulRun struct {
	n       int
	a, b, c []block[float64] // tiles by rows
	loop    *loop
	runs    int // every run adds A*B to C
}

func (m *matMulRun) setup(s *sched.Sched) (err error) {
	m.runs = 0
	n := m.n
	for k, x := range []*[]block[float64]{&m.a, &m.b, &m.c} {
		if *x, err = newArray[float64](s, n*n*tileSize, tileSize); err != nil {
			return err
		}
		for i := range *x {
			for j := range (*x)[i].data {
				v := 0.0
				if k < 2 {
					v = float64(mix(uint64(k)<<60+uint64(i*tileSize+j)) % 8) // exact sums
				}
				(*x)[i].data[j] = v
			}
		}
	}
	m.loop = newLoop(n*n, func(i int) int { return m.c[i].node }, func(i int) func(*sched.G) {
		row, col := i/n, i%n
		reads := []sched.Span{m.c[i].span}
		for k := range n {
			reads = append(reads, m.a[row*n+k].span, m.b[k*n+col].span)
		}
		w := sched.Work{Kernel: "matmul", Ops: int64(n) * tileSize * tileSide, Reads: reads, Writes: []sched.Span{m.c[i].span}}
		kernel := func() { m.kernel(i) }
		return func(g *sched.G) { g.Work(w, kernel) }
	})
	return nil
}

func (m *matMulRun) kernel(i int) {
	row, col := i/m.n, i%m.n
	for k := range m.n {
		tileMulAdd(m.c[i].data, m.a[row*m.n+k].data, m.b[k*m.n+col].data)
	}
}

// tileMulAdd adds a*b to c.
func tileMulAdd(c, a, b []float64) {
	for i := range tileSide {
		out := c[i*tileSide : (i+1)*tileSide]
		for k := range tileSide {
			f, in := a[i*tileSide+k], b[k*tileSide:(k+1)*tileSide]
			for j, v := range in {
				out[j] += f * v
			}
		}
	}
}

// check compares C*v with runs*A*(B*v) for one v, after Freivalds. All values are whole
// numbers, so both sides are exact.
func (m *matMulRun) check(*sched.Sched) error {
	if m.a[0].data == nil {
		return nil
	}
	v := make([]float64, m.n*tileSide)
	for i := range v {
		v[i] = float64(mix(uint64(i)) % 4)
	}
	got := m.apply(m.c, v)
	want := m.apply(m.a, m.apply(m.b, v))
	for i := range got {
		if got[i] != float64(m.runs)*want[i] {
			return fmt.Errorf("matmul: row %d of the product times a vector is %g after %d runs, want %g", i, got[i], m.runs, float64(m.runs)*want[i])
		}
	}
	return nil
}

// apply returns x*v.
func (m *matMulRun) apply(x []block[float64], v []float64) []float64 {
	out := make([]float64, len(v))
	for t := range x {
		row, col := t/m.n*tileSide, t%m.n*tileSide
		for j, f := range x[t].data {
			out[row+j/tileSide] += f * v[col+j%tileSide]
		}
	}
	return out
}
