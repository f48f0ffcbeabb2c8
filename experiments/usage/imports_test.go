package usage

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// What the command calls knows nothing of command lines: only the command and this package
// do. Else whoever uses such a package in a program of their own gets our flags' names in
// errors, and a library of flags.
func TestWhatTheCommandCallsKnowsNoFlags(t *testing.T) {
	files := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		if dir := filepath.Dir(path); dir == ".." || dir == filepath.Join("..", "usage") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		files++
		for _, im := range f.Imports {
			switch name, _ := strconv.Unquote(im.Path.Value); name {
			case "numasched/experiments/usage", "github.com/spf13/cobra", "github.com/spf13/pflag":
				t.Errorf("%s imports %s", path, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 100 {
		t.Errorf("%d files were looked at", files)
	}
}
