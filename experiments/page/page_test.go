package page

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"numasched/experiments/harness"
	"numasched/experiments/plot"
)

// copyOf copies a directory of results, to write into it.
func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), filepath.Base(dir))
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// copyCase copies a directory of made-up results.
func copyCase(t *testing.T, name string) string {
	t.Helper()
	return copyOf(t, filepath.Join("..", "testdata", name))
}

// tryToWrite returns the report of the results in dir.
func tryToWrite(dir string) (string, error) {
	res, err := harness.Load(dir)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = Write(&b, res, plot.Figures(res))
	return b.String(), err
}

func written(t *testing.T, dir string) string {
	t.Helper()
	text, err := tryToWrite(dir)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTheTwoReportsOfAReproductionLinkToEachOther(t *testing.T) {
	host := copyCase(t, "onenode")
	simulated := filepath.Join(host, "simulated")
	link := func(dir, href string) {
		t.Helper()
		page := written(t, dir)
		for _, other := range []string{"simulated/index.html", "../index.html"} {
			if got := strings.Contains(page, `<a href="`+other+`">`); got != (other == href) {
				t.Errorf("%s: a link to %s: %v, want one to %q", dir, other, got, href)
			}
		}
	}
	link(host, "")
	if err := os.CopyFS(simulated, os.DirFS(filepath.Join("..", "testdata", "scaling"))); err != nil {
		t.Fatal(err)
	}
	link(host, "simulated/index.html")
	link(simulated, "../index.html")
	t.Chdir(simulated)
	link(".", "../index.html")
	link(filepath.Join(host, "simulated"), "../index.html")
	t.Chdir(host)
	if err := os.Remove(harness.MetaFile); err != nil {
		t.Fatal(err)
	}
	link("simulated", "")
}

// A note on assumed constants links to them: it stands in the report that lists them.
func TestNotesLinkToTheConstants(t *testing.T) {
	text := written(t, copyOf(t, filepath.Join("..", "..", "results", "reference-sim-losses")))
	if strings.Contains(text, "the report lists them") {
		t.Error("the report refers to the report")
	}
	links := strings.Count(text, `<a href="#assumed-`)
	if links == 0 || links != strings.Count(text, `<details id="assumed-`) {
		t.Errorf("%d links to assumed constants, and %d lists", links, strings.Count(text, `<details id="assumed-`))
	}
}

// A figure that is scrolled sideways has its title beside it as text, where it is broken into
// lines. In the picture it would be cut on a phone.
func TestScrolledFiguresHaveTheirTitlesBesideThem(t *testing.T) {
	text := written(t, copyCase(t, "scaling"))
	figures := 0
	for _, part := range strings.Split(text, `<details class="said"`)[1:] {
		summary, figure, _ := strings.Cut(part, "</summary>")
		if !strings.HasPrefix(figure, "\n<figure>") {
			continue // a table
		}
		figures++
		picture, _, whole := strings.Cut(figure, "</svg>")
		_, title, _ := strings.Cut(summary, "<summary>")
		title, subject, both := strings.Cut(title, " <small>")
		if !whole || !both || title == "" || !strings.Contains(picture, `<text `) {
			t.Fatalf("a figure is not in the form that this test reads: %.300s", part)
		}
		for _, in := range strings.Split(picture, "<text ")[1:] {
			_, in, _ = strings.Cut(in, ">")
			in, _, _ = strings.Cut(in, "<")
			if len(in) > 12 && (strings.HasPrefix(title, in) || strings.HasPrefix(subject, in)) {
				t.Errorf("%q stands in the picture, too", in)
			}
		}
	}
	if figures < 3 {
		t.Errorf("%d figures: this tests little", figures)
	}
}
