package workload

import (
	"fmt"

	"numasched/sched"
)

// skynet is a tree in which every task starts ten others, until there are a million. The
// leaves are numbered, and every task returns the sum of what is below it. The program is
// atemerev/skynet, which has been written in dozens of languages: there every task sends
// its sum to its parent over a channel, and there are a million leaves (depth=6). Tables of
// task runtimes (tzcnt/runtime-benchmarks) fork and join instead, and have a hundred
// million (depth=8).
var skynet = &Workload{
	Name: "skynet",
	Doc:  "a tree of tasks in which each starts ten; a million leaves as in the original, depth=8 in public tables",
	Unit: "task",
	Params: []Param{
		{Name: "depth", Doc: "levels below the root: there are 10^depth leaves", Default: 6, Quick: 4, Min: 0, Max: 9},
		{Name: "channels", Doc: "1 if tasks send their sums over channels, as in the original; 0 if they are forked and joined", Default: 0, Min: 0, Max: 1},
	},
	New: func(p Params) (*Instance, error) {
		leaves, tasks := 1, 1
		for range p["depth"] {
			leaves *= skynetFan
			tasks += leaves
		}
		check := func(got int) error {
			if want := leaves * (leaves - 1) / 2; got != want {
				return fmt.Errorf("skynet: the leaves add up to %d, want %d", got, want)
			}
			return nil
		}
		in := &Instance{
			Tasks: int64(tasks),
			Run:   func(g *sched.G) error { return check(skynetTask(g, sched.Arg{B: leaves})) },
			Stock: func() error {
				sum := make(chan int)
				go skynetStock(sum, 0, leaves)
				return check(<-sum)
			},
		}
		if p["depth"] > skynetStockDepth {
			in.Stock = nil
		}
		if p["channels"] == 1 {
			in.Run = func(g *sched.G) error {
				sum := sched.NewChan[int](g.Sched(), 0)
				g.Go(func(g *sched.G) { skynetSend(g, sum, 0, leaves) })
				got, _ := sum.Recv(g)
				return check(got)
			}
		}
		return in, nil
	},
}

const skynetFan = 10

// skynetStockDepth is the most levels for goroutines. They run nearly in the order in which
// they were started, so most of them are alive at a time: 200 MB for each million.
const skynetStockDepth = 7

// skynetTask returns the sum of arg.B leaves, the first of which is arg.A.
func skynetTask(g *sched.G, arg sched.Arg) (sum int) {
	if arg.B == 1 {
		return arg.A
	}
	part := arg.B / skynetFan
	var kids [skynetFan]sched.Child
	for i := range kids {
		kids[i] = g.Fork(skynetTask, sched.Arg{A: arg.A + i*part, B: part})
	}
	for i := len(kids) - 1; i >= 0; i-- {
		sum += g.Join(kids[i])
	}
	return sum
}

// skynetSend sends the sum of the leaves from first on.
func skynetSend(g *sched.G, to *sched.Chan[int], first, leaves int) {
	if leaves == 1 {
		to.Send(g, first)
		return
	}
	part := leaves / skynetFan
	from := sched.NewChan[int](g.Sched(), 0)
	g.Allocated(1 + skynetFan) // the channel, and a closure for each child
	for i := range skynetFan {
		g.Go(func(g *sched.G) { skynetSend(g, from, first+i*part, part) })
	}
	sum := 0
	for range skynetFan {
		v, _ := from.Recv(g)
		sum += v
	}
	to.Send(g, sum)
}

func skynetStock(to chan int, first, leaves int) {
	if leaves == 1 {
		to <- first
		return
	}
	part := leaves / skynetFan
	from := make(chan int)
	for i := range skynetFan {
		go skynetStock(from, first+i*part, part)
	}
	sum := 0
	for range skynetFan {
		sum += <-from
	}
	to <- sum
}
