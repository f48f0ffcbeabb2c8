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
	Name:     "triad",
	Doc:      "STREAM triad over arrays in chunks of 4096 with home nodes: bandwidth",
	Unit:     "chunk",
	Quick:    true,
	Homed:    true,
	Claimed:  triads,
	InCaches: "n=4096",
	Params: []Param{
		{Name: "n", Doc: "float64 elements of each of the three arrays", Default: 1 << 23, Quick: 1 << 20, Min: 1, Max: 1 << 33},
		{Name: "skew", Doc: "the most chunks that a task may have; sizes grow from 1 along the chunks of a node", Default: 1, Min: 1, Max: 1 << 10, Later: true, Skews: true},
	},
	New: func(p Params) (*Instance, error) {
		t := &triadRun{n: int(p["n"]), skew: int(p["skew"])}
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
				stockLoop(len(t.tasks), t.kernel)
				return nil
			},
			Check: t.check,
		}, nil
	},
}

const triadChunk = 4096

type triadRun struct {
	n, skew int
	a, b, c []block[float64]
	tasks   [][2]int // the first chunk of each, and the one after its last
	scalar  float64  // another one for every run, so that no run can leave its work to an earlier one
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
	t.tasks = t.share()
	t.loop = newLoop(len(t.tasks), func(i int) int { return t.a[t.tasks[i][0]].node }, func(i int) func(*sched.G) {
		lo, hi := t.tasks[i][0], t.tasks[i][1]
		a := joined(t.a[lo:hi])
		w := sched.Work{
			Kernel: "triad",
			Ops:    2 * a.Len / 8,
			Reads:  []sched.Span{joined(t.b[lo:hi]), joined(t.c[lo:hi])},
			Writes: []sched.Span{a},
		}
		kernel := func() { t.kernel(i) }
		return func(g *sched.G) { g.Work(w, kernel) }
	})
	return nil
}

// share deals the chunks of each node to tasks. Without skew each has one. With it a task
// is larger, the farther along the node's chunks it begins: 1 at first, and at most skew.
// Whoever gives each P equally many tasks gives some P much more work than another.
func (t *triadRun) share() (tasks [][2]int) {
	for lo := 0; lo < len(t.a); {
		end := lo + 1
		for end < len(t.a) && t.a[end].node == t.a[lo].node {
			end++
		}
		for first := lo; lo < end; {
			size := 1 + (lo-first)*t.skew/(end-first)
			tasks = append(tasks, [2]int{lo, min(lo+size, end)})
			lo = min(lo+size, end)
		}
	}
	return tasks
}

// joined is the span of blocks of one node that follow each other.
func joined(blocks []block[float64]) sched.Span {
	s := blocks[0].span
	for _, b := range blocks[1:] {
		s.Len += b.span.Len
	}
	return s
}

func (t *triadRun) kernel(task int) {
	for i := t.tasks[task][0]; i < t.tasks[task][1]; i++ {
		a := t.a[i].data
		b, c, s := t.b[i].data[:len(a)], t.c[i].data[:len(a)], t.scalar
		for j := range a {
			a[j] = b[j] + s*c[j]
		}
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
