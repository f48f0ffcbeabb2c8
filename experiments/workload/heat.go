package workload

import (
	"fmt"
	"math"

	"numasched/sched"
)

// heat lets heat flow through a square plate whose edges are kept cold: Jacobi sweeps
// with the five-point stencil, in blocks of rows that lie on home nodes. A block reads
// a row of each neighbour, and every sweep ends with a barrier. The plate starts as
// half a sine wave in each direction. Each sweep scales it by cos(pi/(n+1)), so the
// answer is known.
var heat = &Workload{
	Name:     "heat",
	Doc:      "2D heat flow, Jacobi sweeps over blocks of rows with home nodes",
	Unit:     "block",
	Quick:    true,
	Homed:    true,
	Pictured: true,
	InCaches: "n=64/rows=8",
	Claimed:  squares,
	Params: []Param{
		{Name: "n", Doc: "rows and columns inside the cold edge", Default: 2048, Quick: 512, Min: 1, Max: 1 << 16},
		{Name: "rows", Doc: "rows of a block", Default: 16, Quick: 8, Min: 1, Max: 1 << 16},
		{Name: "sweeps", Doc: "sweeps in a run", Default: 10, Min: 1, Max: 1 << 20},
	},
	New: func(p Params) (*Instance, error) {
		h := &heatRun{n: int(p["n"]), rows: int(p["rows"])}
		sweeps := int(p["sweeps"])
		blocks := (h.n + h.rows - 1) / h.rows
		return &Instance{
			Tasks: int64(blocks) * int64(sweeps),
			Bytes: 16 * int64(h.n) * int64(h.n) * int64(sweeps),
			Setup: h.setup,
			Run: func(g *sched.G) error {
				for range sweeps {
					h.loops[h.done%2].run(g)
					h.done++
				}
				return nil
			},
			Stock: func() error {
				for range sweeps {
					from := h.done % 2
					stockLoop(blocks, func(i int) { h.kernel(from, i) })
					h.done++
				}
				return nil
			},
			Check: h.check,
		}, nil
	},
}

type heatRun struct {
	n, rows int
	grid    [2][]block[float64]
	loops   [2]*loop // from grid 0 to 1, and back
	cold    []float64
	done    int // sweeps
}

func (h *heatRun) setup(s *sched.Sched) (err error) {
	h.done = 0
	h.cold = make([]float64, h.n)
	for k := range h.grid {
		if h.grid[k], err = newArray[float64](s, h.n*h.n, h.rows*h.n); err != nil {
			return err
		}
	}
	for i := range h.grid[0] {
		for j := range h.grid[0][i].data {
			h.grid[0][i].data[j] = h.start(i*h.rows+j/h.n, j%h.n)
			h.grid[1][i].data[j] = -1
		}
	}
	for from := range h.loops {
		src, dst := h.grid[from], h.grid[1-from]
		h.loops[from] = newLoop(len(src), func(i int) int { return src[i].node }, func(i int) func(*sched.G) {
			reads := []sched.Span{src[i].span}
			row := int64(h.n) * 8
			if i > 0 {
				above := src[i-1].span
				reads = append(reads, sched.Span{Buf: above.Buf, Off: above.Off + above.Len - row, Len: row})
			}
			if i+1 < len(src) {
				below := src[i+1].span
				reads = append(reads, sched.Span{Buf: below.Buf, Off: below.Off, Len: row})
			}
			w := sched.Work{Kernel: "heat", Ops: src[i].span.Len / 8 * 3, Reads: reads, Writes: []sched.Span{dst[i].span}}
			kernel := func() { h.kernel(from, i) }
			return func(g *sched.G) { g.Work(w, kernel) }
		})
	}
	return nil
}

func (h *heatRun) start(row, col int) float64 {
	step := math.Pi / float64(h.n+1)
	return math.Sin(step*float64(row+1)) * math.Sin(step*float64(col+1))
}

// row returns row r of the plate, or the cold edge.
func (h *heatRun) row(grid []block[float64], r int) []float64 {
	if r < 0 || r >= h.n {
		return h.cold
	}
	lo := r % h.rows * h.n
	return grid[r/h.rows].data[lo : lo+h.n]
}

func (h *heatRun) kernel(from, i int) {
	src, dst := h.grid[from], h.grid[1-from]
	n := h.n
	for r := i * h.rows; r < min((i+1)*h.rows, n); r++ {
		up, mid, down, out := h.row(src, r-1)[:n], h.row(src, r)[:n], h.row(src, r+1)[:n], h.row(dst, r)[:n]
		left := 0.0
		for c := range n - 1 {
			out[c] = 0.25 * (up[c] + down[c] + left + mid[c+1])
			left = mid[c]
		}
		out[n-1] = 0.25 * (up[n-1] + down[n-1] + left)
	}
}

func (h *heatRun) check(*sched.Sched) error {
	scale := math.Pow(math.Cos(math.Pi/float64(h.n+1)), float64(h.done))
	for i, b := range h.grid[h.done%2] {
		for j, got := range b.data {
			row, col := i*h.rows+j/h.n, j%h.n
			// Each sweep rounds values below 1 a few times.
			if want := scale * h.start(row, col); math.Abs(got-want) > 1e-14+4e-16*float64(h.done) {
				return fmt.Errorf("heat: after %d sweeps row %d, column %d is %g, want %g", h.done, row, col, got, want)
			}
		}
	}
	return nil
}
