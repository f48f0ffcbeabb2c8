package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
)

// program returns the package's Example in example_test.go as a program of its
// own: the imports of that file, and a main with the body of func Example.
func (b *book) program(pkg string) (string, error) {
	path := filepath.Join(b.root, pkg, "example_test.go")
	source, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, source, parser.ParseComments)
	if err != nil {
		return "", err
	}
	text := func(from, to token.Pos) []byte {
		return source[fset.Position(from).Offset:fset.Position(to).Offset]
	}
	var out bytes.Buffer
	out.WriteString("package main\n\n")
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.GenDecl:
			if d.Tok == token.IMPORT {
				fmt.Fprintf(&out, "%s\n\n", text(d.Pos(), d.End()))
			}
		case *ast.FuncDecl:
			if d.Name.Name != "Example" {
				return "", fmt.Errorf("%s: func %s: want func Example alone", path, d.Name.Name)
			}
			to := d.Body.Rbrace
			for _, c := range file.Comments { // "Output:" is for go test
				if c.Pos() > d.Body.Lbrace && c.End() < to && bytes.HasPrefix([]byte(c.Text()), []byte("Output:")) {
					to = c.Pos()
				}
			}
			fmt.Fprintf(&out, "func main() %s}\n", text(d.Body.Lbrace, to))
		}
	}
	formatted, err := format.Source(out.Bytes())
	return string(bytes.TrimSuffix(formatted, []byte("\n"))), err
}
