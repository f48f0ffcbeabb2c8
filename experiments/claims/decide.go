package claims

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"numasched/experiments/harness"
)

// A ratio is the other arm's time over numa's.
//
// Over seeds a statement is tested by the sign test: if it were as often false as true,
// how likely would it be true of as many seeds as it is? The test needs no assumption about how
// ratios are distributed, but it assumes that seeds are independent. For programs that
// choose nothing at random they nearly repeat one sample, and the test says little. Statements are chosen by what is seen, so both tails count. With
// many statements some pass by chance. Holm's method (Scandinavian Journal of Statistics 6,
// 1979) corrects for that: p-values in ascending order, the i-th of m times m-i+1, and none
// less than the one before it. The number of seeds is what it takes that statements which
// hold for all seeds can pass.
//
// Besides, a statement must hold in every run, over seeds and over constants. So the test
// says whether the seeds are enough, and a claim is stronger than the test asks for.

// alpha is the chance that one claim or more of the table is wrong over seeds.
const alpha = 0.05

// A Statement is what may be said of ratios.
type Statement struct {
	Name        string
	Least, Most float64 // both included
}

// The statements about one arm and another. Less than 2 % is no difference.
var (
	Faster    = Statement{"faster", 1 / harness.AtLeast, math.Inf(1)}
	NotSlower = Statement{"not slower", harness.AtLeast, math.Inf(1)}
	Slower    = Statement{"slower", 0, harness.AtLeast}
)

func (s *Statement) holds(ratio float64) bool { return ratio >= s.Least && ratio <= s.Most }

// hypotheses is how many statements are tested for one comparison at most: a strong one
// and a weak one.
const hypotheses = 2

// seedsFor returns how many seeds it takes. With them a statement passes that holds
// for all seeds, if that many statements are tested.
func seedsFor(statements int) int {
	n := 4
	for signTest(n, n)*float64(statements) > alpha {
		n++
	}
	return n
}

// signTest returns the two-sided p-value of k successes of n, more than half.
func signTest(k, n int) float64 {
	tail, ways := 0.0, 1.0 // of choosing i of n
	for i := range n + 1 {
		if i >= k {
			tail += ways
		}
		ways = ways * float64(n-i) / float64(i+1)
	}
	return min(1, 2*tail/math.Pow(2, float64(n)))
}

// holm returns p-values corrected for their number.
func holm(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case ps[a] < ps[b]:
			return -1
		case ps[a] > ps[b]:
			return 1
		}
		return 0
	})
	out := make([]float64, len(ps))
	least := 0.0
	for i, at := range order {
		least = max(least, min(1, ps[at]*float64(len(ps)-i)))
		out[at] = least
	}
	return out
}

// A Sample is the ratio of one run.
type Sample struct {
	Variant string
	Ratio   float64
	Kind    Kind
}

// A Comparison is numa beside another arm on one machine and workload.
type Comparison struct {
	Block *Block
	Over  string // the other arm, or "best flat"
	Runs  []Sample

	Strong, Weak Statement // what the seeds suggest, and what to fall back on
	P            float64   // of Strong over seeds, corrected
	weakP        float64

	Claim string // what may be said: "faster", "not slower", "slower"; "" for nothing
	But   string // on what the strong statement depends if it is not the claim
}

// seeds returns the ratios over seeds, ascending.
func (c *Comparison) seeds() []float64 { return c.of(func(s Sample) bool { return s.Kind == Seed }) }

// all returns all ratios, ascending.
func (c *Comparison) all() []float64 { return c.of(func(Sample) bool { return true }) }

func (c *Comparison) of(which func(Sample) bool) (ratios []float64) {
	for _, s := range c.Runs {
		if which(s) {
			ratios = append(ratios, s.Ratio)
		}
	}
	slices.Sort(ratios)
	return ratios
}

// Middle is the median over seeds. Of two in the middle it is the lower one.
func (c *Comparison) Middle() float64 { vs := c.seeds(); return vs[(len(vs)-1)/2] }

// Range returns the least and the largest ratio of all runs.
func (c *Comparison) Range() (lo, hi float64) { vs := c.all(); return vs[0], vs[len(vs)-1] }

// decide decides what may be claimed.
func decide(cs []*Comparison) {
	var ps []float64
	for _, c := range cs {
		c.Strong, c.Weak = NotSlower, NotSlower
		switch m := c.Middle(); {
		case m >= Faster.Least:
			c.Strong = Faster
		case m < NotSlower.Least:
			c.Strong, c.Weak = Slower, Slower
		}
		ps = append(ps, c.test(&c.Strong), c.test(&c.Weak))
	}
	ps = holm(ps)
	for i, c := range cs {
		c.P, c.weakP, c.Claim = ps[2*i], ps[2*i+1], ""
		c.But = c.depends(&c.Strong, c.P)
		switch {
		case c.But == "":
			c.Claim = c.Strong.Name
		case c.depends(&c.Weak, c.weakP) == "":
			c.Claim = c.Weak.Name
		}
	}
}

// test returns the p-value of a statement over seeds.
func (c *Comparison) test(s *Statement) float64 {
	vs := c.seeds()
	k := 0
	for _, v := range vs {
		if s.holds(v) {
			k++
		}
	}
	return signTest(max(k, (len(vs)+1)/2), len(vs))
}

// depends says on what a statement depends, with what overturns it. It returns "" for one
// that holds. What is not so for some seed is not blamed on a constant: one run of a
// chaotic program says nothing about it.
func (c *Comparison) depends(s *Statement, p float64) string {
	seeds, wrong := 0, 0
	var single *Sample
	singles, draws, drawn := 0, 0, 0
	for i := range c.Runs {
		r := &c.Runs[i]
		ok := s.holds(r.Ratio)
		switch r.Kind {
		case Seed:
			seeds++
			if !ok {
				wrong++
			}
		case Single:
			if !ok {
				singles++
				if single == nil || s.beyond(r.Ratio) > s.beyond(single.Ratio) {
					single = r
				}
			}
		case Draw:
			draws++
			if !ok {
				drawn++
			}
		}
	}
	switch {
	case wrong > 0:
		return fmt.Sprintf("depends on the seed (not so in %d of %d)", wrong, seeds)
	case p > alpha:
		return fmt.Sprintf("%d seeds are too few for the number of comparisons", seeds)
	case single != nil:
		more := ""
		if singles > 1 {
			more = fmt.Sprintf(", and on %d more", singles-1)
		}
		name, by, _ := strings.Cut(single.Variant, "*")
		return fmt.Sprintf("depends on %s: at %s times its value %.2fx%s", name, by, single.Ratio, more)
	case drawn > 0:
		return fmt.Sprintf("depends on the draw (not so in %d of %d)", drawn, draws)
	}
	return ""
}

// beyond is how far a ratio is outside a statement.
func (s *Statement) beyond(ratio float64) float64 { return max(s.Least-ratio, ratio-s.Most) }
