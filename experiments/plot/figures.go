package plot

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/perf/benchmath"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"numasched/experiments/claims"
	"numasched/experiments/harness"
)

// Figures returns the figures that make sense for a run. It leaves out figures that
// would be empty, throughput if times mean nothing, and locality and steals where there is one node.
func Figures(r *harness.Results) []Figure {
	groups := r.Groups()
	if len(groups) == 0 {
		return nil
	}
	ls := looksOf(r.Arms())
	nodes := nodesOf(r.Meta.Topologies)
	var figures []Figure
	add := func(f *Figure) {
		if f != nil {
			f.labels = append(f.labels, labels(r, groups)...)
			f.warn = !r.Meta.Plain()
			figures = append(figures, *f)
		}
	}
	if exact(groups) {
		most := AtMostPs(groups)
		several := []*Figure{speedups(most, ls, &r.Meta), throughput(most, ls, &r.Meta)}
		if OneNode(r) == "" {
			several = append(several, steals(most, ls, &r.Meta))
		}
		for _, f := range several {
			if f != nil {
				if f.Name == "speedup" && claimed(r) {
					f.Title = "With one seed, " + f.Title
				}
				f.Subject += "; simulated, with the most Ps"
			}
			add(f)
		}
		add(latencies("latency", "Latency", harness.Latency, most, ls, &r.Meta))
		add(loads(groups, ls, &r.Meta))
		for _, f := range append(costs(groups, ls), machines(groups, nodes, ls, &r.Meta)...) {
			add(f)
			last := &figures[len(figures)-1]
			last.labels[1] = "topology " + strings.TrimPrefix(strings.TrimPrefix(f.Name, machinePrefix), costPrefix)
		}
		return figures
	}
	if r.Meta.Place.HasSpeed() {
		add(speedups(groups, ls, &r.Meta))
		add(throughput(groups, ls, &r.Meta))
		add(scaling("scaling", "Throughput against Ps", groups, nodes, ls, &r.Meta, throughputOf))
		add(latencies("latency", "Latency", harness.Latency, groups, ls, &r.Meta))
		add(loads(groups, ls, &r.Meta))
	}
	if OneNode(r) == "" {
		add(locality(groups, nodes, ls, &r.Meta))
		add(scaling("locality-scaling", "Locality against Ps", groups, nodes, ls, &r.Meta, localityOf))
		add(steals(groups, ls, &r.Meta))
	}
	return figures
}

// claimed reports whether a run has a claim table. Then its results.txt has one seed of many.
func claimed(r *harness.Results) bool {
	_, err := os.Stat(filepath.Join(r.Dir, claims.File))
	return r.Meta.Place == harness.Simulated && err == nil
}

// nodesOf returns how many nodes with CPUs each topology has, by label.
func nodesOf(topos []harness.TopoMeta) map[string]int {
	nodes := map[string]int{}
	for _, t := range topos {
		nodes[t.Label] = t.NodesWithCPUs
	}
	return nodes
}

// labels returns the lines under a title, which say where the numbers come from.
func labels(r *harness.Results, groups []harness.Group) []string {
	m := &r.Meta
	var topos []string
	for _, t := range m.Topologies {
		s := t.Label
		if t.Pretended {
			s += " (" + t.Origin + ")"
		}
		topos = append(topos, s)
	}
	var from []string
	if m.Place != harness.Simulated { // which do not depend on the host
		machine := m.Machine.CPU.Model
		if machine == "" {
			machine = m.Machine.OS + "/" + m.Machine.Arch
		}
		from = append(from, machine+", "+harness.Count(m.Machine.CPUs, "CPU", "CPUs"))
		if m.Machine.Kernel != "" {
			from = append(from, m.Machine.Kernel)
		}
		from = append(from, m.Build.Go)
	}
	from = append(from, "topology "+strings.Join(topos, ", "))
	if p := groups[0].Procs; !slices.ContainsFunc(groups, func(g harness.Group) bool { return g.Procs != p }) {
		from = append(from, fmt.Sprintf("P=%d", p))
	}
	return []string{m.Label(), strings.Join(from, " · ")}
}

// intervalText is "1.03x (1.01x .. 1.05x)".
func intervalText(s benchmath.Summary, format func(float64) string) string {
	if len(finite([]float64{s.Lo, s.Hi})) < 2 {
		return format(s.Center)
	}
	return fmt.Sprintf("%s (%s .. %s)", format(s.Center), format(s.Lo), format(s.Hi))
}

