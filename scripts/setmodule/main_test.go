package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// The path changes wherever it is the path of a package, and nowhere else; twice
// is as good as once.
func TestEveryPathChanges(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{
		"go.mod":               "module before\n\ngo 1.26\n",
		"sched/a.go":           "package sched\n\nimport (\n\t\"golang.org/x/sys/unix\"\n\t\"before/topology\"\n)\n\nvar ok = strings.HasPrefix(p, \"before/\")\n\n// before is fast. ~/.cache/before/bin, ../before/sched\n",
		"topology/a.go":        "package topology // import \"before/topology\"\n",
		"scripts/x.sh":         "go build -ldflags \"-X before/topology.v=1 -X=before/sched.v=2\" before/sched/...\n",
		"CITATION.cff":         "title: before\n# repository-code: none yet\n",
		"results/README.md":    "see before/sched\n",
		"results/mine/run.txt": "command: before/sched\n",
		"sched/binary":         "before/sched\x00",
	})
	want := map[string]string{
		"go.mod":               "module example.org/you/n\n\ngo 1.26\n",
		"sched/a.go":           "package sched\n\nimport (\n\t\"example.org/you/n/topology\"\n\t\"golang.org/x/sys/unix\"\n)\n\nvar ok = strings.HasPrefix(p, \"example.org/you/n/\")\n\n// before is fast. ~/.cache/before/bin, ../before/sched\n",
		"topology/a.go":        "package topology // import \"example.org/you/n/topology\"\n",
		"scripts/x.sh":         "go build -ldflags \"-X example.org/you/n/topology.v=1 -X=example.org/you/n/sched.v=2\" example.org/you/n/sched/...\n",
		"CITATION.cff":         "title: before\nrepository-code: \"https://example.org/you/n\"\n",
		"results/README.md":    "see example.org/you/n/sched\n",
		"results/mine/run.txt": "command: before/sched\n",
		"sched/binary":         "before/sched\x00",
	}
	for _, to := range []string{"example.org/you/n", "example.com/n2", "example.org/you/n"} {
		changed, err := setModule(root, to)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(changed, " "); got != "CITATION.cff go.mod results/README.md sched/a.go scripts/x.sh topology/a.go" {
			t.Errorf("to %s: changed %s", to, got)
		}
	}
	for name, text := range want {
		if got, err := os.ReadFile(filepath.Join(root, name)); err != nil || string(got) != text {
			t.Errorf("%s: %v: is\n%s\nwant\n%s", name, err, got, text)
		}
	}
}

// A path that nobody can fetch, or that the module has, changes nothing.
func TestBadPathsAreRefused(t *testing.T) {
	root := t.TempDir()
	files := map[string]string{"go.mod": "module example.org/n\n\ngo 1.26\n", "sched/a.go": "package sched\n\nimport _ \"example.org/n/x\"\n", "CITATION.cff": "title: n\n"}
	write(t, root, files)
	for to, want := range map[string]string{
		"":                     "malformed module path",
		"before":               "missing dot in first path element",
		"https://example.org/": "malformed module path",
		"example.org/n":        "already",
		"example.org/other":    "CITATION.cff: want a line",
	} {
		_, err := setModule(root, to)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", to, err, want)
		}
	}
	for name, text := range files {
		if got, _ := os.ReadFile(filepath.Join(root, name)); string(got) != text {
			t.Errorf("%s has changed", name)
		}
	}
}

// Every file of this module that holds its path is one that setModule finds:
// after the change no import is left.
func TestNoImportIsLeft(t *testing.T) {
	files, folders, err := textFiles(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(folders, "sched") {
		t.Fatalf("folders are %v, want sched among them", folders)
	}
	from := modulePath(t, string(files["go.mod"]))
	r := newRenamer(from, "example.org/you/n", folders)
	changed := 0
	for name, text := range files {
		if strings.HasPrefix(name, "scripts/setmodule/") || !strings.HasSuffix(name, ".go") {
			continue
		}
		now, err := r.file(name, text)
		if err != nil {
			t.Error(err)
		}
		if strings.Contains(string(now), `"`+from+`/`) {
			t.Errorf("%s: %q is left", name, from+"/")
		}
		if string(now) != string(text) {
			changed++
		}
	}
	if changed < 50 {
		t.Errorf("%d Go files change, want most of the module's", changed)
	}
}

func modulePath(t *testing.T, gomod string) string {
	t.Helper()
	line, _, _ := strings.Cut(gomod, "\n")
	path, ok := strings.CutPrefix(line, "module ")
	if !ok {
		t.Fatalf("go.mod begins with %q", line)
	}
	return path
}
