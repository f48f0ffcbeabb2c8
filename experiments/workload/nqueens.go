package workload

import (
	"fmt"

	"numasched/sched"
)

// nQueens counts the ways to place n queens on a board of n by n so that none attacks
// another. A task is a placement of the first queens, and forks one task for each square
// on which the next queen is safe. The program comes from Cilk's examples. This form, which
// compares with every earlier queen and forks for every safe square down to the last row,
// is that of the public tables of task runtimes (ConorWilliams/libfork,
// tzcnt/runtime-benchmarks), where n=14.
var nQueens = &Workload{
	Name: "nqueens",
	Doc:  "ways to place n queens, with a fork for every safe square; n=14 in public tables",
	Unit: "task",
	Params: []Param{
		{Name: "n", Doc: "queens", Default: 12, Quick: 9, Min: 1, Max: 16},
	},
	New: func(p Params) (*Instance, error) {
		n := int(p["n"])
		want, tasks := countQueens(1<<n-1, 0, 0, 0)
		check := func(got int) error {
			if got != want {
				return fmt.Errorf("nqueens: %d ways to place %d queens, want %d", got, n, want)
			}
			return nil
		}
		return &Instance{
			Tasks: int64(tasks),
			Run:   func(g *sched.G) error { return check(placeQueens(g, board{n: n})) },
			Stock: func() error { return check(queensStock(queens{}, 0, n)) },
		}, nil
	},
}

// queens are the columns of the queens in the first rows.
type queens [16]byte

// safe reports whether no queen above attacks one in the given row and column.
func (q *queens) safe(row, col int) bool {
	for r, c := range q[:row] {
		if d := int(c) - col; d == 0 || d == row-r || d == r-row {
			return false
		}
	}
	return true
}

// A board has queens in its first rows.
type board struct {
	queens
	rows, n int
}

// placeQueens counts the ways to place the queens that are missing.
func placeQueens(g *sched.G, b board) int {
	if b.rows == b.n {
		return 1
	}
	g.Work(sched.Work{Kernel: "nqueens", Ops: queensOps(b.rows, b.n)}, func() {}) // done below: it decides what comes next
	var kids [len(b.queens)]sched.Forked[board, int]
	forked := 0
	for col := range b.n {
		if b.safe(b.rows, col) {
			next := b
			next.queens[b.rows] = byte(col)
			next.rows++
			kids[forked] = sched.Fork(g, placeQueens, next)
			forked++
		}
	}
	ways := 0
	for forked > 0 {
		forked--
		ways += kids[forked].Join(g)
	}
	return ways
}

// queensOps is how many operations it counts as to look where a queen may stand in a row:
// two for a comparison, and half of the queens above are looked at on average.
func queensOps(row, n int) int64 { return int64(n + n*row) }

// PlaceQueens places n queens without a scheduler, as the tasks of nqueens do. It returns
// for how many operations of the kernel "nqueens" that stands.
func PlaceQueens(n int) (ops int64) {
	var place func(q queens, row int)
	place = func(q queens, row int) {
		if row == n {
			return
		}
		ops += queensOps(row, n)
		for col := range n {
			if q.safe(row, col) {
				q[row] = byte(col)
				place(q, row+1)
			}
		}
	}
	place(queens{}, 0)
	return ops
}

func queensStock(q queens, row, n int) int {
	if row == n {
		return 1
	}
	ways := make(chan int, n)
	forked := 0
	for col := range n {
		if q.safe(row, col) {
			next := q
			next[row] = byte(col)
			forked++
			go func() { ways <- queensStock(next, row+1, n) }()
		}
	}
	sum := 0
	for range forked {
		sum += <-ways
	}
	return sum
}

// countQueens counts alone, with sets of columns as bits: the ways, and the tasks they take.
func countQueens(all, cols, left, right uint32) (ways, tasks int) {
	if cols == all {
		return 1, 1
	}
	tasks = 1
	for free := all &^ (cols | left | right); free != 0; free &= free - 1 {
		bit := free & -free
		w, t := countQueens(all, cols|bit, (left|bit)<<1, (right|bit)>>1)
		ways += w
		tasks += t
	}
	return ways, tasks
}
