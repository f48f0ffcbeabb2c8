package numa_test

import (
	"fmt"
	"strings"

	"numasched/numa"
)

// A heap on two nodes that need not exist. An object goes home to its node, whoever
// frees it.
func ExampleHeap() {
	h, err := numa.NewHeap(numa.HeapOptions{Nodes: []int{0, 1}, Unbound: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()
	here, _ := h.NewCache(0) // one for each owner
	there, _ := h.NewCache(1)

	type task struct{ From, To int64 }
	tasks, err := numa.NewPool[task]()
	if err != nil {
		fmt.Println(err)
		return
	}
	t, _ := tasks.New(here)
	t.To = 7
	tasks.Free(there, t)
	there.Flush()

	for _, n := range h.Stats() {
		for _, c := range n.Classes {
			fmt.Printf("node %d: %d bytes: %d batch came home\n", n.Node, c.Size, c.Homing)
		}
	}
	// Output: node 0: 16 bytes: 1 batch came home
}

func ExampleNewPool() {
	type named struct {
		ID   int
		Name string
	}
	_, err := numa.NewPool[named]()
	what, _, _ := strings.Cut(err.Error(), ",")
	fmt.Println(what)
	// Output: numa: numa_test.named cannot lie outside Go's heap: its field Name is a string
}
