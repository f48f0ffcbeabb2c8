package workload

import (
	"fmt"

	"numasched/sched"
)

// parFor adds one to every element of a long array, in chunks. It splits the range in
// halves and forks one half, without a closure and without a place. This is what a
// parallel loop costs if its author knows nothing of nodes.
var parFor = &Workload{
	Name:     "parfor",
	Doc:      "parallel loop over a float32 array in chunks of 4096, split in halves, unplaced",
	Unit:     "chunk",
	InCaches: "n=4096",
	Params: []Param{
		{Name: "n", Doc: "float32 elements", Default: 1e8, Quick: 4e6, Min: 1, Max: 1 << 34},
	},
	New: func(p Params) (*Instance, error) {
		r := &parForRun{n: int(p["n"])}
		chunks := (r.n + parForChunk - 1) / parForChunk
		return &Instance{
			Tasks: int64(chunks),
			Bytes: 8 * int64(r.n),
			Setup: r.setup,
			Run: func(g *sched.G) error {
				r.runs++
				if got := parForTask(g, sched.Arg{Data: r, A: 0, B: chunks}); got != chunks {
					return fmt.Errorf("parfor: %d chunks done, want %d", got, chunks)
				}
				return nil
			},
			Stock: func() error {
				r.runs++
				stockLoop(chunks, r.kernel)
				return nil
			},
			Check: r.check,
		}, nil
	},
}

const parForChunk = 4096

type parForRun struct {
	n       int
	x       []block[float32]
	works   []sched.Work
	kernels []func()
	runs    int
}

func (r *parForRun) setup(s *sched.Sched) (err error) {
	if r.x, err = newArray[float32](s, r.n, parForChunk); err != nil {
		return err
	}
	r.runs, r.works, r.kernels = 0, nil, nil
	for i := range r.x {
		for j := range r.x[i].data {
			r.x[i].data[j] = float32(j)
		}
		spans := []sched.Span{r.x[i].span}
		r.works = append(r.works, sched.Work{Kernel: "parfor", Ops: r.x[i].span.Len / 4, Reads: spans, Writes: spans})
		r.kernels = append(r.kernels, func() { r.kernel(i) })
	}
	return nil
}

// parForTask does the chunks from arg.A to arg.B and returns how many.
func parForTask(g *sched.G, arg sched.Arg) int {
	if arg.B-arg.A > 1 {
		mid := (arg.A + arg.B) / 2
		c := g.Fork(parForTask, sched.Arg{Data: arg.Data, A: mid, B: arg.B})
		n := parForTask(g, sched.Arg{Data: arg.Data, A: arg.A, B: mid})
		return n + g.Join(c)
	}
	r := arg.Data.(*parForRun)
	g.Work(r.works[arg.A], r.kernels[arg.A])
	return 1
}

func (r *parForRun) kernel(i int) { AddOne(r.x[i].data) }

// AddOne adds one to every element of x: the kernel of parfor, for every way to run it that
// is written in Go. It is one function, and not inlined, because how fast such a loop is
// depends on where the compiler puts it: by up to a quarter.
//
//go:noinline
func AddOne(x []float32) {
	for i := range x {
		x[i]++
	}
}

func (r *parForRun) check(*sched.Sched) error {
	for i := range r.x {
		for j, got := range r.x[i].data {
			if want := float32(j + r.runs); got != want && r.runs < 1<<23 { // exact below 2^24
				return fmt.Errorf("parfor: x[%d] = %g after %d runs, want %g", i*parForChunk+j, got, r.runs, want)
			}
		}
	}
	return nil
}
