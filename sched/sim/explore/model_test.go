package explore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The programs on the model of Go's scheduler keep the invariants.
func TestModelPrograms(t *testing.T) {
	for _, p := range ModelPrograms {
		for _, c := range []struct{ cpus, nodes int }{{2, 2}, {3, 2}, {3, 3}, {4, 2}} {
			if c.cpus < p.MinCPUs {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d/%d", p.Name, c.cpus, c.nodes), func(t *testing.T) {
				t.Parallel()
				cfg := config(t, "numa")
				cfg.CPUs, cfg.Nodes = c.cpus, c.nodes
				r, err := Explore(context.Background(), p, cfg)
				if err != nil {
					t.Fatal(err)
				}
				if f := r.Failure; f != nil {
					t.Fatalf("%v\nschedule %s\n%s", f.Err, f.Schedule, f.Timeline)
				}
			})
		}
	}
}

// Whatever the model leaves out, an execution is the same whenever its schedule is.
func TestModelReplays(t *testing.T) {
	for _, p := range ModelPrograms {
		cfg := config(t, "numa")
		cfg.Gs = max(cfg.Gs, p.MinGs)
		once, err := Replay(p, cfg, nil)
		if err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		if again, _ := Replay(p, cfg, nil); again != once {
			t.Errorf("%s: two replays differ", p.Name)
		}
	}
}

// reviewed is each function of the overlay that the model mirrors, with a hash of its text
// without comments, as it was when somebody last compared the two.
var reviewed = map[string]string{
	"numaHere":             "d0c1491c862c823d",
	"numaTrail":            "8426e15b88908408",
	"numaReady":            "c05630527ba82253",
	"numaSendHome":         "c10806a719570337",
	"numaNetpoll":          "61b7e2d6a8719568",
	"numaExecute":          "77c99b23a1abd5af",
	"numaMget":             "111ecf4fe53e8ae6",
	"numaMgetSpecific":     "f59c8e64fd6fea48",
	"numaPidleput":         "2a6735c2df6641aa",
	"numaPidleFirst":       "5be62cb92314e06f",
	"numaNth":              "1268d890a3d37dd6",
	"numaPidleget":         "cf44a629731efe3d",
	"numaPidleMove":        "30483d6088004fd9",
	"numaWakeNode":         "24b4c8b04d621985",
	"numaQueueOf":          "3adee79a907d8642",
	"numaEvacuate":         "cdecc302a0cdac90",
	"numaQueueEmpty":       "55ac0bbf0a3fcd91",
	"numaNotFair":          "561b37f812cdbe38",
	"numaGlobrunqget":      "5c42718898ef6060",
	"numaTakable":          "308154e8ac1fd2c6",
	"numaNothingQueued":    "9a04374b4d0c4d1b",
	"numaGlobrunqgetbatch": "df9e9e5f8150cddd",
	"numaCheckRunqsNoP":    "0c9b753b962f0f79",
	"numaLook":             "08f908af1e96f7da",
	"numaOut":              "7d459ea2ca3944ab",
	"numaInSyscall":        "c5956d21667eebc3",
	"numaHomeless":         "d606071b9cb73b20",
	"numaDoze":             "3f098ece161411ed",
	"numaDecline":          "73c16ea24a43f1a2",
	"numaRetake":           "e54261f629b44854",
	"numaQuiet":            "4e0d642d7ff8f24b",
	"numaBit":              "70844c22d96de45e",
	"numaDozing":           "bdc8bf657fb035c7",
	"numaAwake":            "0857a9dd19789dec",
	"numaWait":             "6c17f6c0786922bb",
	"numaSend":             "a870534227ec9fa6",
	"numaProcresize":       "006c712028e5ad2a",
	"numaProcresizeNode":   "8c54c297284ebf27",
	"numaStealWork":        "4cc885909d33e8d0",
	"numaStealFar":         "9c1cd130bc251209",
	"numaStealNext":        "c9eee758a822c7e9",
	"numaStealQueue":       "f82bc5cbafd45e57",
	"numaMore":             "64c7e38531ebc20d",
	"numaEaten":            "2290fa55ebfd87ec",
	"numaDozeFor":          "e5c8b513b4b6c42d",
	"numaTimer":            "aef02eed25770410",
	"numaMList.of":         "bf7d6976aa0b2429",
	"numaMList.pop":        "d3e2d089e1d7a2be",
	"numaMList.popFrom":    "55d73fb0347ddeff",
	"numaRunq.push":        "9cbe7eafda021773",
	"numaRunq.pushBack":    "7de72148ec46f588",
	"edits":                "e70574ef006a8f8d",
}

// What the model mirrors is as it was when somebody last looked at both.
func TestModelIsOfTheOverlay(t *testing.T) {
	const dir = "../../goruntime/overlay"
	now := map[string]string{"edits": editsHash(t, filepath.Join(dir, "edits.go"))}
	files, err := filepath.Glob(filepath.Join(dir, "_runtime", "numa*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && filepath.Base(file) != "numa_stub.go" {
				d.Doc = nil
				name := d.Name.Name
				if d.Recv != nil {
					name = normal(d.Recv.List[0].Type) + "." + name
				}
				now[strings.TrimPrefix(name, "*")] = hash(normal(d))
			}
		}
	}
	for name, want := range reviewed {
		if got := now[name]; got != want {
			t.Errorf("%s of sched/goruntime/overlay has changed, or is gone: its hash is %q, was %q. "+
				"Does the model in model_numa*.go still do the same? Change it, explore it (experiments explore --program numago-...), "+
				"and then write the new hash here", name, got, want)
		}
	}
}

// editsHash is of those edits of Go's files that mention a function of the model.
func editsHash(t *testing.T, file string) string {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		text := normal(call)
		for _, name := range regexp.MustCompile(`\w+`).FindAllString(text, -1) {
			if _, mirrored := reviewed[name]; mirrored {
				all = append(all, text)
				break
			}
		}
		return false
	})
	if len(all) < 15 {
		t.Fatalf("%d edits mention functions of the model, want at least 15", len(all))
	}
	return hash(strings.Join(all, "\n"))
}

// Every function of the overlay that the model mirrors is one of the model's, and the
// other way round.
func TestModelMirrors(t *testing.T) {
	files, err := filepath.Glob("model_numa*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	// These have other names in the overlay, or are parts of functions.
	renamed := map[string]string{"of": "midleFor", "pop": "mget", "popFrom": "popFrom", "push": "push", "pushBack": "pushBack"}
	own := []string{"head", "pop", "pidleputQuiet"}
	var have []string
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && !slices.Contains(own, d.Name.Name) {
				have = append(have, d.Name.Name)
			}
		}
	}
	var want []string
	for name := range reviewed {
		if name == "edits" {
			continue
		}
		if _, method, found := strings.Cut(name, "."); found {
			name = renamed[method]
		}
		want = append(want, name)
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("the model has %q, and hashes are known of %q", have, want)
	}
}

// normal prints a node without comments, with every run of white space as one blank.
func normal(n ast.Node) string {
	var b bytes.Buffer
	if err := (&printer.Config{Mode: printer.RawFormat}).Fprint(&b, token.NewFileSet(), n); err != nil {
		panic(err) // what was parsed can be printed
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}
