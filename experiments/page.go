package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"numasched/experiments/findings"
	"numasched/experiments/harness"
	"numasched/experiments/plot"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

//go:embed page.js
var pageScript string

// pageFigure is a figure in the page.
type pageFigure struct {
	Name, Title, Subject, Caption string
	File                          string // that holds it as well, or ""
	SVG                           template.HTML
	Open                          bool // not folded
}

// drawn turns a figure into one of the page.
func drawn(f *plot.Figure) (pageFigure, error) {
	var b strings.Builder
	err := f.WriteSVG(&b)
	// The SVG is safe: plot escapes the text that comes from results.
	return pageFigure{Name: f.Name, Title: f.Heading(), Subject: f.Subject, Caption: f.Caption, SVG: template.HTML(b.String())}, err
}

// A matrix is the verdicts at a glance: arms are rows, workloads columns.
type matrix struct {
	Title, Legend string
	Head          []string
	Rows          []matrixRow
}

type matrixRow struct {
	Arm   string
	Cells []matrixCell
}

type matrixCell struct{ Class, Text string }

// A sibling is the other report of a reproduction.
type sibling struct{ Href, Text string }

// simulatedDir is where scripts/reproduce.sh puts the simulated runs: a folder in
// that of the run on this machine.
const simulatedDir = "simulated"

// siblingOf returns the other report of the reproduction that dir belongs to, or
// nil if there is none.
func siblingOf(dir string) *sibling {
	isRun := func(dir string) bool {
		_, err := os.Stat(filepath.Join(dir, harness.MetaFile))
		return err == nil
	}
	if isRun(filepath.Join(dir, simulatedDir)) {
		return &sibling{simulatedDir + "/" + harness.ReportFile, "The same reproduction, on simulated machines"}
	}
	if full, err := filepath.Abs(dir); err == nil && filepath.Base(full) == simulatedDir && isRun(filepath.Dir(full)) {
		return &sibling{"../" + harness.ReportFile, "The same reproduction, on the machine that ran it"}
	}
	return nil
}

// verdictMatrix returns the verdicts of a run, or nil where there is nothing to compare.
func verdictMatrix(groups []harness.Group, m *harness.Meta) *matrix {
	if len(groups) == 0 {
		return nil
	}
	which := "all machines and numbers of Ps of the run"
	if m.Place == harness.Simulated {
		groups, which = plot.AtMostPs(groups), "all machines, each with the most Ps"
	}
	timed := m.Place.HasSpeed()
	for _, t := range m.Topologies {
		timed = timed && (!t.Pretended || m.Place == harness.Simulated)
	}
	mx := &matrix{}
	rows := map[string][][]harness.Row{} // by arm and workload
	var arms []string
	for i := range groups {
		g := &groups[i]
		w := slices.Index(mx.Head, g.Workload)
		if w < 0 {
			w = len(mx.Head)
			mx.Head = append(mx.Head, g.Workload)
		}
		for _, r := range g.Rows {
			if timed && r.Speedup == nil {
				continue
			}
			if rows[r.Arm] == nil {
				arms = append(arms, r.Arm)
			}
			for len(rows[r.Arm]) <= w {
				rows[r.Arm] = append(rows[r.Arm], nil)
			}
			rows[r.Arm][w] = append(rows[r.Arm][w], r)
		}
	}
	for _, arm := range arms {
		row := matrixRow{Arm: arm}
		for w := range mx.Head {
			var of []harness.Row
			if w < len(rows[arm]) {
				of = rows[arm][w]
			}
			if timed {
				row.Cells = append(row.Cells, speedCell(of))
			} else {
				row.Cells = append(row.Cells, localCell(of))
			}
		}
		mx.Rows = append(mx.Rows, row)
	}
	if len(mx.Rows) == 0 {
		return nil
	}
	if mx.Title = "Locality: share of what is local"; timed {
		mx.Title = "Speed over " + groups[0].Baseline
		mx.Legend = "▲ faster, ▼ slower, = no difference shown, ? undecided or not the same everywhere. A range is over " + which + "."
	}
	return mx
}

