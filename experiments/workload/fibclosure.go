package workload

import "numasched/sched"

// fibClosure is fib as one writes it without thinking: a Group and a closure for
// every task, which cost three small objects.
var fibClosure = &Workload{
	Name:   "fib-closure",
	Doc:    "fork-join Fibonacci numbers with a Group and a closure per task",
	Unit:   "task",
	Quick:  true,
	Params: fibParams,
	New: func(p Params) (*Instance, error) {
		return newFib(int(p["n"]), fibGroup), nil
	},
}

func fibGroup(g *sched.G, n int) int {
	if n < 2 {
		return n
	}
	var gr sched.Group
	var x int
	gr.Go(g, func(g *sched.G) { x = fibGroup(g, n-1) })
	y := fibGroup(g, n-2)
	gr.Wait(g)
	return x + y
}
