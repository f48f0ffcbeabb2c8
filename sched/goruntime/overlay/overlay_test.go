package overlay

import (
	"bytes"
	"errors"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"numasched/sched/policy"
)

// goRuntime is the runtime of the toolchain that runs this test, if it is a reviewed one.
func goRuntime(t *testing.T) (release string, src fs.FS) {
	t.Helper()
	release, _, _ = strings.Cut(runtime.Version(), " ")
	src = os.DirFS(filepath.Join(build.Default.GOROOT, "src", "runtime"))
	if _, err := fs.Stat(src, "proc.go"); err != nil {
		t.Skip("no source of Go's runtime: ", err)
	}
	var unsupported *UnsupportedError
	if err := Check(release, src); errors.As(err, &unsupported) {
		t.Skip("nobody has reviewed this release: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	return release, src
}

// An edit keeps every line where it is, and so stack traces tell the right ones.
func TestEditsKeepLines(t *testing.T) {
	release, src := goRuntime(t)
	files, err := Files(release, src)
	if err != nil {
		t.Fatal(err)
	}
	edited := map[string]bool{}
	for _, e := range edits {
		edited[e.file] = true
	}
	for name := range edited {
		stock, err := fs.ReadFile(src, name)
		if err != nil {
			t.Fatal(err)
		}
		a, b := bytes.Split(stock, []byte("\n")), bytes.Split(files[name], []byte("\n"))
		if len(a) != len(b) {
			t.Errorf("%s has %d lines, had %d", name, len(b), len(a))
			continue
		}
		changed := 0
		for i := range a {
			if !bytes.Equal(a[i], b[i]) {
				changed++
				if !bytes.Contains(bytes.ToLower(b[i]), []byte("numa")) && !bytes.Contains(b[i], []byte("Flat")) {
					t.Errorf("%s:%d: an edit that is not ours: %s", name, i+1, b[i])
				}
			}
		}
		if want := countEdits(name); changed > want || changed == 0 {
			t.Errorf("%s: %d lines changed by %d edits", name, changed, want)
		}
	}
}

func countEdits(file string) (n int) {
	for _, e := range edits {
		if e.file == file {
			n++
		}
	}
	return n
}

// Whoever in stock takes an idle P has had one chosen, on the same line.
func TestIdlePsAreChosen(t *testing.T) {
	release, src := goRuntime(t)
	files, err := Files(release, src)
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(src, "*.go")
	if err != nil {
		t.Fatal(err)
	}
	calls, call := 0, regexp.MustCompile(`\bpidleget\(`)
	for _, name := range names {
		text, edited := files[name]
		if !edited {
			if text, err = fs.ReadFile(src, name); err != nil {
				t.Fatal(err)
			}
		}
		for line := range strings.Lines(string(text)) {
			code, _, _ := strings.Cut(line, "//")
			if !call.MatchString(code) || strings.HasPrefix(code, "func ") {
				continue
			}
			calls++
			if !strings.Contains(code, "if numa.on { numaPidleFirst() }; pp, ") {
				t.Errorf("%s: an idle P is taken that was not chosen: %s", name, line)
			}
		}
	}
	if calls < 5 {
		t.Errorf("%d calls of pidleget, want at least 5", calls)
	}
}

// Nothing but the package clause of the policy changes on its way into the runtime.
func TestPolicyIsCopied(t *testing.T) {
	release, src := goRuntime(t)
	files, err := Files(release, src)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	names, err := filepath.Glob("../../policy/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		base := filepath.Base(name)
		copied, ok := files["numa_policy_"+base]
		if base == "source.go" || strings.HasSuffix(base, "_test.go") {
			if ok {
				t.Errorf("%s is compiled into the runtime", base)
			}
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.Replace(string(text), "\npackage policy\n", "\npackage runtime\n", 1); string(copied) != want && string(copied) != strings.Replace(string(text), "package policy\n", "package runtime\n", 1) {
			t.Errorf("%s is not copied as it is", base)
		}
		seen++
	}
	if seen < 10 || seen != len(policy.Source()) {
		t.Errorf("%d files were copied, of %d", seen, len(policy.Source()))
	}
}

// Whatever changes in a declaration that the overlay touches or relies on, the release is
// refused, nothing is written, and the error names the declaration.
func TestMutationsAreRefused(t *testing.T) {
	release, src := goRuntime(t)
	files, err := load(src)
	if err != nil {
		t.Fatal(err)
	}
	now, err := hashes(files)
	if err != nil {
		t.Fatal(err)
	}
	stock := fstest.MapFS{}
	for name, s := range files {
		stock[name] = &fstest.MapFile{Data: s.text}
	}
	dir := t.TempDir()
	if len(now) < 80 {
		t.Errorf("only %d declarations are watched", len(now))
	}
	for i, name := range slices.Sorted(maps.Keys(now)) {
		if i%4 != 0 && os.Getenv("NUMASCHED_LONG_TESTS") == "" {
			continue
		}
		file, decl, _ := strings.Cut(name, ":")
		for _, text := range mutants(files[file], decl) {
			mutant, err := parse(file, text)
			if err != nil {
				t.Fatalf("%s: the mutant does not parse: %v", name, err)
			}
			then := maps.Clone(now)
			for other := range then {
				if f, decl, _ := strings.Cut(other, ":"); f == file {
					then[other], _ = mutant.hash(decl)
				}
			}
			if got := changed(then); !slices.Equal(got, []string{name}) {
				t.Errorf("%s changed: %q are refused, want it alone", name, got)
			}
		}
	}
	mutated := maps.Clone(stock)
	mutated["proc.go"] = &fstest.MapFile{Data: mutants(files["proc.go"], "resetspinning")[0]}
	var unsupported *UnsupportedError
	if err := Check(release, mutated); !errors.As(err, &unsupported) || !slices.Equal(unsupported.Changed, []string{"proc.go:resetspinning"}) ||
		!strings.Contains(err.Error(), "proc.go:resetspinning") || !strings.Contains(err.Error(), release) {
		t.Errorf("resetspinning changed: got %v", err)
	}
	// The whole way, once: nothing is written.
	goroot := filepath.Join(dir, "goroot")
	if err := os.CopyFS(filepath.Join(goroot, "src", "runtime"), stock); err != nil {
		t.Fatal(err)
	}
	proc := filepath.Join(goroot, "src", "runtime", "proc.go")
	if err := os.WriteFile(proc, mutants(files["proc.go"], "wakep")[0], 0o666); err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(dir, "cache")
	if _, err := Make(cache, release, goroot); err == nil {
		t.Error("an overlay was made for a runtime that nobody has reviewed")
	}
	if _, err := os.Stat(cache); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was written: %v", err)
	}
}

// mutants are texts of a file with one declaration changed a little.
func mutants(s *source, decl string) (all [][]byte) {
	change := func(at token.Pos, text string) {
		off := s.offset(at)
		all = append(all, slices.Concat(s.text[:off], []byte(text), s.text[off:]))
	}
	switch n := s.decls[decl].(type) {
	case *ast.FuncDecl:
		change(n.Body.Rbrace, "; _ = 0\n")
	case *ast.TypeSpec:
		if st, ok := n.Type.(*ast.StructType); ok {
			change(st.Fields.Opening+1, " mutation int; ")
		} else {
			change(n.Type.Pos(), "[]")
		}
	}
	return all
}

// A comment changes nothing, and so a release that differs in comments only is supported.
func TestCommentsAreFree(t *testing.T) {
	release, src := goRuntime(t)
	stock := fstest.MapFS{}
	for _, name := range names() {
		text, err := fs.ReadFile(src, name)
		if err != nil {
			t.Fatal(err)
		}
		stock[name] = &fstest.MapFile{Data: bytes.ReplaceAll(text, []byte("\nfunc "), []byte("\n// A comment.\nfunc "))}
	}
	if err := Check(release, stock); err != nil {
		t.Error(err)
	}
}

// A release is taken whole, with all that was reviewed together.
func TestReviewedReleases(t *testing.T) {
	watched := map[string]bool{}
	for file, decls := range relied {
		for _, decl := range decls {
			watched[file+":"+decl] = true
		}
	}
	for _, e := range edits {
		watched[e.file+":"+e.decl] = true
	}
	for release, known := range reviewed() {
		for name := range watched {
			if known[name] == "" {
				t.Errorf("%s: nobody has reviewed %s", release, name)
			}
		}
		if len(known) != len(watched) {
			t.Errorf("%s: %d declarations are reviewed, and %d are watched", release, len(known), len(watched))
		}
	}
}

// Our files declare nothing that package runtime has already, and each mark of a stock
// function that we took over is used.
func TestOwnFilesFit(t *testing.T) {
	release, src := goRuntime(t)
	files, err := Files(release, src)
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for name, text := range files {
		if !strings.HasPrefix(name, "numa") || path.Dir(name) == "numa" {
			continue
		}
		all.Write(text)
		f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if f.Name.Name != "runtime" {
			t.Errorf("%s is in package %s", name, f.Name.Name)
		}
	}
	for _, e := range edits {
		name := e.decl[strings.LastIndex(e.decl, ".")+1:] // of a method
		if strings.Count(all.String(), name+"Flat(") == 1 {
			t.Errorf("%sFlat is not called on all systems", e.decl)
		}
	}
	if !bytes.Contains(all.Bytes(), []byte(Marker)) {
		t.Error("the marker is in none of our files")
	}
}

// The same overlay is written once, into a folder whose name tells its content.
func TestMakeIsStable(t *testing.T) {
	release, _ := goRuntime(t)
	dir := t.TempDir()
	one, err := Make(dir, release, build.Default.GOROOT)
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(one)
	if err != nil {
		t.Fatal(err)
	}
	two, err := Make(dir, release, build.Default.GOROOT)
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(two)
	if err != nil {
		t.Fatal(err)
	}
	if one != two || !before.ModTime().Equal(after.ModTime()) {
		t.Errorf("made twice: %s and %s", one, two)
	}
	// Somebody's broken copy is mended.
	victim := filepath.Join(filepath.Dir(one), "numa_home.go")
	if err := os.WriteFile(victim, []byte("package runtime"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Make(dir, release, build.Default.GOROOT); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(victim); err != nil || len(text) < 100 {
		t.Errorf("a broken file stays: %q, %v", text, err)
	}
}
