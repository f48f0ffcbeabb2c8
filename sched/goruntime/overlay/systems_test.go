package overlay

import (
	"bytes"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// On every system what the edits name is declared, and so is what our files name. No build shows
// that on the systems where numago was not tried, and there our files are others.
func TestNamesAreDeclaredOnAllSystems(t *testing.T) {
	release, src := goRuntime(t)
	files, err := Files(release, src)
	if err != nil {
		t.Fatal(err)
	}
	for _, system := range []string{"linux/amd64", "linux/arm64", "linux/riscv64", "darwin/arm64", "windows/amd64", "freebsd/amd64"} {
		ctxt := build.Default
		ctxt.GOOS, ctxt.GOARCH, _ = strings.Cut(system, "/")
		ctxt.OpenFile = func(name string) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(files[name])), nil
		}
		declared, used := map[string]bool{}, map[string]string{}
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if ok, err := ctxt.MatchFile("", name); err != nil {
				t.Fatal(err)
			} else if !ok {
				continue
			}
			if path.Dir(name) == "numa" { // a package of its own, which reaches into the runtime
				for _, link := range regexp.MustCompile(`(?m)^//go:linkname \w+ runtime\.(\w+)`).FindAllSubmatch(files[name], -1) {
					used[string(link[1])] = name
				}
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, files[name], parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				var names []*ast.Ident
				switch n := n.(type) {
				case *ast.FuncDecl:
					names = []*ast.Ident{n.Name}
				case *ast.TypeSpec:
					names = []*ast.Ident{n.Name}
				case *ast.ValueSpec:
					names = n.Names
				case *ast.Field:
					names = n.Names
				case *ast.Ident:
					if strings.HasPrefix(n.Name, "numa") {
						used[n.Name] = name
					}
				}
				for _, id := range names {
					declared[id.Name] = true
				}
				return true
			})
		}
		if len(used) < 50 {
			t.Errorf("%s: only %d names of ours are used", system, len(used))
		}
		for _, name := range slices.Sorted(maps.Keys(used)) {
			if !declared[name] {
				t.Errorf("%s: %s names %s, which is declared nowhere", system, used[name], name)
			}
		}
	}
}
