package main

import (
	"bytes"
	"embed"
	"fmt"
	"regexp"
	"strings"
	"text/template"

	"numasched/experiments/harness"
)

//go:embed blocks/*.md
var blocks embed.FS

// begin matches the first line of a block. Its last line is "<!-- end NAME -->".
var begin = regexp.MustCompile(`(?m)^<!-- begin ([a-z-]+): from scripts/docs/blocks/([a-z-]+)\.md -->\n`)

// fill returns text with every block filled in. name is of the document, for
// errors.
func (b *book) fill(name string, text []byte) ([]byte, error) {
	var out bytes.Buffer
	for {
		at := begin.FindSubmatchIndex(text)
		if at == nil {
			if i := bytes.Index(text, []byte("<!-- begin")); i >= 0 {
				line, _, _ := bytes.Cut(text[i:], []byte("\n"))
				return nil, fmt.Errorf("%s: %q: want <!-- begin NAME: from scripts/docs/blocks/NAME.md -->", name, line)
			}
			out.Write(text)
			return out.Bytes(), nil
		}
		block, file := string(text[at[2]:at[3]]), string(text[at[4]:at[5]])
		if block != file {
			return nil, fmt.Errorf("%s: block %s is said to come from %s.md", name, block, file)
		}
		out.Write(text[:at[1]])
		text = text[at[1]:]
		end := []byte("<!-- end " + block + " -->\n")
		i := bytes.Index(text, end)
		if i < 0 {
			return nil, fmt.Errorf("%s: block %s has no line %q", name, block, strings.TrimSpace(string(end)))
		}
		if err := b.execute(&out, block); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		text = text[i:]
	}
}

// execute writes the text of a block.
func (b *book) execute(out *bytes.Buffer, block string) error {
	t, err := template.New(block+".md").Option("missingkey=error").
		Funcs(template.FuncMap{"sample": b.sample, "program": b.program, "metrics": metrics, "aims": b.aims, "matrix": b.matrix, "yields": b.yields, "wakes": b.wakes, "rises": b.rises, "costTable": b.costTable}).ParseFS(blocks, "blocks/"+block+".md")
	if err != nil {
		return err
	}
	return t.Execute(out, b.values)
}

// metrics are the lines of a table of metrics, for a workload with that unit of work.
func metrics(unit string, simulated bool) string {
	list := harness.Metrics
	if simulated {
		list = harness.SimulatedMetrics
	}
	var out strings.Builder
	for _, m := range list {
		fmt.Fprintf(&out, "| `%s` | %s |\n", m.In(unit), m.Doc)
	}
	return out.String()
}
