package policy_test

import (
	"fmt"

	"numasched/sched/policy"
)

// An arm is a set of switches. Two arms that differ in one switch measure what
// that mechanism is worth.
func ExampleByName() {
	for _, name := range []string{"flat", "numa", "numa-near"} {
		arm, _ := policy.ByName(name)
		fmt.Printf("%s: node queues %v, near first %v, homes %v\n", name, arm.NodeQ, arm.Near, arm.Home)
	}
	// Output:
	// flat: node queues false, near first false, homes false
	// numa: node queues true, near first true, homes true
	// numa-near: node queues true, near first false, homes true
}

// A searcher visits every victim once, in an order that its random number
// decides.
func ExampleWalk() {
	coprimes := []uint32{1, 5} // to 6
	walk := policy.NewWalk(6, coprimes, 8)
	for victim, ok := walk.Next(); ok; victim, ok = walk.Next() {
		fmt.Print(victim, " ")
	}
	// Output: 2 1 0 5 4 3
}
