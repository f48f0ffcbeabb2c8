package beside

import (
	_ "embed"
	"html/template"
	"io"
	"path/filepath"

	"numasched/experiments/harness"
)

//go:embed page.html
var pageText string

// WriteHTML writes the page as one file that needs no others. Its links go to the two
// result directories, which lie beside it.
func (p *Page) WriteHTML(w io.Writer, predicted, measured string) error {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return err
	}
	m := &p.Measured.Meta
	return t.Execute(w, struct {
		CPU                 string
		CPUs, Nodes         string
		Near                float64
		Label               string
		Lines, Notes        []string
		Table               harness.Table
		Predicted, Measured string
	}{m.Machine.CPU.Model, harness.Count(m.Machine.CPUs, "CPU", "CPUs"), harness.Count(p.Nodes, "NUMA node", "NUMA nodes"), 100 * Near, m.Label(), p.Lines(), m.Notes(), p.Table(), predicted, measured})
}

// WritePage writes the page into a file, with links to the directories of both results.
func (p *Page) WritePage(file, predicted, measured string) error {
	links := []string{predicted, measured}
	for i, dir := range links { // as seen from the page
		if rel, err := filepath.Rel(filepath.Dir(file), dir); err == nil {
			links[i] = filepath.ToSlash(rel)
		}
	}
	return harness.WriteFile(file, func(w io.Writer) error { return p.WriteHTML(w, links[0], links[1]) })
}