func speedups(groups []harness.Group, ls looks, m *harness.Meta) *Figure {
	if len(groups) == 0 {
		return nil
	}
	var f forest
	found, baseline := newFinder(groups, m), groups[0].Baseline
	caption, ring := "Right of the line is faster than "+baseline+". ", ""
	if !exact(groups) {
		ring = " · ring: no difference shown · half: undecided"
		caption += "Dots are medians of the ratios of neighbouring repetitions, bars their 95 % intervals. A full dot is a verdict: interval and test both show a difference at 5 %. A half dot is no verdict: only one of them does, or there are too few repetitions, or most of them were disturbed. A ring means that neither does. "
	}
	var values, numa []float64
	for i := range groups {
		g := &groups[i]
		title := harness.ShortTitle(groups, g)
		if by := g.JudgedBy(); by != harness.Time {
			title += " · " + by.Name
		}
		f.rows = append(f.rows, row{heading: true, name: title})
		n := len(f.rows)
		for _, r := range g.Rows {
			if s := r.Speedup; s != nil {
				values = append(values, s.Center, s.Lo, s.Hi)
				if r.Arm == harness.Subject {
					numa = append(numa, s.Center)
				}
				shown := withoutInterval(s.Summary, r.Exact)
				text := intervalText(shown, harness.FormatRatio)
				tip := text + " over " + baseline
				if !r.Exact {
					text += "  " + harness.FormatP(s.P)
					tip += ", " + harness.FormatP(s.P) + ": " + s.Finding().String()
				}
				f.rows = append(f.rows, row{
					arm: r.Arm, tip: tipOf(g, r.Arm, tip),
					name: r.Arm, color: ls[r.Arm].color, dots: []dot{{s.Center, found.fill(s)}}, lo: shown.Lo, hi: shown.Hi, text: text,
				})
			}
		}
		if len(f.rows) == n {
			f.rows = f.rows[:n-1]
		}
	}
	if len(values) == 0 {
		return nil
	}
	all := ratios(values)
	if part, ok := all.near(numa); ok {
		f.panels = []panel{{all, "speed-up over " + baseline + ", log scale"}, {part, "around 1x, enlarged" + ring}}
		caption += "The right half enlarges the neighbourhood of 1x. An arrow points to a value outside of it."
	} else {
		f.panels = []panel{{all, "speed-up over " + baseline + ", log scale" + ring}}
	}
	f.marks = []guide{{at: 1, line: stroke(ls[baseline].color, 1)}}
	fig := &Figure{
		Name:    "speedup",
		Title:   found.speed(""),
		Subject: "Speed-up over " + baseline,
		Caption: caption,
		height:  f.height(),
		draw:    func(c draw.Canvas) { f.draw(c, 0, 0) },
	}
	narrow := panel{axis: all}
	if part, ok := all.near(numa); ok {
		narrow.axis = part
	}
	if gr := newGrid(groups, narrow, f.marks, func(g *harness.Group, r *harness.Row) row {
		rw := row{color: ls[r.Arm].color, lo: math.NaN(), hi: math.NaN()}
		if r.Speedup != nil {
			rw.dots, rw.text = []dot{{at: r.Speedup.Center}}, harness.FormatRatio(r.Speedup.Center)
			rw.tip = tipOf(g, r.Arm, rw.text+" over "+baseline)
		}
		return rw
	}); gr != nil && exact(groups) {
		fig.Caption = "Right of the line is faster than " + baseline + ". All machines have the same axis, on a log scale. An arrow points to a value outside of it."
		fig.height, fig.draw = gr.height(), gr.draw
	}
	return fig
}

// tipOf says whose value text is.
func tipOf(g *harness.Group, arm, text string) string {
	return fmt.Sprintf("%s under %s, %s, P=%d: %s", g.Workload, arm, g.Topo, g.Procs, text)
}

