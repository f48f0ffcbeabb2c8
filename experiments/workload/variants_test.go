package workload

import (
	"math"
	"slices"
	"testing"

	"numasched/sched"
	"numasched/sched/policy"
)

// A size that makes another program of a workload is tried in every place, too.
func TestEveryVariantIsRight(t *testing.T) {
	arm, err := policy.ByName("numa")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct{ name, sizes string }{
		{"taskbench", "pattern=0/width=3/steps=5/ops=64"},
		{"taskbench", "pattern=1/width=3/steps=5/ops=64"},
		{"taskbench", "pattern=2/width=3/steps=5/ops=64"},
		{"taskbench", "pattern=3/width=3/steps=5/ops=64"},
		{"taskbench", "pattern=4/width=1/steps=1/ops=16"},
		{"skynet", "depth=3/channels=1"},
		{"skynet", "depth=0"},
		{"nqueens", "n=1"},
		{"strassen", "levels=0"},
		{"strassen", "levels=2"},
		{"lu", "n=1"},
		{"pagerank", "scale=2/ends=1/iterations=2"},
		{"bufferpool", "pairs=3/buffers=2/messages=50/bytes=4096/home=1"},
		{"syscalls", "n=2/calls=10/every=0"},
	} {
		t.Run(v.name+"/"+v.sizes, func(t *testing.T) {
			make := func() *Instance {
				p, err := ByName(v.name).Parse(v.sizes, true)
				if err != nil {
					t.Fatal(err)
				}
				in, err := p.New()
				if err != nil {
					t.Fatal(err)
				}
				return in
			}
			onHost(t, "synthetic:2x2", arm, 0, func(s *sched.Sched) {
				if err := runTwice(s, make()); err != nil {
					t.Errorf("host: %v", err)
				}
			})
			onSim(t, "synthetic:2x4", "numa", func(s *sched.Sched) {
				if err := runTwice(s, make()); err != nil {
					t.Errorf("simulated: %v", err)
				}
			})
			in := make()
			if in.Setup != nil {
				if err := in.Setup(nil); err != nil {
					t.Fatal(err)
				}
			}
			err := in.Stock()
			if err == nil && in.Check != nil {
				err = in.Check(nil)
			}
			if err != nil {
				t.Errorf("goroutines: %v", err)
			}
		})
	}
}

// What a point needs, from the description of Task Bench.
func TestTaskBenchPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, width, step, point int
		want                        []int
	}{
		{0, 8, 1, 3, nil},
		{1, 8, 0, 3, nil}, // nothing is before the first step
		{1, 8, 1, 0, []int{0, 1}},
		{1, 8, 1, 3, []int{2, 3, 4}},
		{1, 8, 1, 7, []int{6, 7}},
		{2, 8, 1, 3, []int{2, 3, 4}},
		{2, 8, 2, 3, []int{1, 3, 5}},
		{2, 8, 3, 3, []int{3, 7}},
		{2, 8, 4, 3, []int{2, 3, 4}}, // from the beginning
		{3, 8, 1, 1, []int{0}},
		{3, 8, 3, 7, []int{3}},
		{3, 8, 9, 7, []int{3}}, // at its full width
	} {
		g := &taskGrid{pattern: c.pattern, width: c.width}
		if got := g.needs(c.step, c.point); !slices.Equal(got, c.want) {
			t.Errorf("pattern %d: point %d at step %d needs %v, want %v", c.pattern, c.point, c.step, got, c.want)
		}
	}
	g := &taskGrid{pattern: 3, width: 6}
	for step, want := range []int{1, 2, 4, 6, 6} {
		if got := g.widthAt(step); got != want {
			t.Errorf("step %d of a tree has %d points, want %d", step, got, want)
		}
	}
	g = &taskGrid{pattern: 4, width: 4000}
	near := map[int]int{}
	for point := range g.width {
		for _, p := range g.needs(1, point) {
			near[p-point]++
		}
		if !slices.Equal(g.needs(1, point), g.needs(4, point)) {
			t.Fatalf("random_nearest: point %d chooses differently after three steps", point)
		}
	}
	if near[0] != g.width || len(near) != 5 {
		t.Errorf("random_nearest: distances %v, want every point itself and its four nearest", near)
	}
	for d := range near {
		if d != 0 && math.Abs(float64(near[d])/float64(g.width)-0.25) > 0.03 {
			t.Errorf("random_nearest: %d of %d points need the one at distance %d, want a quarter", near[d], g.width, d)
		}
	}
}

// The METG is where the efficiency is one half.
func TestMETG(t *testing.T) {
	// Two Ps, a ns for a step of computation, and 300 ns of overhead for each task: half of
	// the time of tasks of 300 ns, which take 600.
	g := &taskGrid{procs: 2, step: 1, tasks: make([]gridTask, 10)}
	for ops := int64(16); ops <= 4096; ops *= 2 {
		g.lengths = append(g.lengths, taskLength{ops: ops, ways: 3, total: 3 * 10 / 2 * float64(300+ops)})
	}
	if got, ok := g.metg(); !ok || math.Abs(got-600) > 20 { // between 556 and 812
		t.Errorf("METG %g %v, want 600", got, ok)
	}
	g.lengths = g.lengths[:3]
	if got, ok := g.metg(); ok {
		t.Errorf("METG %g of tasks that are all too short, want none", got)
	}
	g.lengths[0].total = 3 * 10 / 2 * 20
	if got, ok := g.metg(); !ok || math.Abs(got-20) > 1e-9 {
		t.Errorf("METG %g %v of tasks that are all long enough, want that of the shortest, 20", got, ok)
	}
}

// On many CPUs one queue for all wants longer tasks than queues for each.
func TestMETGTellsSchedulersApart(t *testing.T) {
	metg := func(arm string) (ns float64) {
		p, err := taskBench.Parse("", true)
		if err != nil {
			t.Fatal(err)
		}
		in, err := p.New()
		if err != nil {
			t.Fatal(err)
		}
		onSim(t, "synthetic:4x4", arm, func(s *sched.Sched) {
			if err := runTwice(s, in); err != nil {
				t.Fatal(err)
			}
		})
		for _, r := range in.Reported() {
			if r.Unit == "metg-ns" {
				ns = r.Value
			}
		}
		return ns
	}
	gm, flat := metg("gm"), metg("flat")
	t.Logf("simulated: METG %.0f ns under gm, %.0f under flat", gm, flat)
	if !(flat > 0 && gm > flat) {
		t.Errorf("simulated: METG %.0f ns under gm and %.0f under flat, want more under gm", gm, flat)
	}
}

// The published numbers of solutions, and the placements that public tables make.
func TestQueens(t *testing.T) {
	for n, want := range map[int]int{4: 2, 5: 10, 6: 4, 8: 92, 10: 724, 12: 14200} {
		if got, _ := countQueens(1<<n-1, 0, 0, 0); got != want {
			t.Errorf("%d queens: %d ways, want %d", n, got, want)
		}
	}
	if _, got := countQueens(1<<8-1, 0, 0, 0); got != 2057 {
		t.Errorf("8 queens: %d tasks, want 2057", got)
	}
}
