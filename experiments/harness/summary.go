package harness

import (
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
)

// DefaultBaseline is the arm that others are compared with unless a run names
// another.
const DefaultBaseline = "flat"

// Subject is the arm that findings are about, where it ran.
const Subject = "numa"

// Confidence is the confidence level that every interval has at least.
const Confidence = 0.95

// A Group is a set of cells that may be compared: they differ only in their arm.
// Rows are in the order of the plan.
type Group struct {
	Cell     // without an arm
	Unit     string
	Baseline string // the arm that the others are compared with; it may have no row
	Rows     []Row
}

// A Row sums up one cell. Numbers that were not counted are NaN.
type Row struct {
	Arm        string
	N          int               // repetitions
	Throughput benchmath.Summary // units of work per second: median and interval
	NsPerUnit  benchmath.Summary // its inverse
	Speedup    *Speedup          // over the baseline; nil for the baseline itself and where there is none
	Exact      bool              // simulated: a repetition would give the same
	Counted    []Counted         // all else, the times once more among it
	Histograms []Histogram       // of all repetitions together
}

// A Speedup compares an arm with the baseline: their times or, where arrivals decide how
// long those are, their 99th percentiles of latency. Repetitions are interleaved, so
// repetition i of one arm ran next to repetition i of the other. The summary is the
// median of the ratios of these pairs, with its interval. So a machine that slows
// down for a while adds no noise. P is the result of the Mann-Whitney U test on the
// two unpaired samples.
type Speedup struct {
	benchmath.Summary
	Ratios   []float64 // of neighbouring repetitions
	P        float64
	Few      bool // repetitions: however they had come out, the test would show no difference
	Warnings []error
}

// summarize returns the median and the interval of values, which it may reorder.
// Without values everything is NaN. The interval is infinite if there are too few
// values for one.
func summarize(values []float64) benchmath.Summary {
	if len(values) == 0 {
		nan := math.NaN()
		return benchmath.Summary{Center: nan, Lo: nan, Hi: nan}
	}
	return benchmath.AssumeNothing.Summary(benchmath.NewSample(values, &benchmath.DefaultThresholds), Confidence)
}

func sample(values []float64) *benchmath.Sample {
	return benchmath.NewSample(append([]float64(nil), values...), &benchmath.DefaultThresholds)
}

// BaselineOf returns the arm that others are compared with if the user names none.
// That is DefaultBaseline if it was measured, else the first arm measured.
func BaselineOf(ms []Measurement) string {
	if len(ms) == 0 || slices.ContainsFunc(ms, func(m Measurement) bool { return m.Arm == DefaultBaseline }) {
		return DefaultBaseline
	}
	return ms[0].Arm
}

// Arms returns the arms that were measured, in the order of first appearance.
func (r *Results) Arms() (arms []string) {
	for i := range r.Measurements {
		if a := r.Measurements[i].Arm; !slices.Contains(arms, a) {
			arms = append(arms, a)
		}
	}
	return arms
}

// Groups summarises what was measured.
func (r *Results) Groups() []Group {
	baseline := r.Meta.Baseline
	if baseline == "" {
		baseline = BaselineOf(r.Measurements)
	}
	return Summarize(r.Measurements, baseline)
}

// Summarize puts measurements into groups, in the order of first appearance, and
// compares every arm with the baseline.
func Summarize(ms []Measurement, baseline string) []Group {
	byCell := map[Cell][]*Measurement{}
	var groups []Group
	index := map[Cell]int{} // of the group with this cell without its arm
	for i := range ms {
		m := &ms[i]
		key := m.Cell
		key.Arm = ""
		g, ok := index[key]
		if !ok {
			g = len(groups)
			index[key] = g
			groups = append(groups, Group{Cell: key, Unit: m.Unit(), Baseline: baseline})
		}
		if byCell[m.Cell] == nil {
			groups[g].Rows = append(groups[g].Rows, Row{Arm: m.Arm})
		}
		byCell[m.Cell] = append(byCell[m.Cell], m)
	}
	for gi := range groups {
		g := &groups[gi]
		base := g.Cell
		base.Arm = baseline
		for ri := range g.Rows {
			cell := g.Cell
			cell.Arm = g.Rows[ri].Arm
			g.Rows[ri] = summarizeCell(cell.Arm, byCell[cell])
			if cell.Arm != baseline && len(byCell[base]) > 0 {
				g.Rows[ri].Speedup = speedup(byCell[base], byCell[cell])
			}
		}
		g.shareBound()
	}
	return groups
}

// shareBound makes all rows use one lower bound, the least that an arm has. Each arm has a
// bound of its own, because the traffic depends on what an arm keeps local. With that, an
// arm that moves more bytes than it must would look nearer to the best possible.
func (g *Group) shareBound() {
	bound := math.Inf(1)
	for _, r := range g.Rows {
		if v := r.NsPerUnit.Center / r.Mid(OverBound); v > 0 { // not if one of them is not known
			bound = min(bound, v)
		}
	}
	for i := range g.Rows {
		if r := &g.Rows[i]; r.Mid(OverBound) > 0 {
			r.set(OverBound, r.NsPerUnit.Center/bound)
		}
	}
}