// throughput draws an axis for each group, because their units differ. Machines side by
// side have one axis: the share of the fastest arm's throughput.
func throughput(groups []harness.Group, ls looks, m *harness.Meta) *Figure {
	if len(groups) == 0 {
		return nil
	}
	found := newFinder(groups, m)
	fig := &Figure{Name: "throughput", Title: found.ofBest(), Subject: "Throughput"}
	share := panel{axis: percent()}
	if gr := newGrid(groups, share, nil, func(g *harness.Group, r *harness.Row) row {
		rw := row{color: ls[r.Arm].color, lo: math.NaN(), hi: math.NaN(), text: si(r.Throughput.Center)}
		if v := 100 * r.Throughput.Center / fastest(g); len(finite([]float64{v})) == 1 {
			rw.bars = []bar{{0, v, rw.color}}
			rw.tip = tipOf(g, r.Arm, rw.text+" "+plural(g.Unit)+" per second")
		}
		return rw
	}); gr != nil && exact(groups) {
		fig.Subject = "Throughput: bars as a share of the fastest arm's, numbers in units of work per second"
		fig.Caption = "A bar is the share of the throughput of the fastest arm for this workload on this machine. The number beside it is in units of work per second."
		fig.height, fig.draw = gr.height(), gr.draw
		return fig
	}
	const cols = 2
	var panels []*forest
	rows := vg.Length(0)
	for i := range groups {
		g := &groups[i]
		f := &forest{rows: []row{{heading: true, name: harness.ShortTitle(groups, g)}}}
		var values []float64
		for _, r := range g.Rows {
			values = append(values, r.Throughput.Center, r.Throughput.Lo, r.Throughput.Hi)
		}
		lo, hi, _ := bounds(positive(values))
		linear := !(hi > 20*lo)
		if linear {
			f.panels = []panel{{fromZero(values, siTick), plural(g.Unit) + " per second"}}
		} else {
			f.panels = []panel{{decades(values, siTick), plural(g.Unit) + " per second, log scale"}}
		}
		for _, r := range g.Rows {
			rw := row{
				arm: r.Arm, name: r.Arm, color: ls[r.Arm].color, dots: []dot{{at: r.Throughput.Center}}, lo: r.Throughput.Lo, hi: r.Throughput.Hi,
				text: si(r.Throughput.Center),
			}
			rw.tip = tipOf(g, r.Arm, intervalText(withoutInterval(r.Throughput, r.Exact), si)+" "+plural(g.Unit)+" per second")
			if linear {
				rw.dots = nil
				rw.bars = []bar{{0, r.Throughput.Center, rw.color}}
			}
			f.rows = append(f.rows, rw)
		}
		panels = append(panels, f)
	}
	names := widest(groups)
	texts := vg.Length(44)
	var heights []vg.Length // of the grid's rows
	for i := 0; i < len(panels); i += cols {
		h := vg.Length(0)
		for _, p := range panels[i:min(i+cols, len(panels))] {
			h = max(h, p.height())
		}
		heights = append(heights, h+6)
		rows += h + 6
	}
	fig.Caption = "Units of work per second, medians with 95 % intervals. Every panel has its own scale."
	fig.height = rows
	fig.draw = func(c draw.Canvas) {
		y := c.Max.Y
		for i, p := range panels {
			colWidth := (c.Max.X - c.Min.X + 18) / cols
			sub := c
			sub.Min.X = c.Min.X + colWidth*vg.Length(i%cols)
			sub.Max.X = sub.Min.X + colWidth - 18
			sub.Max.Y = y
			p.draw(sub, names, texts)
			if i%cols == cols-1 {
				y -= heights[i/cols]
			}
		}
	}
	return fig
}

// widest returns the width of the longest arm's name.
func widest(groups []harness.Group) vg.Length {
	w := vg.Length(0)
	for _, g := range groups {
		for _, r := range g.Rows {
			w = max(w, style(textSize, ink).Width(r.Arm)+14)
		}
	}
	return w
}

func locality(groups []harness.Group, nodes map[string]int, ls looks, m *harness.Meta) *Figure {
	var f forest
	found := newFinder(groups, m)
	is, value := found.locality()
	byKernel := slices.ContainsFunc(groups, func(g harness.Group) bool {
		return slices.ContainsFunc(g.Rows, func(r harness.Row) bool { return !math.IsNaN(r.Mid(harness.Pages)) })
	})
	counted := false
	for i := range groups {
		g := &groups[i]
		f.rows = append(f.rows, row{heading: true, name: harness.ShortTitle(groups, g)})
		first := len(f.rows)
		for _, r := range g.Rows {
			share := value(&r)
			rw := row{arm: r.Arm, name: r.Arm, color: ls[r.Arm].color, lo: share.Lo, hi: share.Hi, text: "not counted"}
			if v := share.Center; !math.IsNaN(v) {
				counted = true
				rw.bars = []bar{{0, v, rw.color}}
				rw.text = intervalText(share, func(v float64) string { return fmt.Sprintf("%.1f", v) }) + " %"
				rw.tip = tipOf(g, r.Arm, rw.text+" local")
			}
			if byKernel && !math.IsNaN(r.Mid(harness.Touched)) {
				rw.dots = []dot{{r.Mid(harness.Touched), hollow}}
				rw.tip += fmt.Sprintf("; the scheduler believes %.1f %%", r.Mid(harness.Touched))
			}
			f.rows = append(f.rows, rw)
		}
		if n := nodes[g.Topo]; n > 1 {
			f.marks = append(f.marks, guide{at: 100 / float64(n), line: dashed(ink, 0.8), first: first, rows: len(f.rows) - first})
		}
	}
	if !counted {
		return nil
	}
	label, caption := "bar: tasks that ran on their home node", "Share of tasks that ran on their home node, medians with 95 % intervals. "
	if byKernel {
		label = "bar: visits to pages on the CPU's node, as the kernel says · ring: as the scheduler believes"
		caption = "Share of visits to pages that lay on the node of the CPU that used them, as the kernel says: medians with 95 % intervals. " +
			"The ring is the share that the scheduler believes to be local. The two differ where its map of the machine is wrong. "
	}
	if f.marks != nil {
		label += " · dashed: chance"
	}
	f.panels = []panel{{percent(), label}}
	return &Figure{
		Name:    "locality",
		Title:   found.local(is, value),
		Subject: "Locality",
		Caption: caption + "The dashed line is the share that chance gives: one divided by the number of nodes. On a machine with one node everything is local.",
		height:  f.height(),
		draw:    func(c draw.Canvas) { f.draw(c, 0, 0) },
	}
}