// speedCell sums up the speed-ups of an arm on one workload.
func speedCell(rows []harness.Row) matrixCell {
	if len(rows) == 0 {
		return matrixCell{Text: "-"}
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	found := rows[0].Speedup.Finding()
	for _, r := range rows {
		lo, hi = min(lo, r.Speedup.Center), max(hi, r.Speedup.Center)
		if r.Speedup.Finding() != found {
			found = harness.Undecided
		}
	}
	text := harness.FormatRatio(lo)
	if h := harness.FormatRatio(hi); h != text {
		text += " to " + h
	}
	sign := map[harness.Finding]string{harness.Faster: "▲", harness.Slower: "▼", harness.NoDifference: "=", harness.Undecided: "?"}[found]
	return matrixCell{strings.ReplaceAll(found.String(), " ", "-"), sign + " " + text}
}

// localCell sums up the locality of an arm on one workload, by the best count there is.
func localCell(rows []harness.Row) matrixCell {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, r := range rows {
		for _, v := range []float64{r.Mid(harness.Pages), r.Mid(harness.Touched), r.Mid(harness.Local)} {
			if !math.IsNaN(v) {
				lo, hi = min(lo, v), max(hi, v)
				break
			}
		}
	}
	if lo > hi {
		return matrixCell{Text: "-"}
	}
	if a, b := fmt.Sprintf("%.1f", lo), fmt.Sprintf("%.1f", hi); a != b {
		return matrixCell{Text: a + " to " + b + " %"}
	}
	return matrixCell{Text: fmt.Sprintf("%.1f %%", lo)}
}

// A shelf is the tables of one topology, folded under its title. Without a title they are
// not.
type shelf struct {
	Title  string
	Tables []harness.Table
}

// shelves puts many tables of several topologies on a shelf for each. Tables are those of
// groups, in the same order.
func shelves(groups []harness.Group, tables []harness.Table) (all []shelf) {
	const few = 12
	for i, g := range groups {
		at := slices.IndexFunc(all, func(s shelf) bool { return s.Title == g.Topo })
		if at < 0 {
			at = len(all)
			all = append(all, shelf{Title: g.Topo})
		}
		all[at].Tables = append(all[at].Tables, tables[i])
	}
	if len(all) < 2 || len(tables) <= few {
		return []shelf{{Tables: tables}}
	}
	return all
}

// page writes the report as one file that needs no others.
func page(w io.Writer, res *harness.Results, figures []plot.Figure) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"join":  strings.Join,
		"count": harness.Count,
		"gib":   func(b int64) string { return fmt.Sprintf("%.1f GiB", float64(b)/(1<<30)) },
		"byArm": func(t harness.Table) bool { return t.Head[0] == "arm" },
	}).Parse(pageText)
	if err != nil {
		return err
	}
	m := &res.Meta
	groups := res.Groups()
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	data := struct {
		Meta               *harness.Meta
		Style, Dark        template.CSS
		Script             template.JS
		Label, Finding     string
		OneNode            string
		Lead               *pageFigure
		Matrix             *matrix
		Arms               []string
		Legend             []string
		Claims             []harness.Table
		Verdicts           []string
		Notes              []string
		Tables             []shelf
		Timelines, Figures []pageFigure
		Raw                string
		Sibling            *sibling
	}{
		Meta: m, Style: template.CSS(pageStyle), Dark: template.CSS(plot.DarkCSS()), Script: template.JS(pageScript),
		Label: m.Label(), OneNode: plot.OneNode(res), Matrix: verdictMatrix(groups, m), Arms: res.Arms(),
		Legend: harness.Legend(groups, m), Verdicts: harness.Verdicts(groups, m), Notes: m.Notes(), Tables: shelves(groups, harness.Tables(groups, m)),
		Raw: string(raw), Sibling: siblingOf(res.Dir),
	}
	if m.Place == harness.Simulated {
		data.Claims, data.Verdicts = findings.Of(res)
	}
	finding, lead := plot.Lead(res)
	data.Finding = strings.ReplaceAll(finding, " %", "\u00a0%")
	if lead != nil {
		f, err := drawn(lead)
		if err != nil {
			return err
		}
		data.Lead = &f
	}
	lines, err := timelines(res)
	if err != nil {
		return err
	}
	for i := range lines {
		f, err := drawn(&lines[i])
		if err != nil {
			return err
		}
		f.Open = true
		data.Timelines = append(data.Timelines, f)
	}
	for i := range figures {
		f, err := drawn(&figures[i])
		if err != nil {
			return err
		}
		f.File, f.Open = f.Name+".svg", i == 0
		data.Figures = append(data.Figures, f)
	}
	return t.Execute(w, data)
}
