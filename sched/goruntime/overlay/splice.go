package overlay

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
)

// An edit changes one place of a declaration.
type edit struct {
	file  string
	decl  string
	apply func(*source, ast.Node) (splice, error)
}

// A splice puts text in the place of the bytes from off to end.
type splice struct {
	off, end int
	text     string
}

// addFields adds fields to a struct, after one that it has, on the same line.
func addFields(file, decl, after, fields string) edit {
	return edit{file, decl, func(s *source, n ast.Node) (splice, error) {
		f, err := field(n, after)
		if err != nil {
			return splice{}, err
		}
		end := s.offset(f.End())
		return splice{end, end, "; " + fields}, nil
	}}
}

// retypeField gives a field of a struct another type.
func retypeField(file, decl, name, typ string) edit {
	return edit{file, decl, func(s *source, n ast.Node) (splice, error) {
		f, err := field(n, name)
		if err != nil {
			return splice{}, err
		}
		return splice{s.offset(f.Type.Pos()), s.offset(f.Type.End()), typ}, nil
	}}
}

// takeOver renames a function, so that one of ours can have its name and call it.
func takeOver(file, decl string) edit {
	return edit{file, decl, func(s *source, n ast.Node) (splice, error) {
		d, ok := n.(*ast.FuncDecl)
		if !ok {
			return splice{}, fmt.Errorf("is no function")
		}
		if regexp.MustCompile(`(?m)^//go:linkname ` + decl + `\b`).Match(s.text) {
			return splice{}, fmt.Errorf("has a go:linkname: others call it by its name")
		}
		return splice{s.offset(d.Name.Pos()), s.offset(d.Name.End()), d.Name.Name + "Flat"}, nil
	}}
}

// replaceCall puts text in the place of the nth call of callee, counted from 0.
func replaceCall(file, decl, callee string, nth int, text string) edit {
	return edit{file, decl, func(s *source, n ast.Node) (splice, error) {
		c, err := call(n, callee, nth)
		if err != nil {
			return splice{}, err
		}
		return splice{s.offset(c.Pos()), s.offset(c.End()), text}, nil
	}}
}

// renameCall has the nth call of callee call another function.
func renameCall(file, decl, callee string, nth int, other string) edit {
	return edit{file, decl, func(s *source, n ast.Node) (splice, error) {
		c, err := call(n, callee, nth)
		if err != nil {
			return splice{}, err
		}
		return splice{s.offset(c.Fun.Pos()), s.offset(c.Fun.End()), other}, nil
	}}
}

// replaceArg puts text in the place of an argument of the nth call of callee.
func replaceArg(file, decl, callee string, nth, arg int, text string) edit {
	return edit{file, decl, func(s *source, n ast.Node) (splice, error) {
		c, err := call(n, callee, nth)
		if err != nil {
			return splice{}, err
		}
		if arg >= len(c.Args) {
			return splice{}, fmt.Errorf("%s has no argument %d", callee, arg)
		}
		return splice{s.offset(c.Args[arg].Pos()), s.offset(c.Args[arg].End()), text}, nil
	}}
}

// beforeNewline has the nth call of print, which ends a line, leave that to a call of ours.
func beforeNewline(file, decl string, nth int, text string) edit {
	return edit{file, decl, func(s *source, n ast.Node) (splice, error) {
		c, err := call(n, "print", nth)
		if err != nil {
			return splice{}, err
		}
		if last, ok := c.Args[len(c.Args)-1].(*ast.BasicLit); !ok || !strings.HasSuffix(last.Value, `\n"`) {
			return splice{}, fmt.Errorf("ends no line in print %d", nth)
		}
		end := s.offset(c.End())
		return splice{end - len(`\n")`), end, `"); ` + text}, nil
	}}
}

// before inserts a statement before the nth statement that is a call of callee.
func before(file, decl, callee string, nth int, text string) edit {
	return edit{file, decl, func(s *source, n ast.Node) (splice, error) {
		c, err := call(n, callee, nth)
		if err != nil {
			return splice{}, err
		}
		off := s.offset(c.Pos())
		return splice{off, off, text + "; "}, nil
	}}
}

