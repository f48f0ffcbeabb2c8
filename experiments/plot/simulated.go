package plot

import (
	"fmt"
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

// AtMostPs picks the group with the most Ps among groups that differ only in the
// number of Ps.
func AtMostPs(groups []harness.Group) (most []harness.Group) {
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

// A measure is a value that a machine's figure shows against the number of Ps.
type measure struct {
	label  func(g *harness.Group) string
	value  func(r *harness.Row) float64
	axis   func(vs []float64) axis
	format func(float64) string
	chance bool // a share of what is local, so by chance it is one over the number of nodes
}

// simColumns are the columns of a machine's figure. A workload that lacks a measure has
// the next of its column.
var simColumns = [][]measure{
	{{
		label:  func(g *harness.Group) string { return plural(g.Unit) + " per second" },
		value:  func(r *harness.Row) float64 { return r.Throughput.Center },
		axis:   func(vs []float64) axis { return fromZero(vs, siTick) },
		format: si,
	}},
	{{
		label:  func(*harness.Group) string { return "bytes from memory of the own node" },
		value:  func(r *harness.Row) float64 { return r.Mid(harness.MemoryLocal) },
		axis:   localAxis,
		format: harness.FormatPercent,
		chance: true,
	}, {
		label:  func(*harness.Group) string { return "steals from Ps of the own node" },
		value:  func(r *harness.Row) float64 { return 100 - remoteShare(r) },
		axis:   localAxis,
		format: harness.FormatPercent,
		chance: true,
	}},
	{{
		label:  func(*harness.Group) string { return "makespan over the cell's lower bound, log scale" },
		value:  func(r *harness.Row) float64 { return r.Mid(harness.OverBound) },
		axis:   overBound,
		format: harness.FormatRatio,
	}, {
		label:  func(*harness.Group) string { return "the Ps' time in the scheduler" },
		value:  func(r *harness.Row) float64 { return r.Mid(harness.Scheduling) },
		axis:   localAxis,
		format: harness.FormatPercent,
	}},
}

func localAxis([]float64) axis {
	a := percent()
	a.hi = 106 // room for a line at 100 % below the label
	return a
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
func machines(groups []harness.Group, nodes map[string]int, ls looks, m *harness.Meta) (figures []*Figure) {
	var done []string
	for _, g := range groups {
		if !slices.Contains(done, g.Topo) {
			done = append(done, g.Topo)
			if f := machine(g.Topo, groups, nodes[g.Topo], ls, m); f != nil {
				figures = append(figures, f)
			}
		}
	}
	return figures
}

func machine(topo string, groups []harness.Group, nodes int, ls looks, m *harness.Meta) *Figure {
	var here []harness.Group
	for _, g := range groups {
		if g.Topo == topo {
			here = append(here, g)
		}
	}
	each, loads := jobsOf(here)
	var arms []string
	var charts []*chart // one without an axis says why it is empty
	for _, l := range loads {
		var of []*harness.Group
		var ps []int
		for i := range here {
			if g := &here[i]; each[i] == l {
				of = append(of, g)
				ps = append(ps, g.Procs)
			}
		}
		if len(of) < 2 {
			return nil
		}
		slices.SortFunc(of, func(a, b *harness.Group) int { return a.Procs - b.Procs })
		slices.Sort(ps)
		for k, column := range simColumns {
			var ch *chart
			for _, what := range column {
				if ch = measured(what, of, ps, &arms, ls); len(ch.lines) > 0 {
					if what.chance && nodes > 1 {
						ch.addChance(nodes, ps)
					}
					break
				}
			}
			if k == 0 {
				title := *of[0]
				ch.title = harness.ShortTitle([]harness.Group{title}, &title)
				for _, l := range ch.lines {
					if l.name == of[0].Baseline {
						ch.addIdeal(l.points, ps)
					}
				}
			}
			charts = append(charts, ch)
		}
	}
	found := newFinder(AtMostPs(here), m)
	const height = 165
	cols := len(simColumns)
	return &Figure{
		Name:    machinePrefix + topo,
		Title:   found.speed(fmt.Sprintf("On %s of %s, ", harness.Count(found.groups[0].Procs, "P", "Ps"), topo)),
		Subject: "Throughput, locality and distance from the bound against Ps, simulated",
		Caption: "Simulated, exact. Left: units of work per second; the dashed line is ideal scaling of the baseline. Middle: share of the bytes from memory that came from the node of the CPU that used them, or where hardly any came from memory, of the steals; the dashed line is chance. " +
			"Right: makespan over the lower bound, which is the same for all arms of a workload and a number of Ps; 1 is the best possible. Work that has no bound shows the Ps' time in the scheduler instead.",
		height: vg.Length(len(loads))*height + 18,
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

// measured draws one measure of groups that differ in the number of Ps alone. It adds
// their arms to arms.
func measured(what measure, of []*harness.Group, ps []int, arms *[]string, ls looks) *chart {
	ch := &chart{x: processors(ps), ylabel: what.label(of[0]), ends: true, workload: of[0].Workload, format: what.format}
	var values []float64
	lines := map[string][]point{}
	for _, g := range of {
		for i := range g.Rows {
			v := what.value(&g.Rows[i])
			if !slices.Contains(*arms, g.Rows[i].Arm) {
				*arms = append(*arms, g.Rows[i].Arm)
			}
			if !math.IsNaN(v) {
				values = append(values, v)
				lines[g.Rows[i].Arm] = append(lines[g.Rows[i].Arm], point{float64(g.Procs), v, math.NaN(), math.NaN()})
			}
		}
	}
	ch.y = what.axis(values)
	for _, arm := range *arms {
		if pts := lines[arm]; pts != nil {
			ch.lines = append(ch.lines, line{name: arm, look: ls[arm], points: pts})
		}
	}
	return ch
}

// withoutInterval returns s without its interval if it is exact.
func withoutInterval(s benchmath.Summary, exact bool) benchmath.Summary {
	if exact {
		s.Lo, s.Hi = math.NaN(), math.NaN()
	}
	return s
}