func steals(groups []harness.Group, ls looks, m *harness.Meta) *Figure {
	var f forest
	var totals []float64
	for _, g := range groups {
		for _, r := range g.Rows {
			totals = append(totals, 1000*(r.Mid(harness.StealsNear)+r.Mid(harness.StealsFar)))
		}
	}
	totals = finite(totals)
	if len(totals) == 0 {
		return nil
	}
	// Workloads may differ by orders of magnitude in how much they steal. Then the
	// two kinds are dots on a log scale. Stacked bars would be wrong there: lengths
	// on a log scale do not add up.
	lo, hi, _ := bounds(positive(totals))
	linear := !(hi > 20*lo)
	if linear {
		f.panels = []panel{{fromZero(totals, siTick), "steals per 1000 units of work · dark: from the same node · light: from other nodes"}}
	} else {
		var all []float64
		for _, g := range groups {
			for _, r := range g.Rows {
				all = append(all, 1000*r.Mid(harness.StealsNear), 1000*r.Mid(harness.StealsFar))
			}
		}
		f.panels = []panel{{decades(all, siTick), "steals per 1000 units of work, log scale · dot: from the same node · ring: from other nodes"}}
	}
	rowOf := func(g *harness.Group, r *harness.Row, text string) row {
		nan := math.NaN()
		rw := row{arm: r.Arm, name: r.Arm, color: ls[r.Arm].color, lo: nan, hi: nan, text: "not counted"}
		local, remote := 1000*r.Mid(harness.StealsNear), 1000*r.Mid(harness.StealsFar)
		if !math.IsNaN(local + remote) {
			rw.text = fmt.Sprintf(text, harness.FormatNumber(local), harness.FormatNumber(remote))
			rw.tip = tipOf(g, r.Arm, fmt.Sprintf("%s steals from the same node and %s from others, per 1000 %s",
				harness.FormatNumber(local), harness.FormatNumber(remote), plural(g.Unit)))
			if linear {
				rw.bars = []bar{{0, local, rw.color}, {local, local + remote, tint(rw.color, 0.45)}}
			} else {
				for _, d := range []dot{{local, solid}, {remote, hollow}} {
					if d.at > 0 { // 0 has no place on a log scale; the text says it
						rw.dots = append(rw.dots, d)
					}
				}
			}
		}
		return rw
	}
	found := newFinder(groups, m)
	fig := &Figure{
		Name:    "steals",
		Title:   found.thefts(),
		Subject: "Steals per 1000 units of work",
		Caption: "Steals per 1000 units of work, medians: from a P of the same node, and from a P of another node.",
	}
	narrow := panel{axis: f.panels[0].axis}
	if gr := newGrid(groups, narrow, nil, func(g *harness.Group, r *harness.Row) row { return rowOf(g, r, "%s, %s") }); gr != nil && exact(groups) {
		how := strings.SplitAfterN(f.panels[0].label, " · ", 2)[1]
		fig.Subject += ", log scale · " + how
		fig.Caption = "Steals per 1000 units of work: from a P of the same node, then from a P of another node. All machines have the same axis. " + how + "."
		fig.height, fig.draw = gr.height(), gr.draw
		return fig
	}
	for i := range groups {
		g := &groups[i]
		f.rows = append(f.rows, row{heading: true, name: harness.ShortTitle(groups, g)})
		for j := range g.Rows {
			f.rows = append(f.rows, rowOf(g, &g.Rows[j], "%s local, %s remote"))
		}
	}
	fig.height = f.height()
	fig.draw = func(c draw.Canvas) { f.draw(c, 0, 0) }
	return fig
}

