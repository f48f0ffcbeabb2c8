package workload

import (
	"fmt"
	"sync"
	"sync/atomic"

	"numasched/sched"
)

// fanOut is a service as a web server has it: a request is read, asks several shards of a
// table at the same time, waits for all answers, and is answered. So its latency is that of
// the slowest of its questions: Dean and Barroso, "The Tail at Scale" (CACM 2013). The
// request runs where it came in, and each question on its shard's node. Requests arrive in
// an open loop. The time for a unit says nothing, because the arrivals decide it.
var fanOut = &Workload{
	Name: "fanout",
	Doc:  "requests that each ask several shards at once, which arrive whether or not earlier ones are served: latency",
	Unit: "request",
	Open: true,
	Gap:  "gap",
	Params: append(openLoopParams(8), []Param{
		{Name: "fan", Doc: "shards that a request asks", Default: 8, Min: 1, Max: 64},
		{Name: "shards", Doc: "shards of the table for each node", Default: 16, Min: 1, Max: 1 << 16},
		{Name: "bytes", Doc: "bytes of a shard", Default: 1 << 22, Quick: 1 << 20, Min: 64, Max: 1 << 40},
		{Name: "touch", Doc: "random words that a question reads in its shard, one after another", Default: 8, Min: 1, Max: 1 << 30},
		{Name: "ops", Doc: "cycles of arithmetic of a question", Default: 500, Min: 0, Max: 1 << 40},
		{Name: "frame", Doc: "cycles of arithmetic to read a request, and as many to answer it", Default: 2000, Min: 0, Max: 1 << 40},
		{Name: "seed", Doc: "of arrivals and shards", Default: 1, Min: 0, Max: 1 << 62},
	}...),
	New: func(p Params) (*Instance, error) {
		loop := newOpenLoop("fanout", p)
		t := &shardedTable{shards: int(p["shards"]), words: int(p["bytes"]) / 8, touch: p["touch"]}
		fan, ops, frame := int(p["fan"]), p["ops"], p["frame"]
		var answers atomic.Int64
		shard := func(i, k int) int {
			return int(mix64(loop.arrivals[i].random+uint64(k)) % uint64(len(t.table)))
		}
		in := &Instance{Warmed: loop.forget}
		in.Setup = func(s *sched.Sched) error {
			loop.setup(s)
			in.Tasks = int64(len(loop.arrivals))
			return t.setup(s)
		}
		report := func() error {
			if got, want := answers.Swap(0), in.Tasks*int64(fan); got != want {
				return fmt.Errorf("fanout: %d questions were answered, want %d", got, want)
			}
			return loop.report(in)
		}
		in.Run = func(g *sched.G) error {
			framing := func(g *sched.G, x uint64) {
				g.Allocated(1) // a closure
				g.Work(sched.Work{Kernel: "spin", Ops: frame}, func() { sink(spin(x, frame/spinOps)) })
			}
			here := func(i int) int { return loop.nodes[i%len(loop.nodes)] }
			loop.run(g, here, func(g *sched.G, i int) {
				framing(g, uint64(i))
				var gr sched.Group
				for k := range fan {
					to := shard(i, k)
					g.Allocated(3) // two closures and a list of spans
					gr.GoAt(g, at(t.table[to].node), func(g *sched.G) {
						t.ask(g, to, uint64(i*fan+k), ops)
						answers.Add(1)
					})
				}
				gr.Wait(g)
				framing(g, uint64(i))
			})
			return report()
		}
		in.Stock = func() error {
			loop.stock(func(i int) {
				sink(spin(uint64(i), frame/spinOps))
				var wg sync.WaitGroup
				for k := range fan {
					wg.Go(func() {
						t.serve(shard(i, k), uint64(i*fan+k), ops)
						answers.Add(1)
					})
				}
				wg.Wait()
				sink(spin(uint64(i), frame/spinOps))
			})
			return report()
		}
		return in, nil
	},
}

// sink has the compiler compute x although nobody needs it.
func sink(x uint64) {
	if x == 1 {
		sunk.Store(x)
	}
}

var sunk atomic.Uint64
