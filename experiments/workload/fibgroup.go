package workload

import "numasched/sched"

// fibGroup is fib as a Go programmer first writes it, with a Group for every call, and a
// closure and a variable for every task: three small objects.
var fibGroup = &Workload{
	Name:   "fib-group",
	Doc:    "fork-join Fibonacci numbers with a Group and a closure for every task",
	Unit:   "task",
	Params: fibParams,
	New: func(p Params) (*Instance, error) {
		return newFib(int(p["n"]), fibInGroup), nil
	},
}

func fibInGroup(g *sched.G, n int) int {
	if n < 2 {
		return n
	}
	var gr sched.Group
	var x int
	g.Allocated(3)
	gr.Go(g, func(g *sched.G) { x = fibInGroup(g, n-1) })
	y := fibInGroup(g, n-2)
	gr.Wait(g)
	return x + y
}
