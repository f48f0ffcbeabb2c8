package workload

import (
	"runtime"
	"sync"
	"time"

	"numasched/sched"
)

// shortWakes is a server with many connections and small messages, in the shape of
// grpc/grpc-go#8742: 88 CPUs, hundreds of streams, and a profile full of sched.lock. A
// connection has a reader and a writer. A message wakes the reader, which works for a
// microsecond, hands the answer to the writer and waits again. The writer yields once, as
// grpc-go's does in the hope of more to write at the same time, and writes. So a message is
// two wake-ups and a yield, and the Gs are mostly parked.
//
// Messages come in an open loop, from some sources that stand for the queues of a network
// card. The time for a unit says nothing, because the arrivals decide it. The latencies are
// the result.
var shortWakes = &Workload{
	Name: "shortwakes",
	Doc:  "small messages on many connections, each a wake-up, a microsecond of work, a wake-up and a yield: latency",
	Unit: "message",
	Open: true,
	Gap:  "gap",
	Params: []Param{
		{Name: "gap", Doc: "mean time between two arrivals for each P, in ns", Default: 20000, Min: 100, Max: 1 << 40},
		{Name: "n", Doc: "messages for each P", Default: 5000, Quick: 50, Min: 1, Max: 1 << 30},
		{Name: "conns", Doc: "connections for each P", Default: 4, Min: 1, Max: 1 << 16},
		{Name: "room", Doc: "messages that a connection may be behind before its source waits", Default: 64, Min: 0, Max: 1 << 20},
		{Name: "ops", Doc: "cycles of arithmetic to serve a message", Default: 3000, Min: 0, Max: 1 << 40},
		{Name: "flush", Doc: "cycles of arithmetic to write an answer", Default: 1500, Min: 0, Max: 1 << 40},
		{Name: "seed", Doc: "of arrivals", Default: 1, Min: 0, Max: 1 << 62},
	},
	New: func(p Params) (*Instance, error) {
		loop := newOpenLoop("shortwakes", p)
		perP, room, ops, flush := int(p["conns"]), int(p["room"]), p["ops"], p["flush"]
		conns := 0 // of each source
		in := &Instance{Warmed: loop.forget}
		in.Setup = func(s *sched.Sched) error {
			loop.setup(s)
			conns = max(1, perP*procsOf(s)/len(loop.nodes))
			in.Tasks = int64(len(loop.arrivals))
			return nil
		}
		in.Run = func(g *sched.G) error {
			clear(loop.latency)
			compute := func(g *sched.G, x int, ops int64) {
				g.Allocated(1) // a closure
				g.Work(sched.Work{Kernel: "spin", Ops: ops}, func() { sink(spin(uint64(x), ops/spinOps)) })
			}
			start := g.Nanotime()
			serve := func(g *sched.G, in *sched.Chan[int]) {
				answers := sched.NewChan[int](g.Sched(), room)
				var writer sched.Group
				writer.Go(g, func(g *sched.G) {
					for i, ok := answers.Recv(g); ok; i, ok = answers.Recv(g) {
						g.Yield()
						compute(g, i, flush)
						loop.latency[i] = max(1, g.Nanotime()-start-loop.arrivals[i].at)
					}
				})
				for i, ok := in.Recv(g); ok; i, ok = in.Recv(g) {
					compute(g, i, ops)
					answers.Send(g, i)
				}
				answers.Close(g)
				writer.Wait(g)
			}
			var sources sched.Group
			for first, source := range loop.nodes {
				sources.GoAt(g, at(source), func(g *sched.G) {
					to := make([]*sched.Chan[int], conns)
					var gr sched.Group
					for k := range to {
						to[k] = sched.NewChan[int](g.Sched(), room)
						gr.Go(g, func(g *sched.G) { serve(g, to[k]) })
					}
					for i := first; i < len(loop.arrivals); i += len(loop.nodes) {
						if wait := start + loop.arrivals[i].at - g.Nanotime(); wait > 0 {
							g.Sleep(time.Duration(wait))
						}
						to[loop.arrivals[i].random%uint64(conns)].Send(g, i)
					}
					for _, c := range to {
						c.Close(g)
					}
					gr.Wait(g)
				})
			}
			sources.Wait(g)
			return loop.report(in)
		}
		in.Stock = func() error {
			clear(loop.latency)
			start := time.Now()
			serve := func(in chan int) {
				answers, written := make(chan int, room), make(chan struct{})
				go func() {
					for i := range answers {
						runtime.Gosched()
						sink(spin(uint64(i), flush/spinOps))
						loop.latency[i] = max(1, int64(time.Since(start))-loop.arrivals[i].at)
					}
					close(written)
				}()
				for i := range in {
					sink(spin(uint64(i), ops/spinOps))
					answers <- i
				}
				close(answers)
				<-written
			}
			stockLoop(len(loop.nodes), func(first int) {
				to := make([]chan int, conns)
				var wg sync.WaitGroup
				for k := range to {
					to[k] = make(chan int, room)
					wg.Go(func() { serve(to[k]) })
				}
				for i := first; i < len(loop.arrivals); i += len(loop.nodes) {
					if wait := time.Duration(loop.arrivals[i].at) - time.Since(start); wait > 0 {
						time.Sleep(wait)
					}
					to[loop.arrivals[i].random%uint64(conns)] <- i
				}
				for _, c := range to {
					close(c)
				}
				wg.Wait()
			})
			return loop.report(in)
		}
		return in, nil
	},
}
