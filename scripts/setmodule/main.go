// Command setmodule gives this module another path, everywhere: in go.mod, in
// imports, in commands and link flags, in what documents quote, in CITATION.cff.
// Run it once, when the module gets a public home:
//
//	go run ./scripts/setmodule example.org/you/numasched
//	go run ./scripts/docs
//
// The second command writes the lines of the README that say how to get the
// module. What runs recorded, results/*/, stays as it is.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

func main() {
	if len(os.Args) != 2 || strings.HasPrefix(os.Args[1], "-") {
		fmt.Fprintln(os.Stderr, "usage: go run ./scripts/setmodule MODULE-PATH, in the root of the module")
		os.Exit(2)
	}
	changed, err := setModule(".", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "setmodule:", err)
		os.Exit(1)
	}
	fmt.Printf("%d files changed; now: go run ./scripts/docs && go build ./... && go test ./...\n", len(changed))
}

// setModule gives the module in folder root the path to, and returns the names
// of the files that it has changed. It changes none if any cannot be.
func setModule(root, to string) (changed []string, err error) {
	if err := module.CheckPath(to); err != nil {
		return nil, fmt.Errorf("%w: want one that the go command can fetch, such as example.org/you/numasched", err)
	}
	gomod := filepath.Join(root, "go.mod")
	data, err := os.ReadFile(gomod)
	if err != nil {
		return nil, err
	}
	mod, err := modfile.Parse(gomod, data, nil)
	if err != nil {
		return nil, err
	}
	if mod.Module == nil {
		return nil, fmt.Errorf("%s: it has no module line", gomod)
	}
	from := mod.Module.Mod.Path
	if from == to {
		return nil, fmt.Errorf("the module path is %s already", to)
	}
	if err := mod.AddModuleStmt(to); err != nil {
		return nil, err
	}
	newMod, err := mod.Format()
	if err != nil {
		return nil, err
	}

	files, folders, err := textFiles(root)
	if err != nil {
		return nil, err
	}
	r := newRenamer(from, to, folders)
	after := map[string][]byte{"go.mod": newMod}
	for name, text := range files {
		now, err := r.file(name, text)
		if err != nil {
			return nil, err
		}
		if name != "go.mod" && !bytes.Equal(now, text) {
			after[name] = now
		}
	}
	for name, text := range after {
		changed = append(changed, name)
		if err := os.WriteFile(filepath.Join(root, name), text, 0o666); err != nil { // keeps the mode of what is there
			return nil, err
		}
	}
	slices.Sort(changed)
	return changed, nil
}

// textFiles returns the text files of the module, and the top folders that hold
// packages. It leaves out what git keeps, what was built, and what runs recorded.
func textFiles(root string) (files map[string][]byte, folders []string, err error) {
	files = map[string][]byte{}
	packages := map[string]bool{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if d.IsDir() {
			if name == ".git" || name == "bin" || strings.HasPrefix(name, "results/") {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil || bytes.IndexByte(data, 0) >= 0 {
			return err
		}
		files[name] = data
		if top, _, ok := strings.Cut(name, "/"); ok && strings.HasSuffix(name, ".go") {
			packages[top] = true
		}
		return nil
	})
	for top := range packages {
		folders = append(folders, regexp.QuoteMeta(top))
	}
	if err == nil && len(folders) == 0 {
		err = errors.New("no packages here: want the root of the module")
	}
	slices.Sort(folders)
	return files, folders, err
}

// A renamer replaces a module path in text.
type renamer struct {
	to  string
	old *regexp.Regexp
}

// newRenamer returns a renamer for a module whose packages lie in folders. The
// old path may be a common word, so it counts only where it begins a path and
// one of the folders, or the end of a Go string, follows:
//
//	import "numasched/sched"        strings.HasPrefix(path, "numasched/")
//	-ldflags "-X numasched/experiments.version=1"
//
// but not ../numasched or ~/.cache/numasched/bin.
func newRenamer(from, to string, folders []string) *renamer {
	return &renamer{to, regexp.MustCompile(`(^|[^\w./-])` + regexp.QuoteMeta(from) + `(/(?:(?:` + strings.Join(folders, "|") + `)\b|["` + "`" + `]))`)}
}

var repository = regexp.MustCompile(`(?m)^# ?repository-code:.*$|^repository-code:.*$`)

// file returns what the text of the named file becomes.
func (r *renamer) file(name string, text []byte) ([]byte, error) {
	text = r.old.ReplaceAll(text, []byte("${1}"+strings.ReplaceAll(r.to, "$", "$$")+"${2}"))
	switch {
	case name == "CITATION.cff":
		line := []byte(`repository-code: "https://` + r.to + `"`)
		if !repository.Match(text) {
			return nil, fmt.Errorf("%s: want a line with repository-code: and a URL, or that line behind a #", name)
		}
		return repository.ReplaceAllLiteral(text, line), nil
	case strings.HasSuffix(name, ".go"):
		now, err := format.Source(text) // sorts imports
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return now, nil
	}
	return text, nil
}
