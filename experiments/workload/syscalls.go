package workload

import (
	"fmt"
	"os"
	"time"

	"numasched/sched"
)

// sysCalls has Gs that compute a little and call the kernel, over and over, as programs do
// that read many small files or talk to a database through C. Most calls return at once.
// Some block: then the P must go to another M, and the G must find a P when it comes back.
// On the host a call is getppid, or nanosleep if it blocks.
var sysCalls = &Workload{
	Name: "syscalls",
	Doc:  "Gs that compute a little between system calls, of which some block",
	Unit: "call",
	Params: []Param{
		{Name: "n", Doc: "Gs", Default: 32, Min: 1, Max: 1 << 14},
		{Name: "calls", Doc: "system calls of each", Default: 2000, Quick: 200, Min: 1, Max: 1 << 40},
		{Name: "every", Doc: "of this number of calls, one blocks; 0: none does", Default: 32, Min: 0, Max: 1 << 40},
		{Name: "block", Doc: "how long it blocks, in ns", Default: 100000, Min: 1, Max: 1e9},
		{Name: "ops", Doc: "steps of computation between calls, about 1 ns each", Default: 1000, Min: 0, Max: 1 << 40},
	},
	New: func(p Params) (*Instance, error) {
		n, calls, every, ops := int(p["n"]), int(p["calls"]), int(p["every"]), p["ops"]
		block := time.Duration(p["block"])
		// G i begins somewhere else, so that not all block at the same time.
		blocks := func(i, k int) bool { return every > 0 && (i+k)%every == 0 }
		parent := os.Getppid()
		simulated := false
		check := func(wrong []int) error {
			for i, k := range wrong {
				if k != 0 {
					return fmt.Errorf("syscalls: %d of the calls of G %d returned something else than before", k, i)
				}
			}
			return nil
		}
		return &Instance{
			Tasks: int64(n) * int64(calls),
			Setup: func(s *sched.Sched) (err error) {
				if s != nil {
					simulated, err = isSimulated(s)
				}
				return err
			},
			Run: func(g *sched.G) error {
				wrong := make([]int, n)
				var gr sched.Group
				for i := range wrong {
					short := func() {
						if os.Getppid() != parent {
							wrong[i]++
						}
					}
					long := func() { blockFor(block) }
					if simulated {
						short, long = nil, nil
					}
					w, compute := sched.Work{Kernel: "spin", Ops: ops * spinOps}, func() { sink(spin(uint64(i), ops)) }
					gr.Go(g, func(g *sched.G) {
						for k := range calls {
							g.Work(w, compute)
							if blocks(i, k) {
								g.SyscallFor(block, long)
							} else {
								g.SyscallFor(0, short)
							}
						}
					})
				}
				gr.Wait(g)
				return check(wrong)
			},
			Stock: func() error {
				wrong := make([]int, n)
				stockLoop(n, func(i int) {
					for k := range calls {
						sink(spin(uint64(i), ops))
						if blocks(i, k) {
							blockFor(block)
						} else if os.Getppid() != parent {
							wrong[i]++
						}
					}
				})
				return check(wrong)
			},
		}, nil
	},
}
