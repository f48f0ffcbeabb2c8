package host_test

import (
	"fmt"
	"log"

	"numasched/sched"
	"numasched/sched/host"
	"numasched/sched/policy"
)

// The program of the README: Gs on this machine's nodes.
func Example() {
	machine, err := host.New(host.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer machine.Close()
	arm, err := policy.ByName("numa")
	if err != nil {
		log.Fatal(err)
	}
	s, err := sched.New(sched.Config{Machine: machine, Arm: arm})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	squares := make([]int, 8)
	err = s.Run(func(g *sched.G) {
		var group sched.Group
		for i := range squares {
			group.Go(g, func(*sched.G) { squares[i] = i * i })
		}
		group.Wait(g)
	})
	fmt.Println(squares, err)
	// Output: [0 1 4 9 16 25 36 49] <nil>
}
