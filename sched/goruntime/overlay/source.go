package overlay

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"strings"
)

// A source is one parsed file of Go's runtime.
type source struct {
	name  string // in src/runtime
	text  []byte
	fset  *token.FileSet
	decls map[string]ast.Node // "f", "T.m" or "T": a function, a method or a type
}

func parse(name string, text []byte) (*source, error) {
	fset := token.NewFileSet()
	// Comments are left out: they change nothing.
	file, err := parser.ParseFile(fset, name, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	s := &source{name: name, text: text, fset: fset, decls: map[string]ast.Node{}}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			name := d.Name.Name
			if d.Recv != nil {
				name = receiver(d) + "." + name
			}
			s.decls[name] = d
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if t, ok := spec.(*ast.TypeSpec); ok {
					s.decls[t.Name.Name] = t
				}
			}
		}
	}
	return s, nil
}

// receiver is the name of a method's receiver type.
func receiver(d *ast.FuncDecl) string {
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if index, ok := t.(*ast.IndexExpr); ok {
		t = index.X
	}
	if name, ok := t.(*ast.Ident); ok {
		return name.Name
	}
	return "?"
}

// hash is the first half of the SHA-256 of a declaration without comments and layout.
func (s *source) hash(decl string) (string, error) {
	n, ok := s.decls[decl]
	if !ok {
		return "", fmt.Errorf("%s declares no %s", s.name, decl)
	}
	sum := sha256.Sum256([]byte(normal(n)))
	return hex.EncodeToString(sum[:16]), nil
}

// normal prints a node and makes every run of white space one blank.
func normal(n ast.Node) string {
	var b bytes.Buffer
	// An empty file set knows no lines, so the printer keeps none.
	if err := (&printer.Config{Mode: printer.RawFormat}).Fprint(&b, token.NewFileSet(), n); err != nil {
		panic(err) // a node that was parsed can be printed
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func (s *source) offset(p token.Pos) int { return s.fset.Position(p).Offset }
