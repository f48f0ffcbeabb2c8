package main

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

var root = filepath.Join("..", "..")

// The book takes more than a second to read.
var readOnce = sync.OnceValues(func() (*book, error) { return readBook(root) })

// quoted returns a book whose values a test may change.
func quoted(t *testing.T) *book {
	t.Helper()
	b, err := readOnce()
	if err != nil {
		t.Fatal(err)
	}
	own := *b
	own.values = maps.Clone(b.values)
	return &own
}

// README and paper say what results and Examples say.
func TestDocumentsAreCurrent(t *testing.T) {
	changed, err := outdated(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names(changed) {
		t.Errorf("%s is out of date: run go run ./scripts/docs", name)
	}
}

// A number that was changed by hand, in the README or in results, is one that
// fill changes back.
func TestADeviationIsFound(t *testing.T) {
	b := quoted(t)
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	right, err := b.fill("README.md", readme)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"overheadLow", "forkGoroutineNs", "homedOverHigh", "wrongAllHigh", "onenodeLow"} {
		wrong := bytes.ReplaceAll(right, []byte(b.values[value]), []byte("47.11"))
		if bytes.Equal(wrong, right) {
			t.Errorf("%s, %s, is not in the README", value, b.values[value])
		}
		if got, err := b.fill("README.md", wrong); err != nil || bytes.Contains(bytes.Join(wholeBlock.FindAll(got, -1), nil), []byte("47.11")) {
			t.Errorf("%s: %v: a wrong number stays in a block", value, err)
		}
		was := b.values[value]
		b.values[value] = "47.11"
		if got, err := b.fill("README.md", right); err != nil || bytes.Equal(got, right) {
			t.Errorf("%s: %v: a new result leaves the README as it is", value, err)
		}
		b.values[value] = was
	}
}

var wholeBlock = regexp.MustCompile(`(?s)<!-- begin .*?<!-- end [a-z]+ -->`)

// What is claimed has no number that somebody wrote by hand, but for what is said
// to have been measured elsewhere.
func TestNoNumberIsWrittenByHand(t *testing.T) {
	number := regexp.MustCompile(`\d(\.\d+)?\s*(\\,)?(%|\\%|ns\b|x\b|times\b|points\b)|\d\.\d\d`)
	check := func(name, text string) {
		for _, item := range strings.Split(strings.ReplaceAll(text, "\n- ", "\x00"), "\x00") {
			if !strings.Contains(item, "are not in results/") {
				for _, found := range number.FindAllString(item, -1) {
					t.Errorf("%s: %q is written by hand: take it from results/, in scripts/docs/values.go", name, found)
				}
			}
		}
	}
	for _, name := range []string{"claimed", "loses", "books"} {
		text, err := blocks.ReadFile("blocks/" + name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		check(name+".md", string(text))
	}
	paper, err := os.ReadFile(filepath.Join(root, "paper", "paper.tex"))
	if err != nil {
		t.Fatal(err)
	}
	_, claims, ok1 := strings.Cut(string(paper), `\textbf{Claimed}`)
	claims, _, ok2 := strings.Cut(claims, `\textbf{Not claimed.}`)
	if !ok1 || !ok2 {
		t.Fatal("paper.tex: want Claimed, and then Not claimed.")
	}
	check("paper.tex", claims)
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, claims, ok1 = strings.Cut(string(readme), "## What is claimed")
	claims, _, ok2 = strings.Cut(claims, "\n## ")
	if !ok1 || !ok2 {
		t.Fatal("README.md: want a section What is claimed")
	}
	check("README.md", wholeBlock.ReplaceAllString(claims, ""))
}

func TestBadMarkersAreErrors(t *testing.T) {
	b := quoted(t)
	for text, want := range map[string]string{
		"<!-- begin claimed -->\n":                                                               `X.md: "<!-- begin claimed -->": want <!-- begin NAME`,
		"<!-- begin claimed: from scripts/docs/blocks/loses.md -->\n":                            "X.md: block claimed is said to come from loses.md",
		"<!-- begin claimed: from scripts/docs/blocks/claimed.md -->\nx\n<!-- end claim -->\n":   `X.md: block claimed has no line "<!-- end claimed -->"`,
		"<!-- begin nothing: from scripts/docs/blocks/nothing.md -->\nx\n<!-- end nothing -->\n": "X.md: template: pattern matches no files",
	} {
		_, err := b.fill("X.md", []byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}

// A result that the documents quote and that is not there is an error with its name.
func TestAMissingResultIsAnError(t *testing.T) {
	b := quoted(t)
	if b.row("host-tasks", "no-such", "flat"); b.err == nil || !strings.Contains(b.err.Error(), "no no-such under flat") {
		t.Errorf("error %v, want one that names workload and arm", b.err)
	}
	if _, err := readBook(t.TempDir()); err == nil || !strings.Contains(err.Error(), "reference-host-2cpu") {
		t.Errorf("error %v, want one that names the folder", err)
	}
}

// Where the module has a home, the README says how to get it from there.
func TestAHomeIsNamed(t *testing.T) {
	b := quoted(t)
	b.values["module"], b.values["home"] = "example.org/you/n", "yes"
	for block, want := range map[string]string{"clone": "git clone https://example.org/you/n numasched", "use": "go get example.org/you/n"} {
		var out bytes.Buffer
		if err := b.execute(&out, block); err != nil || !strings.Contains(out.String(), want) || strings.Contains(out.String(), "no public home") {
			t.Errorf("%s: %v, %s; want %q in it", block, err, out.String(), want)
		}
	}
}

// The program of the README runs where the README says, and prints what the
// Example prints.
func TestTheProgramOfTheReadmeRuns(t *testing.T) {
	goCmd, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command")
	}
	program, err := quoted(t).program("sched/host")
	if err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o666); err != nil {
		t.Fatal(err)
	}
	var out []byte
	for _, args := range [][]string{{"mod", "init", "hello"}, {"work", "init", ".", here}, {"run", "."}} {
		cmd := exec.Command(goCmd, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=-buildvcs=false", "GOWORK=", "PWD="+dir)
		if out, err = cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s\n%s", strings.Join(args, " "), err, out, program)
		}
	}
	if want := "[0 1 4 9 16 25 36 49] <nil>\n"; string(out) != want {
		t.Errorf("the program prints %q, want %q", out, want)
	}
}
