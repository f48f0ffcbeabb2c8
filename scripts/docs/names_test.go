package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A repository is what the documents and comments of the module may name: files by their path from
// the root, the headings of documents, and tests.
type repository struct {
	files    map[string]string          // text of documents, sources and scripts; "" of all others
	folders  map[string]bool            // all of them
	headings map[string]map[string]bool // of documents, as links name them
	tests    map[string]bool
}

var (
	heading  = regexp.MustCompile(`(?m)^#+ (.*)$`)
	unlinked = regexp.MustCompile(`[^\w\- ]`)
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w+)`)
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	comment  = regexp.MustCompile(`(?:^|\s)//(.*)`)
	fileName = regexp.MustCompile(`[\w./*<>-]+\.(?:go|sh|sbatch|md)\b(?:\.\w)?`)
	testName = regexp.MustCompile(`\b(?:Test|Benchmark|Fuzz)[A-Z]\w+`)
)

// Files and tests of Go's that comments name.
var ofGo = map[string]bool{"proc.go": true, "runtime/proc.go": true, "lock_futex.go": true, "lock_spinbit.go": true, "TestSizeof": true}

func readRepository(t *testing.T) *repository {
	r := &repository{map[string]string{}, map[string]bool{}, map[string]map[string]bool{}, map[string]bool{}}
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			own := path.Dir(name) == "results" && !strings.HasPrefix(name, "results/reference-") && name != "results/goruntime"
			if name == ".git" || name == "bin" || own {
				return fs.SkipDir
			}
			r.folders[name] = true
			return nil
		}
		text := ""
		switch path.Ext(name) {
		case ".go", ".md", ".sh", ".sbatch":
			b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
			if err != nil {
				return err
			}
			text = string(b)
		}
		r.files[name] = text
		switch path.Ext(name) {
		case ".md":
			r.headings[name] = map[string]bool{}
			for _, m := range heading.FindAllStringSubmatch(text, -1) {
				r.headings[name][strings.ReplaceAll(unlinked.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
			}
		case ".go":
			for _, m := range testFunc.FindAllStringSubmatch(text, -1) {
				r.tests[m[1]] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// strangers returns what the text of file names and the repository does not have.
func (r *repository) strangers(file, text string) (list []string) {
	if path.Ext(file) == ".md" && !strings.HasPrefix(file, "scripts/docs/blocks/") {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if target, part, _ := strings.Cut(m[1], "#"); !strings.Contains(target, "://") {
				to := file
				if target != "" {
					to = path.Join(path.Dir(file), target)
				}
				if _, ok := r.files[to]; !ok && !r.folders[to] || part != "" && !r.headings[to][part] {
					list = append(list, m[1])
				}
			}
		}
	}
	for line := range strings.Lines(text) {
		switch said := strings.TrimSpace(line); path.Ext(file) {
		case ".go":
			m := comment.FindStringSubmatch(said)
			if m == nil {
				continue
			}
			line = m[1]
		case ".sh", ".sbatch":
			if !strings.HasPrefix(said, "#") {
				continue
			}
		}
		for _, name := range fileName.FindAllString(line, -1) {
			if !strings.ContainsAny(name, "*<>") && !r.knows(strings.TrimLeft(name, "./")) {
				list = append(list, name)
			}
		}
		for _, name := range testName.FindAllString(line, -1) {
			if !r.knowsTest(name) {
				list = append(list, name)
			}
		}
	}
	return list
}

// knows reports whether a file has this name, or this end of its path.
func (r *repository) knows(name string) bool {
	if strings.Contains(name, ".go.") { // of an address on the network
		return true
	}
	for file := range r.files {
		if file == name || strings.HasSuffix(file, "/"+name) {
			return true
		}
	}
	return ofGo[name]
}

// knowsTest reports whether a test has this name. A comment may name several by how they begin.
func (r *repository) knowsTest(name string) bool {
	for test := range r.tests {
		if strings.HasPrefix(test, name) {
			return true
		}
	}
	return ofGo[name]
}

// Documents and comments name only files, headings and tests that are there.
func TestWhatIsNamedIsThere(t *testing.T) {
	r := readRepository(t)
	if len(r.files) < 500 || len(r.tests) < 500 {
		t.Fatalf("%d files and %d tests: where is the module?", len(r.files), len(r.tests))
	}
	for file, text := range r.files {
		if strings.HasSuffix(file, "docs/names_test.go") {
			continue
		}
		for _, name := range r.strangers(file, text) {
			t.Errorf("%s names %s, which is not there", file, name)
		}
	}
	for _, c := range []struct{ file, text string }{
		{"README.md", "[here](results/nowhere)"}, {"README.md", "[here](#no-such-heading)"}, {"README.md", "see `sched/nothing.go`"},
		{"results/README.md", "[here](README.md#nothing)"}, {"sched/x.go", "x() // see nothing.go"}, {"sched/x.go", "// (TestNothingAtAll)"},
		{"scripts/x.sh", "# like nothing.sh"},
	} {
		if got := r.strangers(c.file, c.text); len(got) != 1 {
			t.Errorf("%q in %s: %q, want one that is not there", c.text, c.file, got)
		}
	}
}
