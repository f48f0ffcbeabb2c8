package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// What the command calls does not speak of the command's flags: whoever uses such a package in
// another program has none of them. A whole command that somebody may type is something else,
// whether it is ours or another's.
func TestWhatTheCommandCallsNamesNoFlags(t *testing.T) {
	ours := map[string]bool{}
	for _, c := range newRoot(nil, io.Discard, io.Discard).Commands() {
		add := func(f *pflag.Flag) { ours[f.Name] = true }
		c.Flags().VisitAll(add)
		c.PersistentFlags().VisitAll(add)
	}
	if !ours["resume"] || !ours["shard"] {
		t.Fatalf("these are no flags of the command: %v", ours)
	}
	reads := map[string]string{ // the commands that results keep, and not what to tell anybody
		filepath.Join("beside", "beside.go"): "nolock",
	}
	flag := regexp.MustCompile(`--([a-z][a-z-]*)`)
	command := regexp.MustCompile(`\b(experiments|docker|numactl|git|cargo) `)
	seen := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		if dir := filepath.Dir(path); dir == "." || dir == "usage" {
			return nil
		}
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			seen++
			text, _ := strconv.Unquote(lit.Value)
			for _, at := range flag.FindAllStringSubmatchIndex(text, -1) {
				name := text[at[2]:at[3]]
				if ours[name] && reads[path] != name && !command.MatchString(text[:at[0]]) {
					t.Errorf("%s names --%s: %s", files.Position(lit.Pos()), name, lit.Value)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 1000 {
		t.Errorf("%d texts were looked at", seen)
	}
}
