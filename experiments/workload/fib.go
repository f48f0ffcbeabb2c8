package workload

import (
	"fmt"
	"sync"

	"numasched/sched"
)

// fib forks for every call of the naive recursion. It measures nothing but the price of
// a fork and a join. A task is a fork; fib(n) needs fib(n+1)-1 of them.
var fib = &Workload{
	Name:   "fib",
	Doc:    "fork-join Fibonacci numbers, without closures: the price of a fork and a join",
	Unit:   "task",
	Quick:  true,
	Params: fibParams,
	New: func(p Params) (*Instance, error) {
		return newFib(int(p["n"]), func(g *sched.G, n int) int {
			return fibTask(g, sched.Arg{A: n})
		}), nil
	},
}

var fibParams = []Param{{Name: "n", Doc: "which Fibonacci number", Default: 32, Quick: 25, Min: 2, Max: 50}}

func newFib(n int, calc func(*sched.G, int) int) *Instance {
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
	}
}

func fibTask(g *sched.G, arg sched.Arg) int {
	if arg.A < 2 {
		return arg.A
	}
	c := g.Fork(fibTask, sched.Arg{A: arg.A - 1})
	y := fibTask(g, sched.Arg{A: arg.A - 2})
	return g.Join(c) + y
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
