package explore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// One command, the hunter, has all mutations in it, because most of the time to build a
// mutated scheduler goes into what all have in common. In its scheduler each function that
// a mutation changes is there twice, and the original begins with
//
//	if mutants.N == 3 {
//		return m.sleep_mutant3()
//	}
//
// A build overlay puts these files in place of the source, which is not touched.

// A hunter hunts mutations in a scheduler built with the same tags.
type hunter struct {
	mutations []mutation
	command   string
}

// newHunter builds the hunter of some mutations, in dir.
func newHunter(dir string, mutations []mutation) (*hunter, error) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return nil, err
	}
	replace := make(map[string]string)
	add := func(name string, text []byte) error { // a file of package sched, or below it
		file := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		replace[filepath.Join(root, filepath.FromSlash(name))] = file
		return os.WriteFile(file, text, 0o666)
	}
	byFile := make(map[string][]int)
	for i, m := range mutations {
		byFile[m.file] = append(byFile[m.file], i)
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(byFile)) {
		src, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		text, err := withMutants(name, src, mutations, byFile[name])
		errs = append(errs, err)
		if err := add(name, text); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	hunt, err := os.ReadFile(filepath.Join("testdata", "hunter", "hunt.go"))
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{
		"sim/explore/hunt.go":    string(hunt),
		"mutants/mutants.go":     "package mutants\n\nvar N int\n",
		"mutants/hunter/main.go": hunterMain,
	} {
		if err := add(name, []byte(text)); err != nil {
			return nil, err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, err
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, text, 0o666); err != nil {
		return nil, err
	}
	h := &hunter{mutations, filepath.Join(dir, "hunter.exe")}
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-tags", mutations[0].tags, "-overlay", overlay, "-o", h.command, "./mutants/hunter")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("a mutated scheduler does not build: %v\n%s", err, out)
	}
	return h, nil
}

const hunterMain = `package main

import (
	"os"
	"strconv"

	"numasched/sched/mutants"
	"numasched/sched/sim/explore"
)

func main() {
	mutants.N, _ = strconv.Atoi(os.Args[1])
	explore.Hunt(os.Args[2], os.Args[3])
}
`

// withMutants returns the source of a file with those mutations in it that are asked for by
// their index. Mutation i is in force when mutants.N is i+1.
func withMutants(name string, src []byte, mutations []mutation, which []int) ([]byte, error) {
	original, err := parseFuncs(name, src)
	if err != nil {
		return nil, err
	}
	var added bytes.Buffer           // mutated functions
	calls := make(map[string]string) // by function: what it begins with
	var errs []error                 // of as many mutations
	for _, i := range which {
		m := &mutations[i]
		text, err := m.apply(string(src))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		mutated, err := parseFuncs(m.name, []byte(text))
		if err != nil {
			return nil, err
		}
		if mutated.rest != original.rest || len(mutated.funcs) != len(original.funcs) {
			return nil, fmt.Errorf("%s changes %s outside of functions", m.name, name)
		}
		for key, f := range mutated.funcs {
			of, ok := original.funcs[key]
			if !ok {
				return nil, fmt.Errorf("%s changes the name of a function of %s", m.name, name)
			}
			if of.text == f.text {
				continue
			}
			if of.head != f.head {
				return nil, fmt.Errorf("%s changes what a function of %s takes or returns", m.name, name)
			}
			as := fmt.Sprintf("%s_mutant%d", f.decl.Name.Name, i+1)
			fmt.Fprintf(&added, "\n%s%s%s\n", f.text[:f.nameAt], as, f.text[f.nameAt+len(f.decl.Name.Name):])
			calls[key] += fmt.Sprintf("\tif mutants.N == %d {\n\t\t%s\n\t}\n", i+1, of.call(as))
		}
	}
	text := string(src)
	funcs := slices.SortedFunc(maps.Values(original.funcs), func(a, b *function) int { return b.bodyAt - a.bodyAt })
	for _, f := range funcs { // from the last to the first, so that offsets stay right
		if c := calls[f.key]; c != "" {
			text = text[:f.bodyAt] + "\n" + c + text[f.bodyAt:]
		}
	}
	at := original.packageEnd
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return []byte(text[:at] + "\n\nimport \"numasched/sched/mutants\"\n" + text[at:] + added.String()), nil
}

// A function is one of a file. Offsets are in its text or, of the body, in the file.
type function struct {
	decl           *ast.FuncDecl
	key            string // its receiver and name
	text, head     string // all of it, and up to the body
	nameAt, bodyAt int
}

type funcsOf struct {
	funcs      map[string]*function
	rest       string // the file without them
	packageEnd int    // offset of what follows the package clause
}

func parseFuncs(name string, src []byte) (*funcsOf, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	offset := func(p token.Pos) int { return fset.Position(p).Offset }
	fs := &funcsOf{funcs: make(map[string]*function), packageEnd: offset(file.Name.End())}
	last := 0
	for _, d := range file.Decls {
		decl, ok := d.(*ast.FuncDecl)
		if !ok || decl.Body == nil {
			continue
		}
		from, to := offset(decl.Pos()), offset(decl.End())
		f := &function{decl: decl, text: string(src[from:to]), nameAt: offset(decl.Name.Pos()) - from, bodyAt: offset(decl.Body.Lbrace) + 1}
		f.head = string(src[from : f.bodyAt-1])
		f.key = string(src[from:offset(decl.Name.End())])
		fs.funcs[f.key] = f
		fs.rest += string(src[last:from])
		last = to
	}
	fs.rest += string(src[last:])
	return fs, nil
}

// call returns the statement that calls the function as, which is like f, instead of f.
func (f *function) call(as string) string {
	var args []string
	for _, field := range f.decl.Type.Params.List {
		for _, name := range field.Names {
			arg := name.Name
			if _, ok := field.Type.(*ast.Ellipsis); ok {
				arg += "..."
			}
			args = append(args, arg)
		}
	}
	var types []string
	if tp := f.decl.Type.TypeParams; tp != nil {
		for _, field := range tp.List {
			for _, name := range field.Names {
				types = append(types, name.Name)
			}
		}
		as += "[" + strings.Join(types, ", ") + "]"
	}
	if recv := f.decl.Recv; recv != nil {
		as = recv.List[0].Names[0].Name + "." + as
	}
	call := as + "(" + strings.Join(args, ", ") + ")"
	if f.decl.Type.Results != nil {
		return "return " + call
	}
	return call + "\n\t\treturn"
}
