package workload

import (
	"fmt"
	"math"

	"numasched/sched"
)

// lu factors a matrix in tiles into a lower and an upper triangle, as the LU of SPLASH-2
// (Woo et al., ISCA 1995) does: for every diagonal tile it factors that, solves for the
// tiles to its right and below it, and updates the rest, with a barrier after each of the
// three. The diagonal dominates, so rows need not be exchanged.
var lu = &Workload{
	Name:     "lu",
	Doc:      "tiled LU factorisation over rows of tiles that are dealt to the nodes",
	Unit:     "tile",
	InCaches: "n=2",
	Params: []Param{
		{Name: "n", Doc: "rows and columns in tiles of 64 by 64", Default: 12, Quick: 4, Min: 1, Max: 1 << 9},
	},
	New: func(p Params) (*Instance, error) {
		m := &luRun{tileMatrix{n: int(p["n"])}}
		return m.instance(m.steps, m.check), nil
	},
}

type luRun struct{ tileMatrix }

func (m *luRun) steps(step func([]tileTask)) {
	const cube = tileSize * tileSide
	fill, factor, right, below, update := m.fill, m.factor, m.right, m.below, m.update
	var tasks []tileTask
	next := func() {
		if len(tasks) > 0 {
			step(tasks)
		}
		tasks = nil
	}
	for i := range m.n * m.n {
		tasks = append(tasks, tileTask{name: "lu fill", do: fill, row: i / m.n, col: i % m.n, ops: 10 * tileSize})
	}
	next()
	for k := range m.n {
		tasks = append(tasks, tileTask{name: "lu factor", do: factor, row: k, col: k, k: k, ops: 2 * cube / 3})
		next()
		for i := k + 1; i < m.n; i++ {
			diagonal := [2]tileAt{{k, k}}
			tasks = append(tasks,
				tileTask{name: "lu right", do: right, row: k, col: i, k: k, ops: cube, needs: diagonal, reads: 1},
				tileTask{name: "lu below", do: below, row: i, col: k, k: k, ops: cube, needs: diagonal, reads: 1})
		}
		next()
		for i := k + 1; i < m.n; i++ {
			for j := k + 1; j < m.n; j++ {
				tasks = append(tasks, tileTask{name: "lu update", do: update, row: i, col: j, k: k, ops: cube, needs: [2]tileAt{{i, k}, {k, j}}, reads: 2})
			}
		}
		next()
	}
}

// element is the matrix. The diagonal dominates.
func (m *luRun) element(row, col int) float64 {
	if row == col {
		return float64(m.n * tileSide)
	}
	return float64(mix(uint64(row)<<32|uint64(col))>>11) / (1 << 53)
}

func (m *luRun) fill(t *tileTask) {
	x := m.tile(t.row, t.col).data
	for i := range x {
		x[i] = m.element(t.row*tileSide+i/tileSide, t.col*tileSide+i%tileSide)
	}
}

// factor leaves both triangles in the diagonal tile. The diagonal is the upper one's; that
// of the lower one is all ones.
func (m *luRun) factor(t *tileTask) {
	x := m.tile(t.k, t.k).data
	for k := range tileSide {
		pivot := x[k*tileSide : (k+1)*tileSide]
		for i := k + 1; i < tileSide; i++ {
			row := x[i*tileSide : (i+1)*tileSide]
			row[k] /= pivot[k]
			subtract(row[k+1:], row[k], pivot[k+1:])
		}
	}
}

// right divides a tile by the lower triangle.
func (m *luRun) right(t *tileTask) {
	x, d := m.tile(t.row, t.col).data, m.tile(t.k, t.k).data
	for k := range tileSide {
		for i := k + 1; i < tileSide; i++ {
			subtract(x[i*tileSide:(i+1)*tileSide], d[i*tileSide+k], x[k*tileSide:(k+1)*tileSide])
		}
	}
}

// below divides a tile by the upper triangle.
func (m *luRun) below(t *tileTask) {
	x, d := m.tile(t.row, t.col).data, m.tile(t.k, t.k).data
	for i := range tileSide {
		row := x[i*tileSide : (i+1)*tileSide]
		for k := range tileSide {
			row[k] /= d[k*tileSide+k]
			subtract(row[k+1:], row[k], d[k*tileSide+k+1:(k+1)*tileSide])
		}
	}
}

func (m *luRun) update(t *tileTask) {
	x, a, b := m.tile(t.row, t.col).data, m.tile(t.row, t.k).data, m.tile(t.k, t.col).data
	for i := range tileSide {
		for k := range tileSide {
			subtract(x[i*tileSide:(i+1)*tileSide], a[i*tileSide+k], b[k*tileSide:(k+1)*tileSide])
		}
	}
}

// subtract subtracts f times b from a.
func subtract(a []float64, f float64, b []float64) {
	b = b[:len(a)]
	for i := range a {
		a[i] -= f * b[i]
	}
}

// check compares L*(U*v) with A*v for one v.
func (m *luRun) check(*sched.Sched) error {
	if m.tiles[0].data == nil {
		return nil
	}
	n := m.n * tileSide
	v, uv := make([]float64, n), make([]float64, n)
	for i := range v {
		v[i] = float64(i%7) - 3
	}
	for i := range n {
		for j := i; j < n; j++ {
			uv[i] += m.at(i, j) * v[j]
		}
	}
	for i := range n {
		got, want := uv[i], 0.0
		for j := range i {
			got += m.at(i, j) * uv[j]
		}
		for j := range n {
			want += m.element(i, j) * v[j]
		}
		if !(math.Abs(got-want) <= 1e-11*float64(n)) {
			return fmt.Errorf("lu: row %d of L*U times a vector is %g, want %g", i, got, want)
		}
	}
	return nil
}
