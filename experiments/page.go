package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strings"

	"numasched/experiments/findings"
	"numasched/experiments/harness"
	"numasched/experiments/plot"
)

//go:embed page.html
var pageText string

// pageFigure is a figure in the page.
type pageFigure struct {
	Name, Title, Caption string
	SVG                  template.HTML
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

// page writes the report as one file that needs no others.
func page(w io.Writer, res *harness.Results, figures []plot.Figure) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"join":  strings.Join,
		"count": harness.Count,
		"gib":   func(b int64) string { return fmt.Sprintf("%.1f GiB", float64(b)/(1<<30)) },
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
	verdicts, tables := harness.Verdicts(groups, m), harness.Tables(groups, m)
	if m.Place == harness.Simulated {
		var first []harness.Table
		first, verdicts = findings.Of(res)
		tables = append(first, tables...)
	}
	data := struct {
		Meta     *harness.Meta
		Label    string
		Legend   []string
		Verdicts []string
		Notes    []string
		Tables   []harness.Table
		Figures  []pageFigure
		Raw      string
		Sibling  *sibling
	}{m, m.Label(), harness.Legend(groups, m), verdicts, m.Notes(), tables, nil, string(raw), siblingOf(res.Dir)}
	for i := range figures {
		f := &figures[i]
		var b strings.Builder
		if err := f.WriteSVG(&b); err != nil {
			return err
		}
		// The SVG is safe: plot escapes the text that comes from results.
		_, svg, _ := strings.Cut(b.String(), "<svg")
		data.Figures = append(data.Figures, pageFigure{f.Name, f.Title, f.Caption, template.HTML("<svg" + svg)})
	}
	return t.Execute(w, data)
}
