// Package page makes the report of a run, as one HTML file that needs no others. It is a
// function of the results, and of the traces that lie beside them: the same results give
// the same bytes. One part is not: simulated results without a trace have a timeline that
// this program simulates anew, and its caption says so.
package page

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"numasched/experiments/claims"
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

// drawn turns a figure into one of the page. write is how its SVG is written.
func drawn(f *plot.Figure, write func(*plot.Figure, io.Writer) error) (pageFigure, error) {
	var b strings.Builder
	err := write(f, &b)
	// The SVG is safe: plot escapes the text that comes from results.
	return pageFigure{Name: f.Name, Title: f.Heading(), Subject: f.Subject, Caption: f.Caption, SVG: template.HTML(b.String())}, err
}

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

// A note is one of the run's, with a link to what it speaks of, or "".
type note struct{ Text, Href string }

// notes returns the notes of a run. What they find in the report is a link here.
func notes(m *harness.Meta) (all []note) {
	for _, text := range m.Notes() {
		n := note{Text: text}
		if short, ok := strings.CutSuffix(text, harness.ReportLists); ok {
			for _, t := range m.Topologies {
				if strings.HasPrefix(text, t.Label+": ") {
					n = note{short + ".", "#assumed-" + t.Label}
				}
			}
		}
		all = append(all, n)
	}
	return all
}

// Write writes the report of a run with its figures.
func Write(w io.Writer, res *harness.Results, figures []plot.Figure) error {
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
		OneNode, OneSeed   string
		Lead               *pageFigure
		Matrix             *matrix
		Arms               []string
		Legend             []string
		Claims             []harness.Table
		Verdicts           []string
		Notes              []note
		Tables             []shelf
		Timelines, Figures []pageFigure
		Raw                string
		Sibling            *sibling
	}{
		Meta: m, Style: template.CSS(pageStyle), Dark: template.CSS(plot.DarkCSS()), Script: template.JS(pageScript),
		Label: m.Label(), OneNode: plot.OneNode(res), Matrix: verdictMatrix(groups, m), Arms: res.Arms(),
		Legend: harness.Legend(groups, m), Verdicts: harness.Verdicts(groups, m), Notes: notes(m), Tables: shelves(groups, harness.Tables(groups, m)),
		Raw: string(raw), Sibling: siblingOf(res.Dir),
	}
	var claimed *claims.Report
	if m.Place == harness.Simulated {
		data.Claims, data.Verdicts = findings.Of(res)
		if claimed, _ = findings.Claims(res); claimed != nil { // an error stands in the verdicts
			data.Matrix = claimMatrix(claimed)
			data.OneSeed = fmt.Sprintf("Claims are over %s and other values of the assumed constants. All other tables and figures are of one seed, with the constants as they are.", harness.Count(claimed.Seeds(), "seed", "seeds"))
		}
	}
	finding, lead := plot.Lead(res, claimed)
	data.Finding = strings.ReplaceAll(finding, " %", "\u00a0%")
	if lead != nil {
		f, err := drawn(lead, (*plot.Figure).WriteSVG)
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
		f, err := drawn(&lines[i], (*plot.Figure).WriteUntitled)
		if err != nil {
			return err
		}
		f.Open = true
		data.Timelines = append(data.Timelines, f)
	}
	for i := range figures {
		f, err := drawn(&figures[i], (*plot.Figure).WriteUntitled)
		if err != nil {
			return err
		}
		f.File, f.Open = f.Name+".svg", i == 0
		data.Figures = append(data.Figures, f)
	}
	return t.Execute(w, data)
}
