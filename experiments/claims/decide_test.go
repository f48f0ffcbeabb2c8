package claims

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// Holm's correction on the worked example of Wikipedia's article on his method: of
// 0.01, 0.04, 0.03 and 0.005 at 0.05, only 0.005 and 0.01 are rejected, because
// 4*0.005 and 3*0.01 are below 0.05, and 2*0.03 is not.
func TestHolm(t *testing.T) {
	got := holm([]float64{0.01, 0.04, 0.03, 0.005})
	for i, want := range []float64{0.03, 0.06, 0.06, 0.02} {
		if math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("corrected p-values %v, want 0.03, 0.06, 0.06, 0.02", got)
			break
		}
	}
	if got := holm([]float64{0.4, 0.4, 0.9}); !slices.Equal(got, []float64{1, 1, 1}) {
		t.Errorf("large p-values become %v, want 1", got)
	}
}

// The sign test by hand. Of 10 tosses 9 heads or more come in 11 of 1024 ways, and as
// many tails in as many.
func TestSignTest(t *testing.T) {
	for _, c := range []struct {
		k, n int
		want float64
	}{{9, 10, 22.0 / 1024}, {10, 10, 2.0 / 1024}, {5, 10, 1}, {3, 5, 1}, {4, 5, 12.0 / 32}} {
		if got := signTest(c.k, c.n); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%d of %d: p is %v, want %v", c.k, c.n, got, c.want)
		}
	}
	// 2/2^n times the number of statements must be at most 0.05.
	for statements, want := range map[int]int{1: 6, 2: 7, 100: 12, 102: 12, 103: 13, 160: 13} {
		if got := seedsFor(statements); got != want {
			t.Errorf("%d statements need %d seeds, want %d", statements, got, want)
		}
	}
}

// sampled is a comparison of 8 seeds, two constants at 0.7 and 1.3, and two draws.
func sampled(seeds []float64, low, high [2]float64, draws ...float64) *Comparison {
	c := &Comparison{Over: "flat"}
	for _, v := range seeds {
		c.Runs = append(c.Runs, Sample{"seed=1", v, Seed})
	}
	for i, name := range []string{"links", "l3_ns"} {
		c.Runs = append(c.Runs, Sample{name + "*0.7", low[i], Single}, Sample{name + "*1.3", high[i], Single})
	}
	for _, v := range draws {
		c.Runs = append(c.Runs, Sample{"draw=1", v, Draw})
	}
	return c
}

// What may be claimed, by hand: the strongest statement that holds over all runs, and on
// what a stronger one depends.
func TestDecide(t *testing.T) {
	all := func(v float64) []float64 { return slices.Repeat([]float64{v}, 8) }
	both := func(v float64) [2]float64 { return [2]float64{v, v} }
	for _, c := range []struct {
		name       string
		c          *Comparison
		claim, but string
	}{
		{"faster", sampled(all(2), both(1.9), both(2.1), 1.03, 2), "faster", ""},
		{"the same", sampled(all(1), both(1.01), both(0.99), 0.98, 1), "not slower", ""},
		{"slower", sampled(all(0.9), both(0.9), both(0.97), 0.5, 0.9), "slower", ""},
		{"faster but for a constant", sampled(all(2), [2]float64{1.01, 1.5}, both(2), 2, 2), "not slower", "depends on links: at 0.7 times its value 1.01x"},
		{"slower with a constant", sampled(all(2), both(2), [2]float64{1, 0.9}, 2, 2), "", "depends on l3_ns: at 1.3 times its value 0.90x, and on 1 more"},
		{"slower on a draw", sampled(all(2), both(2), both(2), 0.9, 2), "", "depends on the draw (not so in 1 of 2)"},
		{"a constant says more than a draw", sampled(all(2), both(2), both(0.5), 0.9, 0.9), "", "depends on links: at 1.3 times its value 0.50x, and on 1 more"},
		{"one seed is slower", sampled(append(all(2)[:7], 0.9), both(2), both(2), 2, 2), "", "depends on the seed (not so in 1 of 8)"},
		{"one seed is the same", sampled(append(all(2)[:7], 1), both(2), both(2), 2, 2), "not slower", "depends on the seed (not so in 1 of 8)"},
		{"slower, and faster with a constant", sampled(all(0.9), both(0.9), [2]float64{0.9, 1.5}, 0.9, 0.9), "", "depends on l3_ns: at 1.3 times its value 1.50x"},
	} {
		decide([]*Comparison{c.c})
		if c.c.Claim != c.claim || c.c.But != c.but {
			t.Errorf("%s: claims %q, %q; want %q, %q", c.name, c.c.Claim, c.c.But, c.claim, c.but)
		}
	}
}

// What passes alone does not among many.
func TestDecideCountsComparisons(t *testing.T) {
	var cs []*Comparison
	for range 10 {
		cs = append(cs, sampled(slices.Repeat([]float64{2}, 8), [2]float64{2, 2}, [2]float64{2, 2}, 2))
	}
	decide(cs[:1])
	if cs[0].Claim != "faster" {
		t.Errorf("alone: %q, want faster", cs[0].Claim)
	}
	decide(cs)
	for _, c := range cs {
		if c.Claim != "" || !strings.Contains(c.But, "8 seeds are too few") {
			t.Errorf("among 10 with 8 seeds: %q, %q; want no claim, because of the seeds", c.Claim, c.But)
		}
	}
}
