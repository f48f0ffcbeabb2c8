package workload

import (
	"fmt"
	"sync"

	"numasched/sched"
)

// The naive recursion for Fibonacci numbers, with a task for every call. It measures
// nothing but the price of a fork and a join. It is the first line of every public table
// of task runtimes; n=39 is the size of tzcnt/runtime-benchmarks. A task is a fork;
// fib(n) needs fib(n+1)-1 of them.
//
// It is one program in three forms, which differ in what a fork allocates. Each form has a
// name of its own, because the names stand in results.
var (
	fib        = fibOf("fib", "fork-join Fibonacci numbers, without closures: the price of a fork and a join", fibCalc, sized("n=18"))
	fibClosure = fibOf("fib-closure", "fork-join Fibonacci numbers with a closure for every task", fibForkClosure, nil)
	fibGroup   = fibOf("fib-group", "fork-join Fibonacci numbers with a Group and a closure for every task", fibInGroup, nil)
)

func fibOf(name, doc string, calc func(*sched.G, int) int, claimed func(Room) []string) *Workload {
	return &Workload{
		Name:    name,
		Doc:     doc,
		Unit:    "task",
		Quick:   name != "fib-group",
		Claimed: claimed,
		Params:  []Param{{Name: "n", Doc: "which Fibonacci number", Default: 32, Quick: 25, Min: 2, Max: 50}},
		New: func(p Params) (*Instance, error) {
			n := int(p["n"])
			want, next := 0, 1
			for range n {
				want, next = next, want+next
			}
			check := func(got int) error {
				if got != want {
					return fmt.Errorf("fib(%d) = %d, want %d", n, got, want)
				}
				return nil
			}
			return &Instance{
				Tasks: int64(next - 1),
				Run:   func(g *sched.G) error { return check(calc(g, n)) },
				Stock: func() error { return check(fibStock(n)) },
			}, nil
		},
	}
}

// fibCalc forks without closures: nothing is allocated.
func fibCalc(g *sched.G, n int) int { return fibTask(g, sched.Arg{A: n}) }

func fibTask(g *sched.G, arg sched.Arg) int {
	if arg.A < 2 {
		return arg.A
	}
	c := g.Fork(fibTask, sched.Arg{A: arg.A - 1})
	y := fibTask(g, sched.Arg{A: arg.A - 2})
	return g.Join(c) + y
}

// fibForkClosure forks closures. A closure is one small object that holds what the task
// needs.
func fibForkClosure(g *sched.G, n int) int {
	if n < 2 {
		return n
	}
	g.Allocated(1)
	c := g.Fork(func(g *sched.G, _ sched.Arg) int { return fibForkClosure(g, n-1) }, sched.Arg{})
	y := fibForkClosure(g, n-2)
	return g.Join(c) + y
}

// fibInGroup is what a Go programmer writes first, with a Group for every call, and a
// closure and a variable for every task: three small objects.
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

func fibStock(n int) int {
	if n < 2 {
		return n
	}
	var wg sync.WaitGroup
	var x int
	wg.Add(1)
	go func() {
		x = fibStock(n - 1)
		wg.Done()
	}()
	y := fibStock(n - 2)
	wg.Wait()
	return x + y
}
