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
)

// The percentiles that a curve of latencies has points at, as shares of a million that are
// slower. A curve ends where fewer than one time is slower.
var slowerPPM = []int64{500_000, 200_000, 100_000, 50_000, 20_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100, 10, 1}

// nines returns an axis of percentiles down to that share of slower times: as in p50, p90,
// p99, p99.9, each as far from the last. A value is one divided by the share.
func nines(least float64) axis {
	a := axis{lo: 1.8, hi: 1.1 / least, log: true}
	for _, t := range []tick{{2, "p50"}, {10, "p90"}, {100, "p99"}, {1000, "p99.9"}, {1e4, "p99.99"}, {1e5, "p99.999"}, {1e6, "p99.9999"}} {
		if t.at <= a.hi {
			a.ticks = append(a.ticks, t)
		}
	}
	return a
}

// durations is a logarithmic axis of times in ns, with two labels at least.
func durations(vs []float64) axis {
	a := decades(vs, shortNs)
	labels := 0
	for _, t := range a.ticks {
		if t.label != "" {
			labels++
		}
	}
	for i := range a.ticks {
		if labels < 2 {
			a.ticks[i].label = shortNs(a.ticks[i].at)
		}
	}
	return a
}

// shortNs is FormatNs for round times: "10us".
func shortNs(v float64) string {
	for _, unit := range []string{"ns", "us", "ms"} {
		if v < 999.5 {
			return fmt.Sprintf("%.4g%s", v, unit)
		}
		v /= 1000
	}
	return fmt.Sprintf("%.4gs", v)
}

// where says of which work a chart is: the workload, and what differs among the groups
// that have it.
func where(groups []harness.Group, g *harness.Group) string {
	topo, procs := false, false
	for i := range groups {
		o := &groups[i]
		topo, procs = topo || o.Topo != g.Topo, procs || o.Procs != g.Procs
	}
	title := sized(groups, job{workload: g.Workload, params: g.Params})
	if topo {
		title += ", " + g.Topo
	}
	if procs {
		title += fmt.Sprintf(", P=%d", g.Procs)
	}
	return title
}

// sized is the workload of j, with its sizes that not all groups of that workload have.
func sized(groups []harness.Group, j job) string {
	name := j.workload
	for size := range strings.SplitSeq(j.params, "/") {
		if size != "" && slices.ContainsFunc(groups, func(o harness.Group) bool {
			return o.Workload == j.workload && !slices.Contains(strings.Split(o.Params, "/"), size)
		}) {
			name += " " + size
		}
	}
	return name
}

// latencies draws the percentiles of what histograms in that unit have, of all groups.
func latencies(name, subject, unit string, groups []harness.Group, ls looks, m *harness.Meta) *Figure {
	var charts []*chart
	var arms []string
	for i := range groups {
		g := &groups[i]
		ch := &chart{title: where(groups, g), ylabel: "time, log scale", xlabel: "percentile", ends: true, format: harness.FormatNs,
			tip: func(arm string, p point) string {
				return tipOf(g, arm, fmt.Sprintf("%.6g %% take at most %s", 100-100/p.x, harness.FormatNs(p.y)))
			}}
		least := 1.0
		var values []float64
		for _, r := range g.Rows {
			for _, h := range r.Histograms {
				if h.Unit != unit || h.Len() == 0 {
					continue
				}
				l := line{name: r.Arm, look: ls[r.Arm]}
				for _, ppm := range slowerPPM {
					if ppm != slowerPPM[0] && float64(h.Len())*float64(ppm) < 1e6 {
						break
					}
					v := float64(max(1, h.Quantile(1_000_000-ppm, 1_000_000)))
					least = min(least, float64(ppm)/1e6)
					l.points = append(l.points, point{x: 1e6 / float64(ppm), y: v, lo: math.NaN(), hi: math.NaN()})
					values = append(values, v)
				}
				ch.lines = append(ch.lines, l)
				if !slices.Contains(arms, r.Arm) {
					arms = append(arms, r.Arm)
				}
			}
		}
		if ch.lines != nil {
			ch.x, ch.y = nines(least), durations(values)
			charts = append(charts, ch)
		}
	}
	if charts == nil {
		return nil
	}
	f := sideBySide(charts, arms, ls)
	f.Name, f.Subject = name, subject
	if unit == harness.Latency {
		found := newFinder(groups, m)
		f.Title = found.tail()
	}
	f.Caption = "Of all repetitions together: how long the slowest took, from the slowest half on the left. A request's time counts from when it should have arrived. A curve ends where fewer than one was slower."
	return f
}

