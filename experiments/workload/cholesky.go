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
	Name: "cholesky",
	Doc:  "tiled Cholesky factorisation over rows of tiles that are dealt to the nodes",
	Unit: "tile",
	Params: []Param{
		{Name: "n", Doc: "rows and columns in tiles of 64 by 64", Default: 16, Quick: 4, Min: 1, Max: 1 << 9},
	},
	New: func(p Params) (*Instance, error) {
		m := &choleskyRun{n: int(p["n"])}
		tasks := 0
		m.steps(func(tiles []tileTask) { tasks += len(tiles) })
		return &Instance{
			Tasks: int64(tasks),
			Setup: m.setup,
			Run: func(g *sched.G) error {
				m.steps(func(tiles []tileTask) {
					var gr sched.Group
					for _, t := range tiles {
						gr.GoAt(g, at(m.tile(t.row, t.col).node), func(g *sched.G) {
							g.Allocated(6) // two closures and lists of spans
							g.Work(m.work(t), func() { m.kernel(t) })
						})
					}
					gr.Wait(g)
				})
				return nil
			},
			Stock: func() error {
				m.steps(func(tiles []tileTask) {
					stockLoop(len(tiles), func(i int) { m.kernel(tiles[i]) })
				})
				return nil
			},
			Check: m.check,
		}, nil
	},
}

type choleskyRun struct {
	n     int
	tiles []block[float64]
	pos   []int // of each row of tiles in tiles
}

// A tileTask is what a task does to the tile at row, col.
type tileTask struct {
	name     string
	do       func(m *choleskyRun, t tileTask)
	row, col int
	k        int // column of tiles that is being eliminated
	// ops is for simulated machines: a cycle for each multiplication and addition, as
	// in matmul, and as many again for the divisions of factor and solve.
	ops int64
}

// steps calls step with the tasks of each step in turn. The tasks of one step may run
// at the same time.
func (m *choleskyRun) steps(step func([]tileTask)) {
	const cube = tileSize * tileSide
	var tasks []tileTask
	next := func() {
		if len(tasks) > 0 {
			step(tasks)
		}
		tasks = nil
	}
	for i := range m.n {
		for j := range i + 1 {
			tasks = append(tasks, tileTask{"cholesky fill", (*choleskyRun).fill, i, j, 0, 10 * tileSize})
		}
	}
	next()
	for k := range m.n {
		tasks = append(tasks, tileTask{"cholesky factor", (*choleskyRun).factor, k, k, k, cube / 3})
		next()
		for i := k + 1; i < m.n; i++ {
			tasks = append(tasks, tileTask{"cholesky solve", (*choleskyRun).solve, i, k, k, cube})
		}
		next()
		for i := k + 1; i < m.n; i++ {
			for j := k + 1; j <= i; j++ {
				tasks = append(tasks, tileTask{"cholesky update", (*choleskyRun).update, i, j, k, cube})
			}
		}
		next()
	}
}

func (m *choleskyRun) setup(s *sched.Sched) (err error) {
	if m.tiles, err = newArray[float64](s, m.n*m.n*tileSize, tileSize); err != nil {
		return err
	}
	// Nodes have equal shares of tiles in order; deal rows out among the shares.
	nodes := len(nodesOf(s))
	m.pos = make([]int, m.n)
	next := 0
	for k := range nodes {
		for i := k; i < m.n; i += nodes {
			m.pos[i] = next
			next++
		}
	}
	return nil
}

func (m *choleskyRun) tile(row, col int) *block[float64] { return &m.tiles[m.pos[row]*m.n+col] }

func (m *choleskyRun) kernel(t tileTask) { t.do(m, t) }

func (m *choleskyRun) work(t tileTask) sched.Work {
	own := m.tile(t.row, t.col).span
	w := sched.Work{Kernel: t.name, Ops: t.ops, Reads: []sched.Span{own}, Writes: []sched.Span{own}}
	if t.row != t.k && t.ops > 10*tileSize { // solve and update read tiles of column k
		w.Reads = append(w.Reads, m.tile(t.col, t.k).span)
		if t.col != t.k {
			w.Reads = append(w.Reads, m.tile(t.row, t.k).span)
		}
	}
	return w
}

// element is the matrix: symmetric, and dominated by its diagonal.
func (m *choleskyRun) element(row, col int) float64 {
	if row == col {
		return float64(m.n * tileSide)
	}
	return float64(mix(uint64(max(row, col))<<32|uint64(min(row, col)))>>11) / (1 << 53)
}

func (m *choleskyRun) fill(t tileTask) {
	x := m.tile(t.row, t.col).data
	for i := range x {
		x[i] = m.element(t.row*tileSide+i/tileSide, t.col*tileSide+i%tileSide)
	}
}

func (m *choleskyRun) factor(t tileTask) {
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

func (m *choleskyRun) solve(t tileTask) {
	x, l := m.tile(t.row, t.k).data, m.tile(t.k, t.k).data
	for i := range tileSide {
		row := x[i*tileSide : (i+1)*tileSide]
		for j := range row {
			row[j] = (row[j] - dot(row[:j], l[j*tileSide:j*tileSide+j])) / l[j*tileSide+j]
		}
	}
}

func (m *choleskyRun) update(t tileTask) {
	x, a, b := m.tile(t.row, t.col).data, m.tile(t.row, t.k).data, m.tile(t.col, t.k).data
	for i := range tileSide {
		for j := range tileSide {
			x[i*tileSide+j] -= dot(a[i*tileSide:(i+1)*tileSide], b[j*tileSide:(j+1)*tileSide])
		}
	}
}

func dot(a, b []float64) (sum float64) {
	b = b[:len(a)]
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// check compares L*(L'*v) with A*v for one v.
func (m *choleskyRun) check(*sched.Sched) error {
	if m.tiles[0].data == nil {
		return nil
	}
	n := m.n * tileSide
	l := func(row, col int) float64 {
		return m.tile(row/tileSide, col/tileSide).data[row%tileSide*tileSide+col%tileSide]
	}
	v, lv := make([]float64, n), make([]float64, n)
	for i := range v {
		v[i] = float64(i%7) - 3
	}
	for j := range n {
		for i := j; i < n; i++ {
			lv[j] += l(i, j) * v[i]
		}
	}
	for i := range n {
		var got, want float64
		for j := range i + 1 {
			got += l(i, j) * lv[j]
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
