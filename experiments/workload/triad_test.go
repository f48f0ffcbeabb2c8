package workload

import (
	"reflect"
	"testing"

	"numasched/sched"
	"numasched/sched/policy"
)

// Chunks are dealt to tasks one by one, or with sizes that grow along each node.
func TestTriadDealsChunksToTasks(t *testing.T) {
	on := func(nodes ...int) (blocks []block[float64]) {
		for _, n := range nodes {
			blocks = append(blocks, block[float64]{node: n})
		}
		return blocks
	}
	for _, c := range []struct {
		skew   int
		blocks []block[float64]
		want   [][2]int
	}{
		{1, on(0, 0, 1), [][2]int{{0, 1}, {1, 2}, {2, 3}}},
		{4, on(0, 0, 0, 0, 0, 0, 0, 0), [][2]int{{0, 1}, {1, 2}, {2, 4}, {4, 7}, {7, 8}}},
		{2, on(0, 0, 0, 0, 1, 1, 1, 1), [][2]int{{0, 1}, {1, 2}, {2, 4}, {4, 5}, {5, 6}, {6, 8}}},
	} {
		run := triadRun{skew: c.skew, a: c.blocks}
		if got := run.share(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("skew %d: %v, want %v", c.skew, got, c.want)
		}
	}
}

// A triad with skew computes the same on any scheduler and in goroutines.
func TestSkewedTriadComputesTheSame(t *testing.T) {
	p, err := triad.Parse("n=100000/skew=5", true)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Sizes(), "n=100000/skew=5"; got != want {
		t.Errorf("sizes are written as %q, want %q", got, want)
	}
	if even := triad.Program(true); even.Skewed() || !p.Skewed() {
		t.Errorf("skewed: %v with the usual sizes and %v with %s", even.Skewed(), p.Skewed(), p.Sizes())
	}
	if got, want := triad.Program(true).Sizes(), "n=1048576"; got != want {
		t.Errorf("sizes without skew are written as %q, want %q", got, want)
	}
	for _, arm := range []string{"flat", "numa", "static"} {
		a, err := policy.ByName(arm)
		if err != nil {
			t.Fatal(err)
		}
		onHost(t, "synthetic:2x2", a, 4, func(s *sched.Sched) {
			in, err := p.New()
			if err != nil {
				t.Fatal(err)
			}
			if err := in.Setup(s); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := s.Run(func(g *sched.G) {
					if err := in.Run(g); err != nil {
						t.Error(err)
					}
				}); err != nil {
					t.Fatal(err)
				}
			}
			if err := in.Check(s); err != nil {
				t.Errorf("%s: %v", arm, err)
			}
		})
	}
	in, err := p.New()
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Setup(nil); err != nil {
		t.Fatal(err)
	}
	if err := in.Stock(); err != nil {
		t.Fatal(err)
	}
	if err := in.Check(nil); err != nil {
		t.Error(err)
	}
}
