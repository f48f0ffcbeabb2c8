package policy

import (
	"encoding/json"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"testing"
)

// sources parses the files of a package without its tests.
func sources(t *testing.T, dir string) (files map[string]*ast.File) {
	pkg, err := build.ImportDir(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]*ast.File{}
	for _, name := range pkg.GoFiles {
		if name == "source.go" && dir == "." {
			continue // it is not compiled into Go's runtime
		}
		file := filepath.Join(dir, name)
		if files[file], err = parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// declared returns what the files declare at the top level.
func declared(files map[string]*ast.File) map[string]string {
	names := map[string]string{}
	for file, f := range files {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					names[d.Name.Name] = file
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						names[spec.Name.Name] = file
					case *ast.ValueSpec:
						for _, name := range spec.Names {
							names[name.Name] = file
						}
					}
				}
			}
		}
	}
	return names
}

// Go's runtime schedules before it has run the initialisers of its variables, and much of
// it may not allocate.
func TestSourceFitsIntoGosRuntime(t *testing.T) {
	files := sources(t, ".")
	for file, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			bad := ""
			switch n := n.(type) {
			case *ast.ImportSpec:
				bad = "imports " + n.Path.Value
			case *ast.FuncLit:
				bad = "has a closure"
			case *ast.InterfaceType:
				bad = "has an interface"
			case *ast.MapType, *ast.ChanType, *ast.GoStmt, *ast.DeferStmt, *ast.SelectStmt:
				bad = "has a map, a channel, a go, a defer or a select"
			case *ast.FuncType:
				if n.TypeParams != nil {
					bad = "is generic"
				}
			case *ast.TypeSpec:
				if n.TypeParams != nil {
					bad = "is generic"
				}
			}
			if bad != "" {
				t.Errorf("%s %s", file, bad)
			}
			return true
		})
		for _, d := range f.Decls {
			if d, ok := d.(*ast.GenDecl); ok && d.Tok == token.VAR {
				ast.Inspect(d, func(n ast.Node) bool {
					if _, call := n.(*ast.CallExpr); call {
						t.Errorf("%s: a variable is initialised by a call", file)
					}
					return true
				})
			}
		}
	}

	runtime := declared(sources(t, filepath.Join(build.Default.GOROOT, "src", "runtime")))
	if runtime["findRunnable"] == "" {
		t.Fatalf("no findRunnable in the runtime of %s", build.Default.GOROOT)
	}
	for name, file := range declared(files) {
		if other := runtime[name]; other != "" {
			t.Errorf("%s declares %s, and so does %s", file, name, other)
		}
	}
}

// What changes while a scheduler runs needs no write barriers.
func TestStateHasNoPointers(t *testing.T) {
	for _, state := range []any{Turn(0), Search{}, Step{}, Walk{}, Rest(0), Appetite{}, Trail{}, Rand(0),
		Pace{}, Sighting{}, Stuck{}, StuckAsks{}, Retake(0), Ask(0), Handoff(0), Spin(0)} {
		var check func(reflect.Type)
		check = func(typ reflect.Type) {
			switch typ.Kind() {
			case reflect.Struct:
				for i := range typ.NumField() {
					check(typ.Field(i).Type)
				}
			case reflect.Bool, reflect.Uint8, reflect.Uint32, reflect.Uint64, reflect.Int32, reflect.Int64:
			default:
				t.Errorf("%T has a %v", state, typ)
			}
		}
		check(reflect.TypeOf(state))
	}
}

func TestNothingIsAllocated(t *testing.T) {
	m := newMock(t, "numa")
	sum := 0
	if n := testing.AllocsPerRun(100, func() {
		m.p.Tick()
		for turn := m.p.Turn(); turn != 0; turn = turn.Next() {
			sum += int(turn.Look())
		}
		m.p.Stole(1, false)
		for search := m.p.Search(2); ; {
			step := search.Next(&m.p)
			if step.Kind == GiveUp {
				break
			}
			sum += int(step.Take(8, 4))
		}
		for step := m.p.Rest(0); step != SleepNow; step = step.Next(true) {
			sum++
		}
	}); n != 0 || sum == 0 {
		t.Errorf("a turn allocates %v objects", n)
	}
}

// Go's runtime compiles with the policy in it.
func TestCompilesInGosRuntime(t *testing.T) {
	if os.Getenv("NUMASCHED_LONG_TESTS") == "" {
		t.Skip("compiles the runtime; set NUMASCHED_LONG_TESTS=1 to run it")
	}
	goCmd, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command: ", err)
	}
	clause := regexp.MustCompile(`(?m)^package policy$`)
	dir, replace := t.TempDir(), map[string]string{}
	for file := range sources(t, ".") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(dir, filepath.Base(file))
		if err := os.WriteFile(copied, clause.ReplaceAll(text, []byte("package runtime")), 0o666); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(build.Default.GOROOT, "src", "runtime", "numapolicy_"+filepath.Base(file))] = copied
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, text, 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(goCmd, "build", "-overlay", overlay, "runtime").CombinedOutput(); err != nil {
		t.Errorf("go build: %v\n%s", err, out)
	}
}
