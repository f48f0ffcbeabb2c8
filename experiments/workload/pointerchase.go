package workload

import (
	"fmt"
	"runtime"

	"numasched/sched"
)

// pointerChase has tasks that each follow a random cycle through their own memory, which
// lies on their home node. Every access waits for the last one, so a task in the wrong
// place pays the full latency. Tasks yield now and then, so that a scheduler can move
// them.
var pointerChase = &Workload{
	Name: "pointerchase",
	Doc:  "tasks that follow random cycles through memory on their home nodes: latency",
	Unit: "access",
	Params: []Param{
		{Name: "tasks", Doc: "tasks, each with a cycle", Default: 16, Quick: 8, Min: 1, Max: 1 << 20},
		{Name: "bytes", Doc: "memory of each", Default: 8 << 20, Quick: 1 << 18, Min: 64, Max: 1 << 35},
		{Name: "steps", Doc: "accesses between two yields", Default: 10000, Min: 1, Max: 1 << 40},
		{Name: "yields", Doc: "times that each yields", Default: 10, Min: 0, Max: 1 << 40},
		{Name: "seed", Doc: "of the cycles", Default: 1, Min: 0, Max: 1 << 62},
	},
	New: func(p Params) (*Instance, error) {
		tasks, steps, yields := int(p["tasks"]), int(p["steps"]), int(p["yields"])
		cells := int(p["bytes"]) / chaseStride
		seed := uint64(p["seed"])
		var memory []block[chaseCell]
		var reached []uint64 // the cell that each task has come to
		var todo *loop
		walked := 0
		hop := func(i int) {
			x, k := memory[i].data, reached[i]
			for range steps {
				k = x[k].next
			}
			reached[i] = k
		}
		return &Instance{
			Tasks: int64(tasks) * int64(steps) * int64(yields+1),
			Setup: func(s *sched.Sched) (err error) {
				if memory, err = newArray[chaseCell](s, tasks*cells, cells); err != nil {
					return err
				}
				reached, walked = make([]uint64, tasks), 0
				for i := range memory {
					makeCycle(memory[i].data, seed<<20+uint64(i))
				}
				todo = newLoop(tasks, func(i int) int { return memory[i].node }, func(i int) func(*sched.G) {
					span := memory[i].span
					span.Accesses = int64(steps)
					w := sched.Work{Reads: []sched.Span{span}}
					kernel := func() { hop(i) }
					return func(g *sched.G) {
						g.Work(w, kernel)
						for range yields {
							g.Yield()
							g.Work(w, kernel)
						}
					}
				})
				return nil
			},
			Run: func(g *sched.G) error {
				todo.run(g)
				walked += steps * (yields + 1)
				return nil
			},
			Stock: func() error {
				stockLoop(tasks, func(i int) {
					hop(i)
					for range yields {
						runtime.Gosched()
						hop(i)
					}
				})
				walked += steps * (yields + 1)
				return nil
			},
			Check: func(*sched.Sched) error {
				for i := range memory {
					x := memory[i].data
					if x == nil {
						return nil
					}
					want := uint64(0)
					for range walked % cells { // a cycle visits every cell
						want = x[want].next
					}
					if reached[i] != want {
						return fmt.Errorf("pointerchase: task %d has come to cell %d after %d steps, want %d", i, reached[i], walked, want)
					}
				}
				return nil
			},
		}, nil
	},
}

const chaseStride = 64

// A chaseCell is a cache line.
type chaseCell struct {
	next uint64
	_    [chaseStride/8 - 1]uint64
}

// makeCycle links all of x in one random cycle, by Sattolo's algorithm.
func makeCycle(x []chaseCell, seed uint64) {
	order := make([]uint64, len(x))
	for i := range order {
		order[i] = uint64(i)
	}
	for i := len(order) - 1; i > 0; i-- {
		k := mix(seed+uint64(i)<<24) % uint64(i)
		order[i], order[k] = order[k], order[i]
	}
	for i := range order {
		x[i].next = order[i]
	}
}
