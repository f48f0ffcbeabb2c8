package plot

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/perf/benchmath"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"numasched/experiments/claims"
	"numasched/experiments/harness"
)

// leadWidth fits a phone.
const leadWidth = vg.Length(300)

// Lead returns the one picture that shows what a run has found, narrow enough for a
// phone, and the finding as a sentence. The figure is nil if there is nothing to show. Where
// the run has a claim table, its claims are the finding.
func Lead(r *harness.Results, claimed *claims.Report) (finding string, f *Figure) {
	groups := r.Groups()
	if len(groups) == 0 {
		return "", nil
	}
	if exact(groups) {
		groups = AtMostPs(groups)
	}
	found := newFinder(groups, &r.Meta)
	if claimed != nil && len(claimed.Comparisons) > 0 {
		finding, f = leadClaims(claimed, &r.Meta, looksOf(r.Arms()))
	} else if r.Meta.Place.HasSpeed() && found.timed {
		finding, f = found.speed(""), leadSpeed(&found, looksOf(r.Arms()))
		if finding != "" && exact(groups) {
			finding = "Simulated, with the most Ps of each machine, " + finding
		}
	} else {
		is, value := found.locality()
		finding = found.local(is, value)
		f = leadLocal(&found, is, value, nodesOf(r.Meta.Topologies), looksOf(r.Arms()))
	}
	if f != nil {
		f.width = leadWidth
		f.labels = wrap(r.Meta.Label(), style(smallSize, faint), leadWidth-2*margin)
		f.warn = !r.Meta.Plain()
	}
	if finding != "" {
		finding += "."
	}
	return finding, f
}

// leadSpeed has a row for each workload, with a dot for each machine.
func leadSpeed(found *finder, ls looks) *Figure {
	var f forest
	var values []float64
	machines, measured := 1, false
	each, loads := jobsOf(found.groups)
	for _, l := range loads {
		var all []float64
		rw := row{arm: found.arm, name: sized(found.groups, l), color: ls[found.arm].color, lo: math.NaN(), hi: math.NaN()}
		var tips []string
		for i := range found.groups {
			g := &found.groups[i]
			r := g.Find(found.arm)
			if each[i] != l || r == nil || r.Speedup == nil {
				continue
			}
			s := withoutInterval(r.Speedup.Summary, r.Exact)
			rw.dots = append(rw.dots, dot{s.Center, found.fill(r.Speedup)})
			rw.lo, rw.hi = s.Lo, s.Hi
			all = append(all, s.Center)
			values = append(values, finite([]float64{s.Center, s.Lo, s.Hi})...)
			tips = append(tips, tipOf(g, r.Arm, intervalText(s, harness.FormatRatio)))
			measured = measured || !r.Exact
		}
		if len(all) == 0 {
			continue
		}
		if machines = max(machines, len(all)); len(all) > 1 {
			rw.lo, rw.hi = math.NaN(), math.NaN()
		}
		rw.text, rw.tip = span(all, harness.FormatRatio), strings.Join(tips, "; ")
		f.rows = append(f.rows, rw)
	}
	if len(f.rows) == 0 {
		return nil
	}
	label := "log scale"
	if machines > 1 {
		label += " · a dot for each machine"
	}
	caption := "Right of the line is faster than " + found.baseline + "."
	if measured {
		label += " · ring: no difference shown"
		caption += " Bars are 95 % intervals. A ring means that no difference is shown, a half dot that there is no verdict."
	}
	f.panels = []panel{{ratios(values), label}}
	f.marks = []guide{{at: 1, line: stroke(ls[found.baseline].color, 1)}}
	return &Figure{
		Name:    "lead",
		Subject: "Speed-up of " + found.arm + " over " + found.baseline,
		Caption: caption,
		height:  f.height(),
		draw:    func(c draw.Canvas) { f.draw(c, 0, 0) },
	}
}

// leadLocal has a row for each workload, under the arm and under the baseline.
func leadLocal(found *finder, is string, value func(*harness.Row) benchmath.Summary, nodes map[string]int, ls looks) *Figure {
	var f forest
	for _, arm := range []string{found.arm, found.baseline} {
		first := len(f.rows)
		for i := range found.groups {
			g := &found.groups[i]
			r := g.Find(arm)
			if r == nil || math.IsNaN(value(r).Center) {
				continue
			}
			if len(f.rows) == first {
				f.rows = append(f.rows, row{heading: true, name: "under " + arm})
			}
			s := value(r)
			text := fmt.Sprintf("%.1f %%", s.Center)
			f.rows = append(f.rows, row{
				arm: arm, name: g.Workload, text: text, tip: tipOf(g, arm, text), color: ls[arm].color,
				bars: []bar{{0, s.Center, ls[arm].color}}, lo: s.Lo, hi: s.Hi,
			})
		}
	}
	if len(f.rows) == 0 {
		return nil
	}
	label := ""
	same := nodes[found.groups[0].Topo]
	if same > 1 && !slices.ContainsFunc(found.groups, func(g harness.Group) bool { return nodes[g.Topo] != same }) {
		f.marks = []guide{{at: 100 / float64(same), line: dashed(ink, 0.8)}}
		label = "dashed: chance"
	}
	f.panels = []panel{{percent(), label}}
	return &Figure{
		Name:    "lead",
		Subject: is,
		Caption: "Bars are medians, with 95 % intervals. The dashed line is chance.",
		height:  f.height(),
		draw:    func(c draw.Canvas) { f.draw(c, 0, 0) },
	}
}
