package workload

import "numasched/sched"

// A tileMatrix is a square matrix in tiles, of which rows are dealt to the nodes in turn.
// So all nodes have work to the end of a factorisation, which needs less and less of the
// matrix. It is factored in steps, with a barrier after each. A tile's tasks are placed
// where the tile lies.
type tileMatrix struct {
	n     int // rows and columns, in tiles
	tiles []block[float64]
	pos   []int // of each row of tiles in tiles
}

type tileAt struct{ row, col int }

// A tileTask is what a task does to the tile at row, col.
type tileTask struct {
	name     string
	do       func(t *tileTask)
	row, col int
	k        int // row and column of tiles that are being eliminated
	// ops is for simulated machines: a cycle for each multiplication and addition, as
	// in matmul, and as many again for the divisions of factor and solve.
	ops   int64
	needs [2]tileAt // tiles that it reads, besides its own
	reads int       // how many
}

// instance makes the instance that factors m. steps calls its argument with the tasks of
// each step in turn; the tasks of one step may run at the same time.
func (m *tileMatrix) instance(steps func(step func([]tileTask)), check func(*sched.Sched) error) *Instance {
	tasks := 0
	steps(func(tiles []tileTask) { tasks += len(tiles) })
	return &Instance{
		Tasks: int64(tasks),
		Setup: m.setup,
		Run: func(g *sched.G) error {
			steps(func(tiles []tileTask) {
				var gr sched.Group
				for i := range tiles {
					t := &tiles[i]
					gr.GoAt(g, at(m.tile(t.row, t.col).node), func(g *sched.G) {
						g.Allocated(6) // two closures and lists of spans
						g.Work(m.work(t), func() { t.do(t) })
					})
				}
				gr.Wait(g)
			})
			return nil
		},
		Stock: func() error {
			steps(func(tiles []tileTask) {
				stockLoop(len(tiles), func(i int) { tiles[i].do(&tiles[i]) })
			})
			return nil
		},
		Check: check,
	}
}

func (m *tileMatrix) setup(s *sched.Sched) (err error) {
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

func (m *tileMatrix) tile(row, col int) *block[float64] { return &m.tiles[m.pos[row]*m.n+col] }

func (m *tileMatrix) work(t *tileTask) sched.Work {
	own := m.tile(t.row, t.col).span
	w := sched.Work{Kernel: t.name, Ops: t.ops, Reads: []sched.Span{own}, Writes: []sched.Span{own}}
	for i, at := range t.needs[:t.reads] {
		if i == 0 || at != t.needs[0] {
			w.Reads = append(w.Reads, m.tile(at.row, at.col).span)
		}
	}
	return w
}

// at returns an element of the matrix as it is now.
func (m *tileMatrix) at(row, col int) float64 {
	return m.tile(row/tileSide, col/tileSide).data[row%tileSide*tileSide+col%tileSide]
}

func dot(a, b []float64) (sum float64) {
	b = b[:len(a)]
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}