// loads draws percentiles of latency against the load that is offered, where the same work
// ran under several loads.
func loads(groups []harness.Group, ls looks, m *harness.Meta) *Figure {
	var charts []*chart
	var arms []string
	var seen []harness.Cell
	for i := range groups {
		_, key, ok := groups[i].OfferedLoad()
		if !ok || slices.Contains(seen, key) {
			continue
		}
		seen = append(seen, key)
		for _, metric := range []*harness.Metric{harness.P50, harness.P99, harness.P999} {
			if ch := loadChart(groups, key, metric, ls); ch != nil {
				charts = append(charts, ch)
				for _, l := range ch.lines {
					if !slices.Contains(arms, l.name) {
						arms = append(arms, l.name)
					}
				}
			}
		}
	}
	if charts == nil {
		return nil
	}
	f := sideBySide(charts, arms, ls)
	f.Name, f.Subject = "latency-load", "Latency against the load that is offered"
	found := newFinder(groups, m)
	f.Title = found.tail()
	f.Caption = "Percentiles of latency, of all repetitions together, against how many requests arrive for each P. They arrive whether or not earlier ones are served, and a request's time counts from when it should have arrived."
	return f
}

// loadChart draws one percentile of the work of key, or returns nil if there is one load.
func loadChart(groups []harness.Group, key harness.Cell, metric *harness.Metric, ls looks) *chart {
	lines := map[string][]point{}
	var arms []string
	var xs, ys []float64
	unit := ""
	for i := range groups {
		load, rest, ok := groups[i].OfferedLoad()
		if !ok || rest != key {
			continue
		}
		unit = groups[i].Unit
		any := false
		for k := range groups[i].Rows {
			r := &groups[i].Rows[k]
			s := r.Of(metric)
			if math.IsNaN(s.Center) {
				continue
			}
			any = true
			if lines[r.Arm] == nil {
				arms = append(arms, r.Arm)
			}
			lines[r.Arm] = append(lines[r.Arm], point{load, max(1, s.Center), math.NaN(), math.NaN()})
			ys = append(ys, max(1, s.Center))
		}
		if any && !slices.Contains(xs, load) {
			xs = append(xs, load)
		}
	}
	if len(xs) < 2 {
		return nil
	}
	slices.Sort(xs)
	ch := &chart{
		title: fmt.Sprintf("%s, %s, P=%d: %s", key.Workload, key.Topo, key.Procs, metric.Name), ylabel: "latency, log scale",
		xlabel: plural(unit) + " per second and P", ends: true, format: harness.FormatNs,
		x: axis{lo: xs[0] / 1.1, hi: xs[len(xs)-1] * 1.1, log: true}, y: durations(ys),
		tip: func(arm string, p point) string {
			return fmt.Sprintf("%s under %s, %s, P=%d, %s %s per second and P: %s %s", key.Workload, arm, key.Topo, key.Procs, siTick(p.x), plural(unit), metric.Name, harness.FormatNs(p.y))
		},
	}
	last := 0.0
	for _, v := range xs {
		t := tick{at: v}
		if last == 0 || v/last > math.Pow(ch.x.hi/ch.x.lo, 1.0/7) {
			t.label, last = siTick(v), v
		}
		ch.x.ticks = append(ch.x.ticks, t)
	}
	for _, arm := range arms {
		slices.SortFunc(lines[arm], func(a, b point) int { return cmp.Compare(a.x, b.x) })
		ch.lines = append(ch.lines, line{name: arm, look: ls[arm], points: lines[arm]})
	}
	return ch
}

// tail says how the slowest requests fare.
func (f *finder) tail() string {
	if !f.timed {
		return ""
	}
	p99 := func(r *harness.Row) float64 { return r.Mid(harness.P99) }
	var parts []string
	for _, arm := range []string{f.arm, f.baseline} {
		if vs := f.of(arm, p99); len(vs) > 0 {
			parts = append(parts, span(vs, harness.FormatNs)+" under "+arm)
		}
	}
	if parts == nil {
		return ""
	}
	title := "99 % of all requests take at most " + parts[0]
	if len(parts) > 1 {
		title += ", " + parts[1]
	}
	return title
}

// sideBySide is a figure of charts, two in a row, under a legend of the arms.
func sideBySide(charts []*chart, arms []string, ls looks) *Figure {
	const cols, height = 2, 210
	return &Figure{
		height: vg.Length((len(charts)+cols-1)/cols)*height + 14,
		draw: func(c draw.Canvas) {
			c.Max.Y -= drawLegend(c, arms, ls)
			for i, ch := range charts {
				colWidth := (c.Max.X - c.Min.X + 18) / cols
				sub := c
				sub.Min.X = c.Min.X + colWidth*vg.Length(i%cols)
				sub.Max.X = sub.Min.X + colWidth - 18
				sub.Max.Y = c.Max.Y - vg.Length(i/cols*height)
				sub.Min.Y = sub.Max.Y - height + 12
				ch.draw(sub)
			}
		},
	}
}
