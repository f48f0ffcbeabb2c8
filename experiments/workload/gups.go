package workload

import (
	"fmt"
	"sync/atomic"

	"numasched/sched"
)

// gups is HPC Challenge's RandomAccess: additions to random elements of a table that is
// interleaved over the nodes. No schedule can help it, which is why it is here.
// Additions are atomic; RandomAccess may lose some.
var gups = &Workload{
	Name:     "gups",
	Doc:      "additions to random elements of an interleaved table: where no schedule helps",
	Unit:     "update",
	InCaches: "n=1024/tasks=8",
	Params: []Param{
		{Name: "n", Doc: "uint64 elements of the table, a power of two is used", Default: 1 << 24, Quick: 1 << 18, Min: 1, Max: 1 << 36},
		{Name: "tasks", Doc: "tasks", Default: 512, Quick: 128, Min: 1, Max: 1 << 30},
		{Name: "updates", Doc: "updates of each task", Default: 4096, Min: 1, Max: 1 << 40},
		{Name: "seed", Doc: "of the random choices", Default: 1, Min: 0, Max: 1 << 62},
	},
	New: func(p Params) (*Instance, error) {
		n := 1
		for int64(n)*2 <= p["n"] {
			n *= 2
		}
		r := &gupsRun{n: n, updates: int(p["updates"]), seed: uint64(p["seed"])}
		tasks := int(p["tasks"])
		return &Instance{
			Tasks: int64(tasks) * int64(r.updates),
			Setup: r.setup,
			Run: func(g *sched.G) error {
				span := []sched.Span{{Buf: r.buf, Len: int64(n) * 8, Accesses: int64(r.updates), Independent: true, Atomic: true}}
				// An atomic addition takes 20 cycles. The next number is made meanwhile.
				w := sched.Work{Kernel: "gups", Ops: 20 * int64(r.updates), Writes: span}
				var gr sched.Group
				for i := range tasks {
					gr.Go(g, func(g *sched.G) { g.Work(w, func() { r.kernel(i) }) })
				}
				gr.Wait(g)
				r.runs++
				return nil
			},
			Stock: func() error {
				stockLoop(tasks, r.kernel)
				r.runs++
				return nil
			},
			Check: func(*sched.Sched) error { return r.check(tasks) },
		}, nil
	},
}

type gupsRun struct {
	n, updates int
	seed       uint64
	buf        *sched.Buffer
	table      []uint64
	runs       uint64
}

func (r *gupsRun) setup(s *sched.Sched) (err error) {
	r.runs = 0
	if s == nil {
		r.table = make([]uint64, r.n)
		return nil
	}
	if r.buf, err = s.NewBuffer(int64(r.n)*8, sched.Interleave); err != nil {
		return err
	}
	r.table = sched.Slice[uint64](r.buf, r.n)
	clear(r.table)
	return nil
}

// kernel makes the updates of task i: it adds random numbers at random places.
func (r *gupsRun) kernel(i int) {
	for k := range r.updates {
		v := mix(r.seed<<40 + uint64(i*r.updates+k))
		atomic.AddUint64(&r.table[v&uint64(r.n-1)], v)
	}
}

func (r *gupsRun) check(tasks int) error {
	if r.table == nil {
		return nil
	}
	want := make([]uint64, r.n)
	for i := range tasks * r.updates {
		v := mix(r.seed<<40 + uint64(i))
		want[v&uint64(r.n-1)] += v
	}
	for i, got := range r.table {
		if got != want[i]*r.runs {
			return fmt.Errorf("gups: element %d is %#x after %d runs, want %#x", i, got, r.runs, want[i]*r.runs)
		}
	}
	return nil
}
