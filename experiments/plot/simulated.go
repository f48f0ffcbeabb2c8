package plot

import (
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"numasched/experiments/harness"
)

// exact reports whether all groups are of a simulated run. Values there have no
// intervals.
func exact(groups []harness.Group) bool {
	return !slices.ContainsFunc(groups, func(g harness.Group) bool {
		return slices.ContainsFunc(g.Rows, func(r harness.Row) bool { return !r.Exact })
	})
}

// atMostPs picks the group with the most Ps among groups that differ only in the
// number of Ps.
func atMostPs(groups []harness.Group) (most []harness.Group) {
	for _, g := range groups {
		if !slices.ContainsFunc(groups, func(o harness.Group) bool {
			same := o.Workload == g.Workload && o.Params == g.Params && o.Topo == g.Topo
			return same && o.Procs > g.Procs
		}) {
			most = append(most, g)
		}
	}
	return most
}

// A column is a value that a machine's figure shows against the number of Ps.
type column struct {
	label func(g *harness.Group) string
	value func(r *harness.Row) float64
	axis  func(vs []float64) axis
	none  string // shown instead, if no arm has the value
}

var simColumns = []column{
	{
		func(g *harness.Group) string { return plural(g.Unit) + " per second" },
		func(r *harness.Row) float64 { return r.Throughput.Center },
		func(vs []float64) axis { return fromZero(vs, siTick) }, "",
	},
	{
		func(*harness.Group) string { return "bytes from memory of the own node" },
		func(r *harness.Row) float64 { return r.MemoryLocal.Center },
		func([]float64) axis {
			a := percent()
			a.hi = 106 // room for a line at 100 % below the label
			return a
		}, "hardly any bytes come from memory",
	},
	{
		func(*harness.Group) string { return "makespan over lower bound, log scale" },
		func(r *harness.Row) float64 { return r.OverBound },
		overBound, "no lower bound: the workload describes no work",
	},
}

// overBound returns a logarithmic axis that begins at 1, the best that is possible.
func overBound(vs []float64) axis {
	_, hi, _ := bounds(vs)
	a := axis{lo: 0.95, hi: max(hi*1.3, 2.2), log: true} // room below the label
	steps := []float64{1, 1.2, 1.5, 2, 3, 5}
	switch {
	case a.hi > 100:
		steps = []float64{1, 10, 100, 1000, 10000}
	case a.hi > 6:
		steps = []float64{1, 2, 5, 10, 20, 50}
	}
	for _, v := range steps {
		if v <= a.hi {
			a.ticks = append(a.ticks, tick{v, siTick(v) + "x"})
		}
	}
	return a
}

const machinePrefix = "machine-"

// machines draws a figure for every machine that was simulated with more than one
// number of Ps. It has a row for each workload, with throughput, locality and the
// ratio to the lower bound.
func machines(groups []harness.Group, ls looks) (figures []*Figure) {
	var done []string
	for _, g := range groups {
		if !slices.Contains(done, g.Topo) {
			done = append(done, g.Topo)
			if f := machine(g.Topo, groups, ls); f != nil {
				figures = append(figures, f)
			}
		}
	}
	return figures
}

func machine(topo string, groups []harness.Group, ls looks) *Figure {
	type load struct{ workload, params string }
	var loads []load
	var arms []string
	for _, g := range groups {
		if l := (load{g.Workload, g.Params}); g.Topo == topo && !slices.Contains(loads, l) {
			loads = append(loads, l)
		}
	}
	var charts []*chart // one without an axis says why it is empty
	for _, l := range loads {
		var of []*harness.Group
		var ps []int
		for i := range groups {
			if g := &groups[i]; g.Topo == topo && (load{g.Workload, g.Params}) == l {
				of = append(of, g)
				ps = append(ps, g.Procs)
			}
		}
		if len(of) < 2 {
			return nil
		}
		slices.SortFunc(of, func(a, b *harness.Group) int { return a.Procs - b.Procs })
		slices.Sort(ps)
		for k, col := range simColumns {
			ch := &chart{x: processors(ps), ylabel: col.label(of[0]), ends: true}
			if k == 0 {
				title := *of[0]
				ch.title = harness.ShortTitle([]harness.Group{title}, &title)
			}
			var values []float64
			lines := map[string][]point{}
			for _, g := range of {
				for i := range g.Rows {
					v := col.value(&g.Rows[i])
					if !slices.Contains(arms, g.Rows[i].Arm) {
						arms = append(arms, g.Rows[i].Arm)
					}
					if !math.IsNaN(v) {
						values = append(values, v)
						lines[g.Rows[i].Arm] = append(lines[g.Rows[i].Arm], point{float64(g.Procs), v, math.NaN(), math.NaN()})
					}
				}
			}
			ch.y = col.axis(values)
			if len(values) == 0 {
				ch.ylabel, ch.x, ch.y = col.none, axis{}, axis{}
			}
			for _, arm := range arms {
				if pts := lines[arm]; pts != nil {
					ch.lines = append(ch.lines, line{arm, ls[arm], pts})
				}
			}
			charts = append(charts, ch)
		}
	}
	const height = 165
	cols := len(simColumns)
	return &Figure{
		Name:    machinePrefix + topo,
		Title:   topo + ", simulated: throughput, locality and distance from the bound against Ps",
		Caption: "Simulated, exact. Left: units of work per second. Middle: share of the bytes from memory that came from the node of the CPU that used them. Right: makespan over the lower bound; 1 is the best possible.",
		height:  vg.Length(len(loads))*height + 18,
		draw: func(c draw.Canvas) {
			c.Max.Y -= drawLegend(c, arms, ls)
			for i, ch := range charts {
				colWidth := (c.Max.X - c.Min.X + 14) / vg.Length(cols)
				sub := c
				sub.Min.X = c.Min.X + colWidth*vg.Length(i%cols)
				sub.Max.X = sub.Min.X + colWidth - 14
				sub.Max.Y = c.Max.Y - vg.Length(i/cols*height)
				sub.Min.Y = sub.Max.Y - height + 10
				ch.draw(sub)
			}
		},
	}
}

// withoutInterval returns s without its interval if it is exact.
func withoutInterval(s benchmath.Summary, exact bool) benchmath.Summary {
	if exact {
		s.Lo, s.Hi = math.NaN(), math.NaN()
	}
	return s
}
