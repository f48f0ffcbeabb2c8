package sched_test

import (
	"errors"
	"fmt"
	"log"
	"os"

	"numasched/sched"
	"numasched/sched/host"
	"numasched/sched/policy"
	"numasched/sched/sim"
)

// onHost runs fn as a G on this machine, under the full design.
func onHost(fn func(*sched.G)) error {
	machine, err := host.New(host.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer machine.Close()
	return onMachine(machine, fn)
}

// onMachine runs fn as a G on machine, which may also be a simulated one.
func onMachine(machine sched.Machine, fn func(*sched.G)) error {
	arm, _ := policy.ByName("numa")
	s, err := sched.New(sched.Config{Machine: machine, Arm: arm, Seed: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	return s.Run(fn)
}

// A Group starts Gs and waits for them, as a sync.WaitGroup does for goroutines.
func ExampleGroup() {
	words := []string{"near", "first", "then", "everything"}
	lengths := make([]int, len(words))
	err := onHost(func(g *sched.G) {
		var group sched.Group
		for i, word := range words {
			group.Go(g, func(*sched.G) { lengths[i] = len(word) })
		}
		group.Wait(g)
	})
	fmt.Println(lengths, err)
	// Output: [4 5 4 10] <nil>
}

// fibonacci forks one half of its work and does the other half itself. The arguments
// travel in an Arg, so that no closure is made.
func fibonacci(g *sched.G, n sched.Arg) int {
	if n.A < 2 {
		return n.A
	}
	child := g.Fork(fibonacci, sched.Arg{A: n.A - 1})
	other := fibonacci(g, sched.Arg{A: n.A - 2})
	return g.Join(child) + other
}

func ExampleG_Fork() {
	err := onHost(func(g *sched.G) { fmt.Println(fibonacci(g, sched.Arg{A: 20})) })
	fmt.Println(err)
	// Output:
	// 6765
	// <nil>
}

// A Chan connects Gs. A G that waits at one gives its P to another G.
func ExampleChan() {
	err := onHost(func(g *sched.G) {
		squares := sched.NewChan[int](g.Sched(), 0)
		g.Go(func(g *sched.G) {
			for i := range 5 {
				squares.Send(g, i*i)
			}
			squares.Close(g)
		})
		for v, ok := squares.Recv(g); ok; v, ok = squares.Recv(g) {
			fmt.Println(v)
		}
	})
	fmt.Println(err)
	// Output:
	// 0
	// 1
	// 4
	// 9
	// 16
	// <nil>
}

// GoAt starts a G at home on a node. Other nodes take it only when they have had
// nothing to do for a while. A simulated machine has nodes for sure, and this
// program prints the same on every computer.
func ExampleG_GoAt() {
	preset, err := sim.LoadPreset("snb-4s-ring")
	if err != nil {
		log.Fatal(err)
	}
	machine, err := sim.New(sim.Config{Preset: preset})
	if err != nil {
		log.Fatal(err)
	}
	atHome := 0
	err = sim.Guard(func() error {
		return onMachine(machine, func(g *sched.G) {
			var group sched.Group
			for i := range 1000 {
				home := i % 4
				group.GoAt(g, sched.OnNode(home), func(g *sched.G) {
					g.Work(sched.Work{Ops: 50_000}, nil)
					if g.Node() == home { // Gs of a simulated machine take turns
						atHome++
					}
				})
			}
			group.Wait(g)
		})
	})
	fmt.Println("most Gs ran at home:", atHome > 900, err)
	// Output: most Gs ran at home: true <nil>
}

// A G that panics stops the scheduler. Run returns what it panicked with.
func ExamplePanicError() {
	err := onHost(func(*sched.G) { panic("out of cheese") })
	if p, ok := errors.AsType[*sched.PanicError](err); ok {
		fmt.Println(p.Value)
	}
	// Output: out of cheese
}

// A deadlock among Gs is an error of Run: here nobody ever sends.
func ExampleDeadlockError() {
	err := onHost(func(g *sched.G) {
		never := sched.NewChan[int](g.Sched(), 0)
		never.Recv(g)
	})
	_, ok := errors.AsType[*sched.DeadlockError](err)
	fmt.Println(ok)
	// Output: true
}

// A Select waits for several channels, whatever the types of their values.
func ExampleG_Select() {
	err := onHost(func(g *sched.G) {
		s := g.Sched()
		numbers, words := sched.NewChan[int](s, 0), sched.NewChan[string](s, 0)
		g.Go(func(g *sched.G) { words.Send(g, "seven") })

		var n int
		var w string
		switch g.Select(numbers.RecvCase(&n, nil), words.RecvCase(&w, nil)) {
		case 0:
			fmt.Println("a number:", n)
		case 1:
			fmt.Println("a word:", w)
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: a word: seven
}

// Other Gs run while one is in a system call, even on a single P.
func ExampleG_Syscall() {
	read, write, err := os.Pipe()
	if err != nil {
		log.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	err = onHost(func(g *sched.G) {
		var group sched.Group
		group.Go(g, func(g *sched.G) { fmt.Fprintln(write, "hello") })
		group.Go(g, func(g *sched.G) {
			var word string
			g.Syscall(func() { fmt.Fscanln(read, &word) })
			fmt.Println(word)
		})
		group.Wait(g)
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: hello
}
