package workload

import "numasched/sched"

// fibClosure is fib with a closure for every task. The closure is one small object that
// holds what the task needs.
var fibClosure = &Workload{
	Name:   "fib-closure",
	Doc:    "fork-join Fibonacci numbers with a closure for every task",
	Unit:   "task",
	Quick:  true,
	Params: fibParams,
	New: func(p Params) (*Instance, error) {
		return newFib(int(p["n"]), fibForkClosure), nil
	},
}

func fibForkClosure(g *sched.G, n int) int {
	if n < 2 {
		return n
	}
	g.Allocated(1)
	c := g.Fork(func(g *sched.G, _ sched.Arg) int { return fibForkClosure(g, n-1) }, sched.Arg{})
	y := fibForkClosure(g, n-2)
	return g.Join(c) + y
}
