package main

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// Completion knows commands, flags and the names that flags take, also after the
// comma of a list.
func TestCompletionKnowsCommandsFlagsAndNames(t *testing.T) {
	for _, c := range []struct {
		typed []string
		want  []string
	}{
		{[]string{"r"}, []string{"run\tmeasure arms against workloads and write a result directory", "report\tprint the tables of a result directory and make its HTML page again"}},
		{[]string{"run", "--to"}, []string{"--topology\tcomma-separated `LIST` of topologies"}},
		{[]string{"run", "--arm", "goro"}, []string{"goroutine"}},
		{[]string{"run", "--arm", "flat,numa-w"}, []string{"flat,numa-wrongmap"}},
		{[]string{"run", "--workload=tr"}, []string{"triad"}},
		{[]string{"run", "--topology", "skx-2x8"}, []string{"skx-2x8180"}},
		{[]string{"topo", "--from", "skx-8"}, []string{"skx-8s"}},
		{[]string{"sim", "--preset", "skx-8s,snb-4s"}, []string{"skx-8s,snb-4s-ring"}},
		{[]string{"sim", "--arm", "goro"}, nil},
		{[]string{"sim", "--scenario", ""}, []string{"json"}}, // the extension of the files to complete
		{[]string{"report", "--baseline", "flat+p"}, []string{"flat+pin"}},
		{[]string{"sim", "--procs", "1/4,a"}, []string{"1/4,all"}},
		{[]string{"explore", "--program", "spawn,stea"}, []string{"spawn,steal"}},
		{[]string{"explore", "--arm", "gm,numa-ne"}, []string{"gm,numa-near"}},
		{[]string{"completion", "po"}, []string{"powershell\tGenerate the autocompletion script for powershell"}},
	} {
		status, out, _ := cli(append([]string{"__complete"}, c.typed...)...)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		got := lines[:len(lines)-1] // a directive for the shell's script comes last
		if status != 0 || !slices.Equal(got, c.want) {
			t.Errorf("%q: status %d, completed to %q, want %q", c.typed, status, got, c.want)
		}
	}
}

func TestCompletionScriptsOfFourShells(t *testing.T) {
	for shell, want := range map[string]string{
		"bash": "complete -o default -F __start_experiments experiments", "zsh": "compdef _experiments experiments",
		"fish": "complete -c experiments", "powershell": "Register-ArgumentCompleter -CommandName 'experiments'",
	} {
		if status, out, errs := cli("completion", shell); status != 0 || errs != "" || !strings.Contains(out, want) {
			t.Errorf("%s: status %d, %s; the script does not say %q", shell, status, errs, want)
		}
	}
}

// Every command that is not hidden has a page, which holds its flags.
func TestManWritesAPageForEveryCommand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "share", "man1")
	var pages [2]string
	for i := range pages {
		if status, _, errs := cli("man", dir); status != 0 {
			t.Fatal(errs)
		}
		pages[i] = read(t, filepath.Join(dir, "experiments-run.1"))
	}
	if pages[0] != pages[1] {
		t.Error("the second page differs from the first")
	}
	for _, want := range []string{`\fB--workload\fP`, "numa-wrongmap", "experiments run --quick", "n=32  which"} {
		if !strings.Contains(pages[0], want) {
			t.Errorf("the page of run does not say %q", want)
		}
	}
	for _, c := range newRoot(nil, io.Discard, io.Discard).Commands() {
		if page := read(t, filepath.Join(dir, "experiments-"+c.Name()+".1")); !strings.Contains(page, "experiments-"+c.Name()) {
			t.Errorf("the page of %s does not name it", c.Name())
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), "probe") {
			t.Errorf("%s: of a hidden command", e.Name())
		}
	}
}

func TestVersionSaysWhatWasBuilt(t *testing.T) {
	for _, arg := range []string{"--version", "-v"} {
		status, out, errs := cli(arg)
		if status != 0 || errs != "" {
			t.Errorf("status %d, %s", status, errs)
		}
		for _, want := range []string{"experiments ", "commit ", runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH} {
			if !strings.Contains(out, want) {
				t.Errorf("%s does not say %q: %q", arg, want, out)
			}
		}
	}
}
