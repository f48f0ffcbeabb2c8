package harness

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// aTree makes a source tree under git, with one commit, and a program that was
// built from it.
func aTree(t *testing.T) (tree, program, head string) {
	t.Helper()
	tree = t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", moduleLine())
	write("go.sum", "")
	for _, dir := range sources[2:] {
		write(dir+"/x.go", "package x\n")
	}
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed: ", err)
	}
	git := func(args ...string) string {
		out, err := exec.Command("git", append([]string{"-C", tree, "-c", "user.name=x", "-c", "user.email=x@example.com"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q")
	git("add", ".")
	git("commit", "-q", "-m", "x")
	program = filepath.Join(tree, "bin", "experiments")
	write("bin/experiments", "")
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(program, later, later); err != nil {
		t.Fatal(err)
	}
	return tree, program, git("rev-parse", "HEAD")
}

func TestTheCommitIsKnownOrItIsSaidWhyNot(t *testing.T) {
	tree, program, head := aTree(t)
	away := filepath.Join(t.TempDir(), "experiments")
	if err := os.WriteFile(away, nil, 0o777); err != nil {
		t.Fatal(err)
	}
	goRun := filepath.Join(t.TempDir(), "go-build123", "experiments")
	if err := os.MkdirAll(filepath.Dir(goRun), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(goRun, nil, 0o777); err != nil {
		t.Fatal(err)
	}
	check := func(what string, b Build, version, program, working string, want Build) {
		t.Helper()
		b.identify(version, program, working)
		if b.Commit != want.Commit || b.Modified != want.Modified || !strings.Contains(b.Why, want.Why) || (b.Why != "") != (b.Commit == "unknown") {
			t.Errorf("%s: commit %s, modified %v, because %q; want %+v", what, b.Commit, b.Modified, b.Why, want)
		}
	}
	elsewhere := t.TempDir()
	check("stamped", Build{Commit: "abc", Modified: false}, "(devel)", program, elsewhere, Build{Commit: "abc"})
	check("of a module's version", Build{}, "v1.2.3", away, elsewhere, Build{Commit: "v1.2.3"})
	check("no stamp, beside its sources", Build{}, "(devel)", program, elsewhere, Build{Commit: head})
	check("no stamp, go run in its sources", Build{}, "(devel)", goRun, filepath.Join(tree, "sched"), Build{Commit: head})
	check("no stamp, elsewhere", Build{}, "(devel)", away, tree, Build{Commit: "unknown", Why: "-buildvcs=false"})
	check("no stamp, no file", Build{}, "", "", tree, Build{Commit: "unknown", Why: "-buildvcs=false"})

	if err := os.WriteFile(filepath.Join(tree, "mine.tar.gz"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	check("stamped, an archive beside", Build{Commit: head, Modified: true}, "(devel)", program, elsewhere, Build{Commit: head})
	check("no stamp, an archive beside", Build{}, "(devel)", program, elsewhere, Build{Commit: head})
	if err := os.WriteFile(filepath.Join(tree, "sched", "y.go"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	check("stamped, a new source", Build{Commit: head, Modified: true}, "(devel)", program, elsewhere, Build{Commit: head, Modified: true})
	check("no stamp, a new source", Build{}, "(devel)", program, elsewhere, Build{Commit: head, Modified: true})

	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(program, past, past); err != nil {
		t.Fatal(err)
	}
	check("no stamp, sources changed since", Build{}, "(devel)", program, elsewhere, Build{Commit: "unknown", Why: "is newer than it"})
	check("stamped, changed then and sources changed since", Build{Commit: head, Modified: true}, "(devel)", program, elsewhere, Build{Commit: head, Modified: true})
}

func TestAnUnknownCommitIsNoOtherProgram(t *testing.T) {
	known, unknown := Build{Go: "go1.26", Commit: "abc"}, Build{Go: "go1.26", Commit: "unknown", Why: "x.go is newer than it"}
	for _, c := range []struct {
		a, b Build
		want bool
	}{{known, known, true}, {known, unknown, true}, {unknown, known, true}, {known, Build{Go: "go1.26", Commit: "def"}, false}, {unknown, Build{Go: "go1.27", Commit: "abc"}, false}} {
		if got := c.a.sameProgram(c.b); got != c.want {
			t.Errorf("%+v and %+v: %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

func TestAnUnknownCommitIsANote(t *testing.T) {
	m := Meta{Place: Host, Build: Build{Commit: "unknown", Why: "it was built without a stamp"}, Disturbed: Disturbance{Known: true}, Plan: Plan{Reps: 6}}
	if notes := strings.Join(m.Notes(), "\n"); notes != "The commit of the program is not known: it was built without a stamp." {
		t.Errorf("notes %q", notes)
	}
}

func TestSourcesAreAllThatTheProgramIsMadeOf(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if .Module}}{{if .Module.Main}}{{.ImportPath}}{{end}}{{end}}", "../../experiments").Output()
	if err != nil {
		t.Skip("no go command: ", err)
	}
	for path := range strings.FieldsSeq(string(out)) {
		_, rest, _ := strings.Cut(path, "/")
		known := false
		for _, s := range sources {
			known = known || rest == s || strings.HasPrefix(rest, s+"/")
		}
		if !known {
			t.Errorf("%s is none of %v", path, sources)
		}
	}
}
