package workload

import (
	"fmt"

	"numasched/sched"
)

// triad is a = b + s*c of STREAM (McCalpin, 1995), in chunks that lie on their home
// nodes. It measures the bandwidth that a schedule gets out of the memory controllers.
// Bytes are counted as in STREAM: two reads and a write of 8 bytes for every element.
// STREAM wants each array to be four times as large as the last-level cache.
var triad = &Workload{
	Name:  "triad",
	Doc:   "STREAM triad over arrays in chunks of 4096 with home nodes: bandwidth",
	Unit:  "chunk",
	Quick: true,
	Homed: true,
	Params: []Param{
		{Name: "n", Doc: "float64 elements of each of the three arrays", Default: 1 << 23, Quick: 1 << 20, Min: 1, Max: 1 << 33},
	},
	New: func(p Params) (*Instance, error) {
		t := &triadRun{n: int(p["n"])}
		chunks := (t.n + triadChunk - 1) / triadChunk
		return &Instance{
			Tasks: int64(chunks),
			Bytes: 24 * int64(t.n),
			Setup: t.setup,
			Run: func(g *sched.G) error {
				t.scalar++
				t.loop.run(g)
				return nil
			},
			Stock: func() error {
				t.scalar++
				stockLoop(chunks, t.kernel)
				return nil
			},
			Check: t.check,
		}, nil
	},
}

const triadChunk = 4096

type triadRun struct {
	n       int
	a, b, c []block[float64]
	scalar  float64 // another one for every run, so that no run can leave its work to an earlier one
	loop    *loop
}

func (t *triadRun) setup(s *sched.Sched) (err error) {
	for _, x := range []*[]block[float64]{&t.a, &t.b, &t.c} {
		if *x, err = newArray[float64](s, t.n, triadChunk); err != nil {
			return err
		}
	}
	for i := range t.a {
		a, b, c := t.a[i].data, t.b[i].data, t.c[i].data
		for j := range a {
			b[j], c[j] = float64(i), float64(j)
			a[j] = -1 // so that the pages of a are there, too
		}
	}
	t.loop = newLoop(len(t.a), func(i int) int { return t.a[i].node }, func(i int) func(*sched.G) {
		w := sched.Work{
			Kernel: "triad",
			Ops:    2 * t.a[i].span.Len / 8,
			Reads:  []sched.Span{t.b[i].span, t.c[i].span},
			Writes: []sched.Span{t.a[i].span},
		}
		kernel := func() { t.kernel(i) }
		return func(g *sched.G) { g.Work(w, kernel) }
	})
	return nil
}

func (t *triadRun) kernel(i int) {
	a := t.a[i].data
	b, c, s := t.b[i].data[:len(a)], t.c[i].data[:len(a)], t.scalar
	for j := range a {
		a[j] = b[j] + s*c[j]
	}
}

func (t *triadRun) check(*sched.Sched) error {
	for i := range t.a {
		for j, got := range t.a[i].data {
			// Exact: small whole numbers.
			if want := float64(i) + t.scalar*float64(j); got != want {
				return fmt.Errorf("triad: a[%d] = %g, want %g", i*triadChunk+j, got, want)
			}
		}
	}
	return nil
}
