package harness

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/perf/benchmath"
	"golang.org/x/perf/benchunit"
)

// A column is one number that a table shows for every row.
type column struct {
	head, doc string
	cell      func(r *Row) string
}

// Tables returns a table for each group of the run of m. Times are left out if they
// mean nothing in that place. On a machine with one node, the columns that could
// show nothing but 100 % are left out.
func Tables(groups []Group, m *Meta) []Table {
	var ts []Table
	for i := range groups {
		ts = append(ts, groupTable(&groups[i], m))
	}
	return ts
}

// Title names what a group's rows have in common.
func (g *Group) Title() string {
	parts := []string{g.Workload}
	if g.Params != "" {
		parts = append(parts, strings.ReplaceAll(g.Params, "/", " "))
	}
	return strings.Join(append(parts, fmt.Sprintf("P=%d", g.Procs), g.Topo), " · ")
}

func groupTable(g *Group, m *Meta) Table {
	columns := []column{{"arm", "", func(r *Row) string { return r.Arm }}}
	t := Table{Title: g.Title()}
	if m.Place.HasSpeed() {
		columns = append(columns, g.speed()...)
		if !exact(g) {
			t.Break = len(columns)
		}
	}
	columns = append(columns, g.countedColumns(m)...)
	if !m.Place.HasSpeed() {
		columns = append(columns, repetitions)
	}
	for _, c := range columns {
		t.Head = append(t.Head, c.head)
	}
	for i := range g.Rows {
		var cells []string
		for _, c := range columns {
			cells = append(cells, c.cell(&g.Rows[i]))
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

func exact(g *Group) bool {
	return !slices.ContainsFunc(g.Rows, func(r Row) bool { return !r.Exact })
}

// repetitions is the column of how many there are.
var repetitions = column{"n", "", func(r *Row) string { return fmt.Sprint(r.N) }}

func (g *Group) speed() []column {
	perUnit := column{"ns/" + g.Unit, "", func(r *Row) string { return FormatNumber(r.NsPerUnit.Center) }}
	rate := column{many(g.Unit) + "/s", "", func(r *Row) string { return scale(r.Throughput.Center) }}
	over := column{g.overHead(), "", func(r *Row) string { return g.over(r) }}
	if exact(g) { // nothing to be unsure of
		return []column{perUnit, rate, over}
	}
	ofSpeedup := func(head string, show func(*Speedup) string) column {
		return column{head, "", func(r *Row) string {
			if r.Speedup == nil {
				return ""
			}
			return show(r.Speedup)
		}}
	}
	return []column{
		perUnit, rate,
		{"interval", "", func(r *Row) string { return interval(r.Throughput, scale) }},
		over,
		ofSpeedup("interval", func(s *Speedup) string { return interval(s.Summary, formatRatio) }),
		ofSpeedup("p", func(s *Speedup) string { return formatP(s.P) }),
		repetitions,
	}
}

// JudgedBy is what arms are compared by: the time for a unit of work or, where arrivals
// decide how long that is, the latency that 99 % do not exceed.
func (g *Group) JudgedBy() *Metric {
	if g.Open() && slices.ContainsFunc(g.Rows, func(r Row) bool { return r.Mid(P99) > 0 }) {
		return P99
	}
	return Time
}

// overHead says what the ratios to the baseline are of.
func (g *Group) overHead() string {
	if m := g.JudgedBy(); m != Time {
		return m.Name + " over " + g.Baseline
	}
	return "over " + g.Baseline
}

// over is an arm's speed-up, and 1 for the arm that it is over.
func (g *Group) over(r *Row) string {
	switch {
	case r.Speedup != nil:
		return FormatRatio(r.Speedup.Center)
	case r.Arm == g.Baseline:
		return "1"
	}
	return ""
}

// many is the plural of a unit of work.
func many(unit string) string {
	if strings.HasSuffix(unit, "s") {
		return unit
	}
	return unit + "s"
}

// Legend explains the columns of Tables, in paragraphs that are not wrapped.
func Legend(groups []Group, m *Meta) []string {
	if len(groups) == 0 {
		return nil
	}
	baseline := groups[0].Baseline
	var lines []string
	switch {
	case m.Place == Simulated:
		lines = append(lines, "Simulated, exact: every run gives the same numbers. Times are virtual. over "+baseline+": throughput over that of "+baseline+".")
	case m.Place.HasSpeed():
		lines = append(lines, fmt.Sprintf(
			"Medians with intervals of at least %.0f %%. over %s: median of the ratios of neighbouring repetitions. p: two-sided Mann-Whitney U test, not corrected for the number of comparisons. undecided: the test and the interval do not agree at 5 %%. n: repetitions.",
			100*Confidence, baseline))
	}
	if m.Place.HasSpeed() && slices.ContainsFunc(groups, func(g Group) bool { return g.overHead() != "over "+baseline }) {
		lines = append(lines, fmt.Sprintf("%s over %s: the %s of %s over that of the arm, so that more is better. Arrivals decide how long a run takes.", P99.Name, baseline, P99.Name, baseline))
	}
	var heads, docs []string
	oneNode := false
	for i := range groups {
		oneNode = oneNode || m.oneNode(groups[i].Topo)
		for _, c := range groups[i].countedColumns(m) {
			if !slices.Contains(heads, c.head) {
				heads = append(heads, c.head)
				docs = append(docs, c.head+": "+strings.ReplaceAll(c.doc, "`", "")+".")
			}
		}
	}
	if docs != nil {
		lines = append(lines, strings.Join(docs, " "))
	}
	if oneNode && m.Place != Simulated {
		lines = append(lines, "On a machine with one node every task is local and every M is on its node. There are no columns for that.")
	}
	return lines
}

// oneNode reports whether the topology of that label is known to have one node.
func (m *Meta) oneNode(label string) bool {
	return slices.ContainsFunc(m.Topologies, func(t TopoMeta) bool { return t.Label == label && t.NodesWithCPUs == 1 })
}

// ShortTitle names a group by its workload and sizes. It adds the number of Ps and
// the topology only if these differ among groups.
func ShortTitle(groups []Group, g *Group) string {
	parts := []string{g.Workload}
	if g.Params != "" {
		parts = append(parts, strings.ReplaceAll(g.Params, "/", " "))
	}
	var procs, topo bool
	for i := range groups {
		procs = procs || groups[i].Procs != g.Procs
		topo = topo || groups[i].Topo != g.Topo
	}
	if procs {
		parts = append(parts, fmt.Sprintf("P=%d", g.Procs))
	}
	if topo {
		parts = append(parts, g.Topo)
	}
	return strings.Join(parts, " · ")
}

// FormatRate formats a number per second: "24.4M/s".
func FormatRate(v float64) string { return scale(v) + "/s" }

func scale(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "?"
	}
	return benchunit.Scale(v, benchunit.Decimal)
}

// FormatRatio formats a speed-up: "1.03x", "0.041x".
func FormatRatio(v float64) string {
	if s := formatRatio(v); s != "?" {
		return s + "x"
	}
	return "?"
}

func formatRatio(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "?"
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 0.1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.2g", v)
}

// FormatNumber formats with three digits: "49.4", "1230", "0.0012".
func FormatNumber(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "?"
	case a == 0:
		return "0"
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// FormatPercent formats a percentage: "97 %", or "-" where it is not known.
func FormatPercent(v float64) string {
	switch {
	case math.IsNaN(v):
		return "-"
	case v > 0 && v < 10 || v > 99 && v < 100:
		return fmt.Sprintf("%.1f %%", v)
	}
	return fmt.Sprintf("%.0f %%", v)
}

// FormatOnNode formats the share of samples on the right node, which should
// stay above 99.9 %. It rounds down, so that 100 % means all samples.
func FormatOnNode(v float64) string { return fmt.Sprintf("%.2f %%", math.Floor(v*100)/100) }

// FormatP formats a p-value: "p=0.002", "p<0.001".
func FormatP(p float64) string {
	if s := formatP(p); s[0] == '<' {
		return "p" + s
	}
	return "p=" + formatP(p)
}

func formatP(p float64) string {
	if p < 0.001 {
		return "<0.001"
	}
	return fmt.Sprintf("%.3f", p)
}

// interval formats the bounds of s, or says that there are none.
func interval(s benchmath.Summary, format func(float64) string) string {
	if math.IsNaN(s.Lo) || math.IsInf(s.Lo, 0) || math.IsInf(s.Hi, 0) {
		return "too few"
	}
	return format(s.Lo) + ".." + format(s.Hi)
}
