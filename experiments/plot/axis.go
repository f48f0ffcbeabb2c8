package plot

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"

	"numasched/experiments/harness"
)

// An axis maps values onto [0,1].
type axis struct {
	lo, hi float64
	log    bool
	ticks  []tick
}

type tick struct {
	at    float64
	label string // "" for a minor tick
}

// at returns the position of v, clamped to the axis. On a logarithmic axis, a value
// that is not positive lies at the left end.
func (a axis) at(v float64) float64 {
	f := 0.0
	if !a.log {
		f = (v - a.lo) / (a.hi - a.lo)
	} else if v > 0 {
		f = math.Log(v/a.lo) / math.Log(a.hi/a.lo)
	}
	return min(1, max(0, f))
}

// holds reports whether v lies on the axis.
func (a axis) holds(v float64) bool { return a.lo <= v && v <= a.hi }

// finite returns the values that are numbers. It leaves out those that would make
// an axis overflow.
func finite(vs []float64) []float64 {
	var ok []float64
	for _, v := range vs {
		if math.Abs(v) < 1e30 {
			ok = append(ok, v)
		}
	}
	return ok
}

func bounds(vs []float64) (lo, hi float64, any bool) {
	for _, v := range finite(vs) {
		if !any || v < lo {
			lo = v
		}
		if !any || v > hi {
			hi = v
		}
		any = true
	}
	return lo, hi, any
}

// fromZero returns a linear axis from 0 to a little above the largest value. If no
// value is positive, the axis ends at 1.
func fromZero(vs []float64, format func(float64) string) axis {
	_, hi, _ := bounds(vs)
	if hi <= 0 {
		hi = 1
	}
	a := axis{hi: hi * 1.04}
	for _, t := range (plot.DefaultTicks{}).Ticks(0, a.hi) {
		if t.Label != "" {
			a.ticks = append(a.ticks, tick{t.Value, format(t.Value)})
		}
	}
	return a
}

// positive returns the values that fit on a logarithmic axis. It leaves out what no
// experiment measures, so that an axis is not too long.
func positive(vs []float64) []float64 {
	var ok []float64
	for _, v := range vs {
		if v > 1e-30 && v < 1e30 {
			ok = append(ok, v)
		}
	}
	return ok
}

// decades returns a logarithmic axis that holds all positive values.
func decades(vs []float64, format func(float64) string) axis {
	lo, hi, any := bounds(positive(vs))
	if !any {
		lo, hi = 1, 10
	}
	a := axis{lo: lo / 1.6, hi: hi * 1.6, log: true}
	every := max(1, math.Ceil(math.Log10(a.hi/a.lo)/5))
	for e := math.Floor(math.Log10(a.lo)); e <= math.Ceil(math.Log10(a.hi)); e++ {
		for _, m := range []float64{1, 2, 5} {
			v := m * math.Pow(10, e)
			if v < a.lo || v > a.hi {
				continue
			}
			label := ""
			if m == 1 && math.Mod(e, every) == 0 {
				label = format(v)
			}
			a.ticks = append(a.ticks, tick{v, label})
		}
	}
	return a
}

// ratios returns a logarithmic axis around 1, with ticks at round values.
func ratios(vs []float64) axis {
	lo, hi, _ := bounds(append(positive(vs), 1))
	lo, hi = min(lo/1.02, 0.95), max(hi*1.02, 1.05)
	a := axis{lo: lo, hi: hi, log: true}
	add := func(v float64) {
		if v >= lo && v <= hi {
			label := strconv.FormatFloat(v, 'g', 3, 64) + "x"
			if v <= 0.5 {
				label = fmt.Sprintf("1/%.0f", 1/v)
			}
			a.ticks = append(a.ticks, tick{v, label})
		}
	}
	switch span := hi / lo; {
	case span < 1.35:
		for i := 14; i <= 40; i++ {
			add(float64(i) / 20)
		}
	case span < 2.2:
		for i := 5; i <= 22; i++ {
			add(float64(i) / 10)
		}
	case span < 8:
		for _, v := range []float64{0.125, 0.2, 0.25, 0.5, 0.7, 1, 1.4, 2, 3, 4, 6, 8} {
			add(v)
		}
	default:
		step := math.Exp2(math.Ceil(math.Log2(span) / 8))
		first := 1.0
		for first/step >= lo {
			first /= step
		}
		for v := first; v <= hi; v *= step {
			add(v)
		}
	}
	return a
}

// near returns an axis for the part around 1 that holds all values. It returns
// false if that is most of a.
func (a axis) near(vs []float64) (axis, bool) {
	for _, hi := range []float64{1.25, 2, 4} {
		part := ratios([]float64{1 / hi, hi})
		if !slices.ContainsFunc(vs, func(v float64) bool { return !part.holds(v) }) {
			return part, math.Log(a.hi/a.lo) > 2*math.Log(part.hi/part.lo)
		}
	}
	return axis{}, false
}

// percent returns the axis from 0 to 100 %.
func percent() axis {
	a := axis{hi: 100}
	for v := 0.0; v <= 100; v += 25 {
		a.ticks = append(a.ticks, tick{v, harness.FormatPercent(v)})
	}
	return a
}

// processors returns a logarithmic axis of numbers of Ps, with a tick at each.
func processors(ps []int) axis {
	a := axis{lo: float64(max(1, ps[0])) / 1.15, hi: float64(max(1, ps[len(ps)-1])) * 1.15, log: true}
	last := 0.0
	for _, p := range ps {
		t := tick{at: float64(p)}
		if last == 0 || t.at/last > math.Pow(a.hi/a.lo, 1.0/9) {
			t.label = strconv.Itoa(p)
			last = t.at
		}
		a.ticks = append(a.ticks, t)
	}
	return a
}
