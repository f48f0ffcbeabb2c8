package sim_test

import (
	"fmt"
	"log"

	"numasched/sched"
	"numasched/sched/policy"
	"numasched/sched/sim"
)

// One program under two arms on a server with two sockets that need not exist.
// Every G reads a part of an array that lies on its own node. The times are
// virtual: they are the same on every computer.
func Example() {
	preset, err := sim.LoadPreset("skx-2x8180")
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"flat", "numa"} {
		machine, err := sim.New(sim.Config{Preset: preset})
		if err != nil {
			log.Fatal(err)
		}
		arm, _ := policy.ByName(name)
		s, err := sched.New(sched.Config{Machine: machine, Arm: arm, Seed: 1})
		if err != nil {
			log.Fatal(err)
		}
		err = sim.Guard(func() error { return s.Run(readParts) })
		if err != nil {
			log.Fatal(err)
		}
		a := machine.Account()
		percent := 100 * a.Near / (a.Near + a.Far)
		fmt.Printf("%s: about %d %% of the bytes are local\n", name, (percent+5)/10*10)
		s.Close()
	}
	// Output:
	// flat: about 50 % of the bytes are local
	// numa: about 100 % of the bytes are local
}

// readParts has 448 Gs read 1 MiB each, half of them on either node.
func readParts(g *sched.G) {
	const part = 1 << 20
	var group sched.Group
	for i := range 448 {
		node := sched.OnNode(i % 2)
		array, err := g.Sched().NewBuffer(part, node)
		if err != nil {
			panic(err)
		}
		read := sched.Work{Ops: part / 8, Reads: []sched.Span{{Buf: array, Len: part}}}
		group.GoAt(g, node, func(g *sched.G) { g.Work(read, nil) })
	}
	group.Wait(g)
}
