package plot

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"numasched/experiments/harness"
	"numasched/sched/policy"
)

// The figure of costs shows what a unit of work costs a simulated machine: the time of all
// Ps together, against their number. A level line is ideal scaling. Where a line rises as fast
// as the number of Ps does, more Ps bring nothing.

const costPrefix = "cost-"

// costProcs are the least numbers of Ps that the figure is for, one P among them.
const costProcs = 4

// costs draws a figure for every machine that was simulated with one P and with several more
// numbers of them.
func costs(groups []harness.Group, ls looks) (figures []*Figure) {
	var done []string
	for _, g := range groups {
		if !slices.Contains(done, g.Topo) {
			done = append(done, g.Topo)
			if f := cost(g.Topo, groups, ls); f != nil {
				figures = append(figures, f)
			}
		}
	}
	return figures
}

func cost(topo string, groups []harness.Group, ls looks) *Figure {
	var here []harness.Group
	for _, g := range groups {
		if g.Topo == topo && !g.Open() {
			here = append(here, g)
		}
	}
	each, loads := jobsOf(here)
	var charts []*chart
	rises := map[string][]float64{} // by arm: from one P to the most
	most := 0
	for _, l := range loads {
		var of []*harness.Group
		for i := range here {
			if each[i] == l {
				of = append(of, &here[i])
			}
		}
		slices.SortFunc(of, func(a, b *harness.Group) int { return cmp.Compare(a.Procs, b.Procs) })
		if len(of) < costProcs || of[0].Procs != 1 {
			continue
		}
		most = max(most, of[len(of)-1].Procs)
		charts = append(charts, costChart(of, ls, rises))
	}
	if charts == nil {
		return nil
	}
	return &Figure{
		Name:    costPrefix + topo,
		Title:   costTitle(rises, most, topo),
		Subject: "CPU time of all Ps for a unit of work, against Ps, simulated · as in \"flat +3\": other arms with the same values",
		Caption: "The time of all Ps together, working or waiting, for a unit of work: how long the work takes, times Ps, over its units. A level line is ideal scaling. Above the dashed line the whole work takes longer than under " + here[0].Baseline +
			" on one P. Thick lines are " + strings.Join(costMain, ", ") + ". Arms whose values are the same everywhere have one line, as in \"flat +3\".",
		height: vg.Length((len(charts)+1)/2)*costHeight + 6,
		draw: func(c draw.Canvas) {
			for i, ch := range charts {
				width := (c.Max.X - c.Min.X + 18) / 2
				sub := c
				sub.Min.X = c.Min.X + width*vg.Length(i%2)
				sub.Max.X = sub.Min.X + width - 18
				sub.Max.Y = c.Max.Y - vg.Length(i/2*costHeight)
				sub.Min.Y = sub.Max.Y - costHeight + 12
				ch.draw(sub)
			}
		},
	}
}

const costHeight = 250

// costMain are the arms that the figure is about: the oldest, the baseline and the design. The others are thin lines beside them.
var costMain = []string{policy.Arms[0].Name, harness.DefaultBaseline, harness.Subject}

// costOf is what a unit of work costs all Ps of g together, in ns.
func costOf(g *harness.Group, r *harness.Row) float64 { return float64(g.Procs) * r.NsPerUnit.Center }

// costChart draws one workload. of has its groups by ascending Ps. It adds to rises how many
// times the cost on one P each arm has on the most.
func costChart(of []*harness.Group, ls looks, rises map[string][]float64) *chart {
	title := *of[0]
	ch := &chart{title: harness.ShortTitle([]harness.Group{title}, &title), ylabel: "CPU time of all Ps for a " + of[0].Unit + ", log scale · dashed: as slow as one P",
		ends: true, leaders: true, workload: of[0].Workload, format: harness.FormatNs}
	ch.tip = func(arm string, p point) string {
		return fmt.Sprintf("%s under %s, P=%.0f: %s of CPU time for a %s", of[0].Workload, arm, p.x, harness.FormatNs(p.y), of[0].Unit)
	}
	var ps []int
	var values []float64
	for _, g := range of {
		ps = append(ps, g.Procs)
	}
	for i := range of[0].Rows {
		l := line{name: of[0].Rows[i].Arm, look: ls[of[0].Rows[i].Arm]}
		l.thin = !slices.Contains(costMain, l.name)
		for _, g := range of {
			if r := g.Find(l.name); r != nil && !math.IsNaN(costOf(g, r)) {
				l.points = append(l.points, point{float64(g.Procs), costOf(g, r), math.NaN(), math.NaN()})
				values = append(values, costOf(g, r))
			}
		}
		if len(l.points) == len(of) {
			rises[l.name] = append(rises[l.name], l.points[len(of)-1].y/l.points[0].y)
		}
		same := func(o line) bool {
			return slices.EqualFunc(o.points, l.points, func(a, b point) bool { return a.x == b.x && a.y == b.y })
		}
		if at := slices.IndexFunc(ch.lines, same); at >= 0 {
			ch.lines[at].alike++
		} else if len(l.points) > 0 {
			ch.lines = append(ch.lines, l)
		}
	}
	ch.x, ch.y = processors(ps), durations(values)
	for _, l := range ch.lines {
		if l.name == of[0].Baseline {
			first, last := l.points[0], float64(ps[len(ps)-1])
			end := min(last, ch.y.hi/first.y) // where the line leaves the chart
			ch.refs = append(ch.refs, reference{points: []vgPoint{{1, first.y}, {end, first.y * end}}})
		}
	}
	slices.SortStableFunc(ch.lines, func(a, b line) int {
		return cmp.Compare(slices.Index(costMain, a.name), slices.Index(costMain, b.name))
	}) // thick ones last, on top
	return ch
}

// costTitle says how the cost of a unit rises from one P to the most, over all workloads.
func costTitle(rises map[string][]float64, most int, topo string) string {
	times := func(v float64) string {
		if v < 9.95 {
			return fmt.Sprintf("%.1f", v)
		}
		return fmt.Sprintf("%.0f", v)
	}
	var parts []string
	for _, arm := range slices.Backward(costMain) {
		if vs := rises[arm]; len(vs) > 0 {
			parts = append(parts, span(vs, times)+" times under "+arm)
		}
	}
	if parts == nil {
		return ""
	}
	return fmt.Sprintf("On %d Ps of %s a unit of work takes more CPU time than on one: %s", most, topo, strings.Join(parts, ", "))
}