// ahead inserts a statement before the assignment that the nth call of callee is in.
func ahead(file, decl, callee string, nth int, text string) edit {
	return edit{file, decl, func(s *source, n ast.Node) (splice, error) {
		c, err := call(n, callee, nth)
		if err != nil {
			return splice{}, err
		}
		off := -1
		ast.Inspect(n, func(n ast.Node) bool {
			if a, ok := n.(*ast.AssignStmt); ok && len(a.Rhs) == 1 && a.Rhs[0] == ast.Expr(c) {
				off = s.offset(a.Pos())
			}
			return true
		})
		if off < 0 {
			return splice{}, fmt.Errorf("assigns what %s returns to nothing", callee)
		}
		return splice{off, off, text + "; "}, nil
	}}
}

// after inserts a statement after the nth statement that is a call of callee.
func after(file, decl, callee string, nth int, text string) edit {
	return edit{file, decl, func(s *source, n ast.Node) (splice, error) {
		c, err := call(n, callee, nth)
		if err != nil {
			return splice{}, err
		}
		off := s.offset(c.End())
		return splice{off, off, "; " + text}, nil
	}}
}

// afterAssign inserts a statement after the first assignment to a variable.
func afterAssign(file, decl, variable, text string) edit {
	return edit{file, decl, func(s *source, n ast.Node) (splice, error) {
		var found *ast.AssignStmt
		ast.Inspect(n, func(n ast.Node) bool {
			if a, ok := n.(*ast.AssignStmt); ok && found == nil && len(a.Lhs) == 1 && normal(a.Lhs[0]) == variable {
				found = a
			}
			return true
		})
		if found == nil {
			return splice{}, fmt.Errorf("assigns nothing to %s", variable)
		}
		off := s.offset(found.End())
		return splice{off, off, "; " + text}, nil
	}}
}

// atStart inserts a statement at the beginning of a function.
func atStart(file, decl, text string) edit {
	return edit{file, decl, func(s *source, n ast.Node) (splice, error) {
		d, ok := n.(*ast.FuncDecl)
		if !ok || d.Body == nil {
			return splice{}, fmt.Errorf("is no function with a body")
		}
		off := s.offset(d.Body.Lbrace) + 1
		return splice{off, off, " " + text + "; "}, nil
	}}
}

// field finds a field of a struct that has a line of its own.
func field(n ast.Node, name string) (*ast.Field, error) {
	if t, ok := n.(*ast.TypeSpec); ok {
		if st, ok := t.Type.(*ast.StructType); ok {
			for _, f := range st.Fields.List {
				if len(f.Names) == 1 && f.Names[0].Name == name {
					return f, nil
				}
			}
		}
	}
	return nil, fmt.Errorf("has no field %s", name)
}

// call finds the nth call of callee in a function, in the order of the text.
func call(n ast.Node, callee string, nth int) (found *ast.CallExpr, err error) {
	seen := 0
	ast.Inspect(n, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok && normal(c.Fun) == callee {
			if seen == nth {
				found = c
			}
			seen++
		}
		return true
	})
	if found == nil {
		return nil, fmt.Errorf("calls %s %d times, want more than %d", callee, seen, nth)
	}
	return found, nil
}

// apply makes the edits of one file.
func (s *source) apply(edits []edit) ([]byte, error) {
	var all []splice
	for _, e := range edits {
		n, ok := s.decls[e.decl]
		if !ok {
			return nil, fmt.Errorf("%s declares no %s", s.name, e.decl)
		}
		sp, err := e.apply(s, n)
		if err != nil {
			return nil, fmt.Errorf("%s: %s %w", s.name, e.decl, err)
		}
		if strings.Contains(sp.text, "\n") {
			return nil, fmt.Errorf("%s: an edit of %s adds a line", s.name, e.decl)
		}
		if bytes.Contains(s.text[sp.off:sp.end], []byte("\n")) {
			return nil, fmt.Errorf("%s: an edit of %s removes a line", s.name, e.decl)
		}
		all = append(all, sp)
	}
	slices.SortStableFunc(all, func(a, b splice) int { return a.off - b.off })
	var out bytes.Buffer
	at := 0
	for _, sp := range all {
		if sp.off < at {
			return nil, fmt.Errorf("%s: two edits overlap at byte %d", s.name, sp.off)
		}
		out.Write(s.text[at:sp.off])
		out.WriteString(sp.text)
		at = sp.end
	}
	out.Write(s.text[at:])
	if _, err := parser.ParseFile(token.NewFileSet(), s.name, out.Bytes(), parser.SkipObjectResolution); err != nil {
		return nil, fmt.Errorf("%s after the edits: %w", s.name, err)
	}
	return out.Bytes(), nil
}