func times(ms []*Measurement) []float64 {
	var ts []float64
	for _, m := range ms {
		ts = append(ts, m.NsPerUnit())
	}
	return ts
}

func summarizeCell(arm string, ms []*Measurement) Row {
	perSecond := times(ms)
	for i, ns := range perSecond {
		perSecond[i] = 1e9 / ns
	}
	pooled := pool(ms)
	return Row{Arm: arm, N: len(ms), Exact: ms[0].Exact, Throughput: summarize(perSecond), NsPerUnit: summarize(times(ms)), Counted: count(ms, pooled), Histograms: pooled}
}

// speedup compares what both are judged by. Both are in the order of measurement. Only
// repetitions of the same part are neighbours.
func speedup(base, arm []*Measurement) *Speedup {
	ratios := pairs(base, arm)
	if len(ratios) == 0 {
		return nil // never measured side by side
	}
	if arm[0].Exact {
		s := &Speedup{Summary: benchmath.AssumeExact.Summary(sample(ratios), 1), Ratios: ratios}
		if s.Center == 1 {
			s.P = 1
		}
		return s
	}
	c := benchmath.AssumeNothing.Compare(sample(judgedBy(base)), sample(judgedBy(arm)))
	// The test's p exceeds 1 for the smallest samples, where its tails overlap.
	return &Speedup{Summary: summarize(slices.Clone(ratios)), Ratios: ratios, P: min(1, c.P), Few: tooFew(len(base), len(arm)), Warnings: c.Warnings}
}

// tooFew reports whether the test of so many values shows no difference even where all of
// one arm are less than all of the other. Two of all orders are that far apart.
func tooFew(n, m int) bool {
	orders := 1.0
	for i := 1; i <= m; i++ {
		orders = orders * float64(n+i) / float64(i)
	}
	return 2/orders >= benchmath.DefaultThresholds.CompareAlpha
}

// pairs returns the ratios of what neighbouring repetitions are judged by.
func pairs(base, arm []*Measurement) (ratios []float64) {
	ofPart := map[int][]float64{}
	for _, m := range arm {
		ofPart[m.Part] = append(ofPart[m.Part], m.judged().Value)
	}
	for _, m := range base {
		if vs := ofPart[m.Part]; len(vs) > 0 {
			ratios = append(ratios, m.judged().Value/vs[0])
			ofPart[m.Part] = vs[1:]
		}
	}
	return ratios
}

// Find returns the row of an arm, or nil.
func (g *Group) Find(arm string) *Row {
	for i := range g.Rows {
		if g.Rows[i].Arm == arm {
			return &g.Rows[i]
		}
	}
	return nil
}

// CellTimes are all numbers of one cell that it is judged by, or all ratios of Ratios.
type CellTimes struct {
	Unit   string // of work
	Metric string // that the numbers are: the unit in which results have it
	Exact  bool   // one repetition says all
	Sample *benchmath.Sample
}

// judged returns what m is judged by: its time per unit of work or, where arrivals decide
// how long that is, the latency that 99 % do not exceed.
func (m *Measurement) judged() Value {
	if p99, ok := m.Get(P99.Unit); ok && p99 > 0 && m.Open() {
		return Value{p99, P99.Unit}
	}
	return m.Values[0]
}

func judgedBy(ms []*Measurement) (vs []float64) {
	for _, m := range ms {
		vs = append(vs, m.judged().Value)
	}
	return vs
}

// Times returns the cells in order of first appearance, and what they are judged by.
func Times(ms []Measurement) (cells []Cell, byCell map[Cell]*CellTimes) {
	values := map[Cell][]float64{}
	byCell = map[Cell]*CellTimes{}
	for i := range ms {
		m := &ms[i]
		v := m.judged()
		if byCell[m.Cell] == nil {
			byCell[m.Cell] = &CellTimes{Unit: m.Unit(), Metric: v.Unit, Exact: m.Exact}
			cells = append(cells, m.Cell)
		}
		values[m.Cell] = append(values[m.Cell], v.Value)
	}
	for c, t := range byCell {
		t.Sample = sample(values[c])
	}
	return cells, byCell
}

// Ratios returns the cells that are compared with the baseline, and by how much they are
// better: the ratios of what neighbouring repetitions are judged by.
func Ratios(ms []Measurement, baseline string) (cells []Cell, byCell map[Cell]*CellTimes) {
	_, byCell = Times(ms)
	ofArm := map[Cell]*CellTimes{}
	for _, g := range Summarize(ms, baseline) {
		for _, r := range g.Rows {
			if r.Speedup != nil {
				c := g.Cell
				c.Arm = r.Arm
				cells = append(cells, c)
				t := byCell[c]
				ofArm[c] = &CellTimes{Unit: t.Unit, Metric: t.Metric, Exact: t.Exact, Sample: sample(r.Speedup.Ratios)}
			}
		}
	}
	return cells, ofArm
}
