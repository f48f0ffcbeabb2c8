package harness

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/perf/benchmath"
	"golang.org/x/perf/benchunit"
)

// A Table is a group's rows as text, for a terminal, a page and a paper alike.
type Table struct {
	Title string // "fib · n=27 · P=2 · 1n1l2c1t"
	Head  []string
	Rows  [][]string
}

// Tables renders groups. Times from a place that has no speed are left out.
func Tables(groups []Group, place Place) []Table {
	var ts []Table
	for i := range groups {
		ts = append(ts, groupTable(&groups[i], place))
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

func groupTable(g *Group, place Place) Table {
	if !slices.ContainsFunc(g.Rows, func(r Row) bool { return !r.Exact }) {
		return exactTable(g)
	}
	t := Table{Title: g.Title(), Head: []string{"arm"}}
	if place.HasSpeed() {
		t.Head = append(t.Head, "ns/"+g.Unit, "throughput", "interval", "over "+Baseline, "interval", "p")
	}
	t.Head = append(t.Head, "local")
	touched := slices.ContainsFunc(g.Rows, func(r Row) bool { return !math.IsNaN(r.Touched.Center) })
	pages := slices.ContainsFunc(g.Rows, func(r Row) bool { return !math.IsNaN(r.Pages.Center) })
	if touched {
		t.Head = append(t.Head, "touched")
	}
	if pages {
		t.Head = append(t.Head, "pages")
	}
	t.Head = append(t.Head, "steals local/remote", "bound", "others", "n")
	for i := range g.Rows {
		r := &g.Rows[i]
		cells := []string{r.Arm}
		if place.HasSpeed() {
			cells = append(cells, FormatNumber(r.NsPerUnit.Center), FormatRate(r.Throughput.Center), interval(r.Throughput, FormatRate))
			switch s := r.Speedup; {
			case s != nil:
				cells = append(cells, FormatRatio(s.Center), interval(s.Summary, FormatRatio), FormatP(s.P))
			case r.Arm == Baseline:
				cells = append(cells, "1", "", "")
			default:
				cells = append(cells, "", "", "")
			}
		}
		steals := "not counted"
		if !math.IsNaN(r.StealsLocal) {
			steals = FormatNumber(1000*r.StealsLocal) + " / " + FormatNumber(1000*r.StealsRemote)
		}
		bound := "-"
		if r.Samples > 0 {
			bound = FormatBound(r.Bound)
		}
		cells = append(cells, FormatPercent(r.Local.Center))
		if touched {
			cells = append(cells, FormatPercent(r.Touched.Center))
		}
		if pages {
			cells = append(cells, FormatPercent(r.Pages.Center))
		}
		t.Rows = append(t.Rows, append(cells, steals, bound, FormatPercent(r.Other), fmt.Sprint(r.N)))
	}
	return t
}

// Legend explains the columns of Tables.
func Legend(place Place) []string {
	if place == Simulated {
		return exactLegend()
	}
	lines := []string{
		"local: tasks that ran on their home node (one that never blocks is at home where it runs).  touched: visits to pages from their home node, by the scheduler's books.  pages: the same by the kernel's (move_pages, getcpu), sampled.",
		"steals: per 1000 units of work, from Ps of the same node / of other nodes.",
		"bound: samples in which an M was on a CPU of its P's node.  others: CPU time that other processes took, worst repetition.  n: repetitions.",
	}
	if place.HasSpeed() {
		lines = append([]string{fmt.Sprintf(
			"Medians with intervals at %.0f %% or above; over %s: median of the ratios of neighbouring repetitions; p: Mann-Whitney U test, two-sided, not corrected for the number of comparisons.  undecided: these two do not agree at 5 %%.",
			100*Confidence, Baseline)}, lines...)
	}
	return lines
}

// ShortTitle names a group by its workload and sizes, and by what else
// distinguishes it among groups.
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

// Print writes t with aligned columns: text to the left, numbers to the right.
func (t *Table) Print(w io.Writer) {
	width := make([]int, len(t.Head))
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		for i, s := range row {
			width[i] = max(width[i], utf8.RuneCountInString(s))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", t.Title)
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		var l strings.Builder
		for i, s := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(s))
			if i == 0 {
				l.WriteString("  " + s + pad)
			} else {
				l.WriteString("  " + pad + s)
			}
		}
		b.WriteString(strings.TrimRight(l.String(), " ") + "\n")
	}
	io.WriteString(w, b.String())
}

// TeX writes t as a LaTeX tabular under its title, with nothing that plain
// LaTeX lacks.
func (t *Table) TeX(w io.Writer) {
	row := func(cells []string) string {
		var escaped []string
		for _, c := range cells {
			escaped = append(escaped, escapeTeX(c))
		}
		return strings.Join(escaped, " & ") + " \\\\\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\\noindent\\textbf{%s}\\\\[2pt]\n\\begin{tabular}{l%s}\n\\hline\n", escapeTeX(t.Title), strings.Repeat("r", len(t.Head)-1))
	b.WriteString(row(t.Head) + "\\hline\n")
	for _, r := range t.Rows {
		b.WriteString(row(r))
	}
	b.WriteString("\\hline\n\\end{tabular}\n\n\\medskip\n")
	io.WriteString(w, b.String())
}

func escapeTeX(s string) string {
	return strings.NewReplacer(`\`, `\textbackslash{}`, "%", `\%`, "_", `\_`, "&", `\&`, "#", `\#`, "$", `\$`, "{", `\{`, "}", `\}`,
		"<", "$<$", ">", "$>$", " .. ", "--", "·", `$\cdot$`, "±", `$\pm$`, "µ", `$\mu$`).Replace(s)
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
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "?"
	case v >= 100:
		return fmt.Sprintf("%.0fx", v)
	case v >= 10:
		return fmt.Sprintf("%.1fx", v)
	case v >= 0.1:
		return fmt.Sprintf("%.2fx", v)
	}
	return fmt.Sprintf("%.2gx", v)
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

// FormatBound formats the share of samples on the right node, which is judged
// against 99.9 %. It rounds down, so that 100 % means all.
func FormatBound(v float64) string { return fmt.Sprintf("%.2f %%", math.Floor(v*100)/100) }

// FormatP formats a p-value: "p=0.002", "p<0.001".
func FormatP(p float64) string {
	if p < 0.001 {
		return "p<0.001"
	}
	return fmt.Sprintf("p=%.3f", p)
}

// interval formats the bounds of s, or says that there are none.
func interval(s benchmath.Summary, format func(float64) string) string {
	if math.IsNaN(s.Lo) || math.IsInf(s.Lo, 0) || math.IsInf(s.Hi, 0) {
		return "too few"
	}
	return format(s.Lo) + " .. " + format(s.Hi)
}
