package workload

import (
	"fmt"

	"numasched/sched"
)

// oneNode gives all work to one node and asks how soon the others help. This is work
// conservation, which strict locality loses. The tasks compute and touch no memory, so
// they have no reason to stay where they are, unless each is given bytes of the node to read.
var oneNode = &Workload{
	Name:     "onenode",
	Doc:      "tasks that only compute, all placed on one node: work conservation",
	Unit:     "task",
	Quick:    true,
	InCaches: "n=16/ops=2000",
	Claimed:  sized("n=1000"),
	Params: []Param{
		{Name: "n", Doc: "tasks", Default: 20000, Quick: 2000, Min: 1, Max: 1 << 30},
		{Name: "ops", Doc: "steps of computation of each, 4 cycles", Default: 10000, Min: 1, Max: 1 << 40},
		{Name: "bytes", Doc: "of the node's memory that each reads", Default: 0, Min: 0, Max: 1 << 30, Later: true},
	},
	New: func(p Params) (*Instance, error) {
		n, ops, words := int(p["n"]), p["ops"], int(p["bytes"])/8
		var results, memory []block[uint64] // one block each
		own := func(i int) []uint64 {       // the memory of a task; none on a simulated machine
			if words == 0 || memory[0].data == nil {
				return nil
			}
			return memory[0].data[i*words:][:words]
		}
		return &Instance{
			Tasks: int64(n),
			Setup: func(s *sched.Sched) (err error) {
				if results, err = newArray[uint64](s, n, n); err == nil && words > 0 {
					memory, err = newArray[uint64](s, n*words, n*words)
				}
				return err
			},
			Run: func(g *sched.G) error {
				where, res := at(results[0].node), &results[0]
				var gr sched.Group
				ran := make([]bool, n)
				for i := range n {
					gr.GoAt(g, where, func(g *sched.G) {
						ran[i] = true
						g.Allocated(3) // two closures and a list of spans
						span := sched.Span{Buf: res.span.Buf, Off: int64(i) * 8, Len: 8}
						w := sched.Work{Kernel: "spin", Ops: ops * spinOps, Writes: []sched.Span{span}}
						if words > 0 {
							w.Reads = []sched.Span{{Buf: memory[0].span.Buf, Off: int64(i*words) * 8, Len: int64(words) * 8}}
						}
						g.Work(w, func() { res.data[i] = spin(uint64(i), ops) + total(own(i)) })
					})
				}
				gr.Wait(g)
				for i := range ran {
					if !ran[i] {
						return fmt.Errorf("onenode: task %d has not run", i)
					}
				}
				return nil
			},
			Stock: func() error {
				stockLoop(n, func(i int) { results[0].data[i] = spin(uint64(i), ops) + total(own(i)) })
				return nil
			},
			Check: func(*sched.Sched) error {
				data := results[0].data
				for i := 0; i < len(data); i += 1 + len(data)/64 { // all would be another run
					if want := spin(uint64(i), ops); data[i] != want {
						return fmt.Errorf("onenode: task %d computed %#x, want %#x", i, data[i], want)
					}
				}
				return nil
			},
		}, nil
	},
}

// spinOps is how many cycles a step of spin takes: 3 for a multiplication, and one for
// an addition that waits for it.
const spinOps = 4

// spin computes a chain of steps, about 1 ns each.
func spin(x uint64, steps int64) uint64 {
	for range steps {
		x = x*6364136223846793005 + 1442695040888963407
	}
	return x
}

// total adds up numbers. Of memory that nobody has written it is 0.
func total(numbers []uint64) (sum uint64) {
	for _, x := range numbers {
		sum += x
	}
	return sum
}
