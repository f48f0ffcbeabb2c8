package workload

import (
	"fmt"
	"math"

	"numasched/sched"
)

// cholesky factors a symmetric positive definite matrix in tiles. For every column of
// tiles it factors the diagonal tile, solves for the tiles below it, and updates the
// rest, with a barrier after each of the three. So there is less and less parallelism.
// Rows of tiles are dealt to the nodes in turn, so that all nodes have work to the
// end. A tile's tasks are placed where the tile lies.
var cholesky = &Workload{
	Name:     "cholesky",
	Doc:      "tiled Cholesky factorisation over rows of tiles that are dealt to the nodes",
	Unit:     "tile",
	InCaches: "n=2",
	Params: []Param{
		{Name: "n", Doc: "rows and columns in tiles of 64 by 64", Default: 16, Quick: 4, Min: 1, Max: 1 << 9},
	},
	New: func(p Params) (*Instance, error) {
		m := &choleskyRun{tileMatrix{n: int(p["n"])}}
		return m.instance(m.steps, m.check), nil
	},
}

type choleskyRun struct{ tileMatrix }

func (m *choleskyRun) steps(step func([]tileTask)) {
	const cube = tileSize * tileSide
	fill, factor, solve, update := m.fill, m.factor, m.solve, m.update
	var tasks []tileTask
	next := func() {
		if len(tasks) > 0 {
			step(tasks)
		}
		tasks = nil
	}
	for i := range m.n {
		for j := range i + 1 {
			tasks = append(tasks, tileTask{name: "cholesky fill", do: fill, row: i, col: j, ops: 10 * tileSize})
		}
	}
	next()
	for k := range m.n {
		tasks = append(tasks, tileTask{name: "cholesky factor", do: factor, row: k, col: k, k: k, ops: cube / 3})
		next()
		for i := k + 1; i < m.n; i++ {
			tasks = append(tasks, tileTask{name: "cholesky solve", do: solve, row: i, col: k, k: k, ops: cube, needs: [2]tileAt{{k, k}}, reads: 1})
		}
		next()
		for i := k + 1; i < m.n; i++ {
			for j := k + 1; j <= i; j++ {
				tasks = append(tasks, tileTask{name: "cholesky update", do: update, row: i, col: j, k: k, ops: cube, needs: [2]tileAt{{j, k}, {i, k}}, reads: 2})
			}
		}
		next()
	}
}

// element is the matrix: symmetric, and dominated by its diagonal.
func (m *choleskyRun) element(row, col int) float64 {
	if row == col {
		return float64(m.n * tileSide)
	}
	return float64(mix(uint64(max(row, col))<<32|uint64(min(row, col)))>>11) / (1 << 53)
}

func (m *choleskyRun) fill(t *tileTask) {
	x := m.tile(t.row, t.col).data
	for i := range x {
		x[i] = m.element(t.row*tileSide+i/tileSide, t.col*tileSide+i%tileSide)
	}
}

func (m *choleskyRun) factor(t *tileTask) {
	x := m.tile(t.k, t.k).data
	for j := range tileSide {
		rowJ := x[j*tileSide : j*tileSide+j+1]
		d := math.Sqrt(rowJ[j] - dot(rowJ[:j], rowJ[:j]))
		rowJ[j] = d
		for i := j + 1; i < tileSide; i++ {
			x[i*tileSide+j] = (x[i*tileSide+j] - dot(x[i*tileSide:i*tileSide+j], rowJ[:j])) / d
		}
	}
}

func (m *choleskyRun) solve(t *tileTask) {
	x, l := m.tile(t.row, t.k).data, m.tile(t.k, t.k).data
	for i := range tileSide {
		row := x[i*tileSide : (i+1)*tileSide]
		for j := range row {
			row[j] = (row[j] - dot(row[:j], l[j*tileSide:j*tileSide+j])) / l[j*tileSide+j]
		}
	}
}

func (m *choleskyRun) update(t *tileTask) {
	x, a, b := m.tile(t.row, t.col).data, m.tile(t.row, t.k).data, m.tile(t.col, t.k).data
	for i := range tileSide {
		for j := range tileSide {
			x[i*tileSide+j] -= dot(a[i*tileSide:(i+1)*tileSide], b[j*tileSide:(j+1)*tileSide])
		}
	}
}

// check compares L*(L'*v) with A*v for one v.
func (m *choleskyRun) check(*sched.Sched) error {
	if m.tiles[0].data == nil {
		return nil
	}
	n := m.n * tileSide
	v, lv := make([]float64, n), make([]float64, n)
	for i := range v {
		v[i] = float64(i%7) - 3
	}
	for j := range n {
		for i := j; i < n; i++ {
			lv[j] += m.at(i, j) * v[i]
		}
	}
	for i := range n {
		var got, want float64
		for j := range i + 1 {
			got += m.at(i, j) * lv[j]
		}
		for j := range n {
			want += m.element(i, j) * v[j]
		}
		if !(math.Abs(got-want) <= 1e-11*float64(n)) {
			return fmt.Errorf("cholesky: row %d of L*L' times a vector is %g, want %g", i, got, want)
		}
	}
	return nil
}
