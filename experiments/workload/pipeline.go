package workload

import (
	"fmt"

	"numasched/sched"
)

// pipeline passes items through stages. A stage is a G that does some work on every item
// and sends it on through a channel with little room.
var pipeline = &Workload{
	Name: "pipeline",
	Doc:  "items that pass through stages over short channels",
	Unit: "item",
	Params: []Param{
		{Name: "lines", Doc: "pipelines side by side", Default: 4, Min: 1, Max: 1 << 16},
		{Name: "stages", Doc: "stages of each", Default: 8, Min: 1, Max: 1 << 16},
		{Name: "items", Doc: "items that pass through each", Default: 10000, Quick: 1000, Min: 1, Max: 1 << 40},
		{Name: "ops", Doc: "steps of computation of a stage on an item, about 1 ns", Default: 500, Min: 0, Max: 1 << 40},
		{Name: "room", Doc: "items between two stages", Default: 16, Min: 0, Max: 1 << 20},
	},
	New: func(p Params) (*Instance, error) {
		lines, stages, items := int(p["lines"]), int(p["stages"]), int(p["items"])
		ops, room := p["ops"], int(p["room"])
		simulated := false
		check := func(sums []int) error {
			for i, sum := range sums {
				// Every stage adds one.
				if want := items*(items-1)/2 + stages*items; sum != want {
					return fmt.Errorf("pipeline: the items of line %d add up to %d, want %d", i, sum, want)
				}
			}
			return nil
		}
		// A stage's work is on a number that travels with the item.
		type item struct {
			n int
			x uint64
		}
		checkItem := func(it item) error {
			first := it.n - stages
			if it.x != spin(uint64(first), ops*int64(stages)) && !simulated {
				return fmt.Errorf("pipeline: item %d was computed wrongly", first)
			}
			return nil
		}
		return &Instance{
			Tasks: int64(lines) * int64(items),
			Setup: func(s *sched.Sched) (err error) {
				if s != nil {
					simulated, err = isSimulated(s)
				}
				return err
			},
			Run: func(g *sched.G) error {
				sums, errs := make([]int, lines), make([]error, lines)
				var gr sched.Group
				for l := range lines {
					in := sched.NewChan[item](g.Sched(), room)
					first := in
					for range stages {
						from, to := in, sched.NewChan[item](g.Sched(), room)
						gr.Go(g, func(g *sched.G) {
							// Both are of the stage, so that an item costs no more allocations than
							// with plain goroutines.
							var x uint64
							step := func() { x = spin(x, ops) }
							for it, ok := from.Recv(g); ok; it, ok = from.Recv(g) {
								x = it.x
								g.Work(sched.Work{Kernel: "spin", Ops: ops * spinOps}, step)
								to.Send(g, item{it.n + 1, x})
							}
							to.Close(g)
						})
						in = to
					}
					last := in
					gr.Go(g, func(g *sched.G) {
						for it, ok := last.Recv(g); ok; it, ok = last.Recv(g) {
							sums[l] += it.n
							if sums[l] == it.n { // the first one
								errs[l] = checkItem(it)
							}
						}
					})
					gr.Go(g, func(g *sched.G) {
						for n := range items {
							first.Send(g, item{n, uint64(n)})
						}
						first.Close(g)
					})
				}
				gr.Wait(g)
				if err := firstError(errs); err != nil {
					return err
				}
				return check(sums)
			},
			Stock: func() error {
				sums, errs := make([]int, lines), make([]error, lines)
				stockLoop(lines, func(l int) {
					first := make(chan item, room)
					in := first
					for range stages {
						from, to := in, make(chan item, room)
						go func() {
							for it := range from {
								it.x = spin(it.x, ops)
								it.n++
								to <- it
							}
							close(to)
						}()
						in = to
					}
					go func() {
						for n := range items {
							first <- item{n, uint64(n)}
						}
						close(first)
					}()
					for it := range in {
						sums[l] += it.n
						if sums[l] == it.n {
							errs[l] = checkItem(it)
						}
					}
				})
				if err := firstError(errs); err != nil {
					return err
				}
				return check(sums)
			},
		}, nil
	},
}
