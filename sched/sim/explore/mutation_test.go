package explore

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A mutation is a bug to put into the scheduler's source. Its file under
// testdata/mutations has lines "file:" (in sched), "breaks:", "programs:" (that show it)
// and perhaps "tags:" (to build with), then the text to replace and what replaces it.
type mutation struct {
	name, file, breaks, programs, tags string
	old, new                           string
}

func readMutation(name string) (m mutation, err error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return m, err
	}
	m.name = strings.TrimSuffix(filepath.Base(name), ".txt")
	head, rest, ok1 := strings.Cut(string(data), "-- old --\n")
	before, after, ok2 := strings.Cut(rest, "-- new --\n")
	if !ok1 || !ok2 {
		return m, fmt.Errorf("%s: want sections -- old -- and -- new --", name)
	}
	m.old, m.new = strings.TrimSuffix(before, "\n"), strings.TrimSuffix(after, "\n")
	for line := range strings.Lines(head) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "file":
			m.file = value
		case "breaks":
			m.breaks = value
		case "programs":
			m.programs = value
		case "tags":
			m.tags = value
		default:
			return m, fmt.Errorf("%s: unknown line %q", name, line)
		}
	}
	return m, nil
}

// apply returns the mutated text of the file that the mutation is for.
func (m *mutation) apply(src string) (string, error) {
	if n := strings.Count(src, m.old); n != 1 {
		return "", fmt.Errorf("%s: the text to replace occurs %d times in %s, want once; has the code changed?", m.name, n, m.file)
	}
	return strings.Replace(src, m.old, m.new, 1), nil
}

// A hunter is a command with mutated schedulers in it, several, because most of the time
// to build one goes into what all have in common. A build overlay adds each as a package
// of its own, with policy and the packages that import it. The source itself is not touched.
type hunter struct {
	mutations []mutation
	once      sync.Once
	command   string
	err       error
}

// perHunter is how many mutations a hunter has at most.
const perHunter = 8

// copied are the packages that each mutation has its own copy of, with their directories
// below sched. mutants/N stands for sched itself.
var copied = []struct{ path, dir, as string }{
	{"numasched/sched", ".", ""},
	{"numasched/sched/policy", "policy", "/policy"},
	{"numasched/sched/internal/inspect", "internal/inspect", "/inspect"},
	{"numasched/sched/trace", "trace", "/trace"},
	{"numasched/sched/sim/explore", "sim/explore", "/explore"},
}

// build builds the hunter, once.
func (h *hunter) build(dir string) error {
	h.once.Do(func() {
		root, err := filepath.Abs(filepath.Join("..", ".."))
		if err == nil {
			err = os.Mkdir(dir, 0o777)
		}
		if err == nil {
			err = h.buildIn(dir, root)
		}
		h.err = err
	})
	return h.err
}

func (h *hunter) buildIn(dir, root string) error {
	replace := make(map[string]string)
	add := func(name, text string) error { // a file below mutants
		file := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		replace[filepath.Join(root, "mutants", filepath.FromSlash(name))] = file
		return os.WriteFile(file, []byte(text), 0o666)
	}
	var imports, cases strings.Builder
	for i, m := range h.mutations {
		var paths []string
		for _, c := range copied {
			paths = append(paths, `"`+c.path+`"`, fmt.Sprintf(`"numasched/sched/mutants/%d%s"`, i, c.as))
		}
		applied := false
		rewrite := strings.NewReplacer(paths...)
		for _, c := range copied {
			files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(c.dir), "*.go"))
			if err != nil {
				return err
			}
			for _, file := range files {
				if strings.HasSuffix(file, "_test.go") {
					continue
				}
				src, err := os.ReadFile(file)
				if err != nil {
					return err
				}
				text := rewrite.Replace(string(src))
				if rel, _ := filepath.Rel(root, file); filepath.ToSlash(rel) == m.file {
					if text, err = m.apply(text); err != nil {
						return err
					}
					applied = true
				}
				if err := add(fmt.Sprintf("%d%s/%s", i, c.as, filepath.Base(file)), text); err != nil {
					return err
				}
			}
		}
		if !applied {
			return fmt.Errorf("%s: %s is in no package of those that are copied", m.name, m.file)
		}
		hunt, err := os.ReadFile(filepath.Join("testdata", "hunter", "hunt.go"))
		if err != nil {
			return err
		}
		if err := add(fmt.Sprintf("%d/explore/hunt.go", i), rewrite.Replace(string(hunt))); err != nil {
			return err
		}
		fmt.Fprintf(&imports, "import m%d \"numasched/sched/mutants/%d/explore\"\n", i, i)
		fmt.Fprintf(&cases, "\tcase %q:\n\t\tm%d.Hunt(%q)\n", m.name, i, m.programs)
	}
	main := "package main\n\nimport \"os\"\n\n" + imports.String() + "\nfunc main() {\n\tswitch os.Args[1] {\n" + cases.String() + "\t}\n}\n"
	if err := add("hunter/main.go", main); err != nil {
		return err
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, text, 0o666); err != nil {
		return err
	}
	h.command = filepath.Join(dir, "hunter.exe")
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-tags", h.mutations[0].tags, "-overlay", overlay, "-o", h.command, "./mutants/hunter")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("a mutated scheduler does not build: %v\n%s", err, out)
	}
	return nil
}

func TestMutations(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("builds the scheduler once for each mutation, without the race detector")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command to build mutated schedulers with")
	}
	files, err := filepath.Glob(filepath.Join("testdata", "mutations", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 60 {
		t.Fatalf("%d mutations, want at least 60", len(files))
	}
	dir := t.TempDir()
	last := make(map[string]*hunter) // by tags
	for i, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			m, err := readMutation(file)
			if err != nil {
				t.Fatal(err)
			}
			src, err := os.ReadFile(filepath.Join("..", "..", m.file))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.apply(string(src)); err != nil {
				t.Fatal(err)
			}
			if i%4 != 0 && !longTests() {
				t.Skip("one of the three in four that only the long tests hunt")
			}
			h := last[m.tags]
			if h == nil || len(h.mutations) == perHunter {
				h = new(hunter)
				last[m.tags] = h
			}
			h.mutations = append(h.mutations, m)
			first := h.mutations[0].name
			t.Parallel() // from here on the hunters are complete
			if err := h.build(filepath.Join(dir, first)); err != nil {
				t.Fatal(err)
			}
			out := h.hunt(m.name)
			if !strings.Contains(out, "FOUND") {
				t.Errorf("not found: %s\n%s", m.breaks, out)
				return
			}
			line, _, _ := strings.Cut(out[strings.Index(out, "FOUND"):], "\n")
			t.Logf("%s\n\t%s", m.breaks, line)
		})
	}
}

// hunt looks for one of h's mutations and returns what was printed. A mutated scheduler
// may also do without an end what is no access, hence the time-out.
func (h *hunter) hunt(name string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, h.command, name).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%v\n%s", err, out)
	}
	return string(out)
}