func throughputOf(g *harness.Group) (axisFor func([]float64) axis, label string, value func(*harness.Row) benchmath.Summary) {
	return func(vs []float64) axis { return fromZero(vs, siTick) }, plural(g.Unit) + " per second",
		func(r *harness.Row) benchmath.Summary { return r.Throughput }
}

func localityOf(g *harness.Group) (axisFor func([]float64) axis, label string, value func(*harness.Row) benchmath.Summary) {
	return func([]float64) axis { return percent() }, "tasks on their home node",
		func(r *harness.Row) benchmath.Summary { return r.Of(harness.Local) }
}

// scaling draws a value against the number of Ps, for workloads that were run
// with more than one.
func scaling(name, subject string, groups []harness.Group, nodes map[string]int, ls looks, m *harness.Meta,
	what func(*harness.Group) (func([]float64) axis, string, func(*harness.Row) benchmath.Summary)) *Figure {

	var anyProcs []harness.Group // as if all had the same, for titles
	for _, g := range groups {
		g.Procs = 0
		anyProcs = append(anyProcs, g)
	}
	var charts []*chart
	var arms []string
	var seen []harness.Cell
	for i := range groups {
		key := groups[i].Cell
		key.Procs = 0
		if slices.Contains(seen, key) {
			continue
		}
		seen = append(seen, key)
		axisFor, label, value := what(&groups[i])
		ch := &chart{title: harness.ShortTitle(anyProcs, &anyProcs[i]), ylabel: label, ends: true, workload: key.Workload}
		var ps []int
		var values []float64
		lines := map[string][]point{}
		for j := range groups {
			g := &groups[j]
			other := g.Cell
			other.Procs = 0
			if other != key {
				continue
			}
			any := false
			for k := range g.Rows {
				s := value(&g.Rows[k])
				if math.IsNaN(s.Center) {
					continue
				}
				any = true
				arm := g.Rows[k].Arm
				if !slices.Contains(arms, arm) {
					arms = append(arms, arm)
				}
				lines[arm] = append(lines[arm], point{float64(g.Procs), s.Center, s.Lo, s.Hi})
				values = append(values, s.Center, s.Lo, s.Hi)
			}
			if any {
				ps = append(ps, g.Procs)
			}
		}
		if len(ps) < 2 {
			continue
		}
		slices.Sort(ps)
		ch.x, ch.y = processors(ps), axisFor(values)
		if name == "scaling" {
			ch.addIdeal(lines[groups[i].Baseline], ps)
		} else if n := nodes[key.Topo]; n > 1 {
			ch.addChance(n, ps)
		}
		for _, arm := range arms {
			if pts := lines[arm]; pts != nil {
				slices.SortFunc(pts, func(a, b point) int { return int(a.x) - int(b.x) })
				ch.lines = append(ch.lines, line{name: arm, look: ls[arm], points: pts})
			}
		}
		charts = append(charts, ch)
	}
	if len(charts) == 0 {
		return nil
	}
	found := newFinder(AtMostPs(groups), m)
	f := sideBySide(charts, arms, ls)
	f.Name, f.Subject, f.Title = name, subject, found.speed("With the most Ps, ")
	if name != "scaling" {
		f.Title = found.local("Tasks on their home node, with the most Ps", func(r *harness.Row) benchmath.Summary { return r.Of(harness.Local) })
	}
	f.Caption = "Medians with 95 % intervals. The dashed line is " + dashedLine[name] + "."
	return f
}

var dashedLine = map[string]string{
	"scaling":          "ideal scaling: the baseline's throughput on the fewest Ps, times the number of Ps",
	"locality-scaling": "the share that chance gives: one divided by the number of nodes",
}

// si formats with an SI prefix: "24.4M".
func si(v float64) string { return strings.TrimSuffix(harness.FormatRate(v), "/s") }

// siTick is si for numbers that are round.
func siTick(v float64) string {
	for _, p := range []struct {
		unit   float64
		suffix string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if math.Abs(v) >= p.unit {
			return fmt.Sprintf("%.4g%s", v/p.unit, p.suffix)
		}
	}
	return fmt.Sprintf("%.4g", v)
}

func plural(unit string) string {
	if strings.HasSuffix(unit, "s") {
		return unit
	}
	return unit + "s"
}
