package workload

import (
	"fmt"
	"runtime"

	"numasched/sched"
)

// goschedStorm has Gs that do little between yields, like those of golang/go#67585 and
// grpc/grpc-go#8742. In Go each yield puts the goroutine into the global queue, under the
// scheduler's one lock. With 88 Ps that was 35 % of a program's CPU time, with 44 it was
// 2.4 % (golang/go#67585). Each node has its share of the Gs from the beginning, as if a program
// had run for a while.
var goschedStorm = &Workload{
	Name: "goschedstorm",
	Doc:  "Gs that yield over and over, with little work in between: the lock of the global queue",
	Unit: "yield",
	Params: []Param{
		{Name: "gs", Doc: "Gs for each P", Default: 4, Min: 1, Max: 1 << 16},
		{Name: "yields", Doc: "of each G", Default: 20000, Quick: 100, Min: 1, Max: 1 << 40},
		{Name: "ops", Doc: "cycles of arithmetic between two", Default: 100, Min: 0, Max: 1 << 40},
	},
	New: func(p Params) (*Instance, error) {
		perP, yields, ops := int(p["gs"]), int(p["yields"]), p["ops"]
		var done []int // yields of each G
		in := &Instance{}
		in.Setup = func(s *sched.Sched) error {
			done = make([]int, perP*procsOf(s))
			in.Tasks = int64(len(done)) * int64(yields)
			return nil
		}
		check := func() error {
			for i, n := range done {
				if n != yields {
					return fmt.Errorf("goschedstorm: G %d has yielded %d times, want %d", i, n, yields)
				}
			}
			return nil
		}
		in.Run = func(g *sched.G) error {
			clear(done)
			storm := func(g *sched.G, i int) {
				work := func() { sink(spin(uint64(i), ops/spinOps)) }
				g.Allocated(1)
				for range yields {
					g.Work(sched.Work{Kernel: "spin", Ops: ops}, work)
					g.Yield()
					done[i]++
				}
			}
			nodes := nodesOf(g.Sched())
			var gr sched.Group // of a leader on each node, which starts the node's share
			for first, node := range nodes {
				gr.GoAt(g, at(node), func(g *sched.G) {
					var share sched.Group
					for i := first; i < len(done); i += len(nodes) {
						share.Go(g, func(g *sched.G) { storm(g, i) })
					}
					share.Wait(g)
				})
			}
			gr.Wait(g)
			return check()
		}
		in.Stock = func() error {
			clear(done)
			stockLoop(len(done), func(i int) {
				for range yields {
					sink(spin(uint64(i), ops/spinOps))
					runtime.Gosched()
					done[i]++
				}
			})
			return check()
		}
		return in, nil
	},
}
