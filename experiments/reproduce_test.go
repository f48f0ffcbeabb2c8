package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A reproduction is a copy of scripts/reproduce.sh where "go build" builds a
// script, which notes what it is asked for.
type reproduction struct {
	dir string // holds scripts and bin
	t   *testing.T
}

func newReproduction(t *testing.T) *reproduction {
	if err := exec.Command("sh", "-c", "sed -n 1p /dev/null && expr 1 + 1 && date").Run(); err != nil {
		t.Skip("no Unix shell and tools: ", err)
	}
	r := &reproduction{t.TempDir(), t}
	text, err := os.ReadFile(filepath.Join("..", "scripts", "reproduce.sh"))
	if err != nil {
		t.Fatal(err)
	}
	r.write("scripts/reproduce.sh", string(text))
	r.write("tools/git", "#!/bin/sh\nexit 1\n")
	r.write("tools/go", `#!/bin/sh
case $1 in
env) echo go1.26.0 ;;
build) mkdir -p bin && cp experiments.sh bin/experiments ;;
esac
`)
	r.write("experiments.sh", `#!/bin/sh
{ printf '%s\t' "$@"; echo; } >>commands
name=$1
out=
while [ $# -gt 0 ]; do
	[ "$1" != --out ] || out=$2
	shift
done
[ -z "$out" ] || { mkdir -p "$out" && : >"$out/index.html"; }
[ "$name" != "$FAILING" ] || exit $STATUS
`)
	return r
}

func (r *reproduction) write(name, text string) {
	r.t.Helper()
	name = filepath.Join(r.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, []byte(text), 0o777)); err != nil {
		r.t.Fatal(err)
	}
}

// sh runs a command line of the shell in the folder of the copy. The command
// failing, such as run or sim, ends with that status. It returns the commands that
// were noted as well.
func (r *reproduction) sh(failing string, status string, line string) (code int, stdout, stderr string, commands [][]string) {
	r.t.Helper()
	os.Remove(filepath.Join(r.dir, "commands"))
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(r.dir, "tools")+string(os.PathListSeparator)+os.Getenv("PATH"), "FAILING="+failing, "STATUS="+status)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		r.t.Fatal(err)
	}
	text, _ := os.ReadFile(filepath.Join(r.dir, "commands"))
	for line := range strings.Lines(string(text)) {
		commands = append(commands, strings.Split(strings.TrimSuffix(line, "\t\n"), "\t"))
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String(), commands
}

// What the script asks for is what the command takes, and its last lines are
// where the reports lie.
func TestReproduceAsksForWhatThereIs(t *testing.T) {
	r := newReproduction(t)
	for _, line := range []string{"scripts/reproduce.sh", "scripts/reproduce.sh --full --out mine"} {
		code, out, errs, commands := r.sh("", "", line)
		if code != 0 || errs != "" {
			t.Fatalf("%s: status %d, %s", line, code, errs)
		}
		var names []string
		for _, args := range commands {
			names = append(names, args[0])
			cmd, rest, err := newRoot(args, io.Discard, io.Discard).Find(args)
			if err == nil {
				err = cmd.ParseFlags(rest)
			}
			if err == nil {
				err = cmd.ValidateArgs(cmd.Flags().Args())
			}
			if err != nil {
				t.Errorf("%s: %q: %v", line, args, err)
			}
			if f := new(simFlags); args[0] == "sim" && f.parse(args[1:]) == nil {
				if _, err := f.sweep(); err != nil {
					t.Errorf("%s: %q: %v", line, args, err)
				}
			}
		}
		if got := strings.Join(names, " "); got != "topo doctor run sim report" {
			t.Errorf("%s: the commands are %s", line, got)
		}
		reports := strings.Split(strings.TrimSpace(out), "\n")
		reports = reports[len(reports)-2:]
		for i, name := range []string{"/index.html", "/simulated/index.html"} {
			if !strings.HasPrefix(reports[i], "report of ") || !strings.HasSuffix(reports[i], name) {
				t.Errorf("%s: %q, want where the report is", line, reports[i])
			}
		}
	}
}

// An interrupted script says how to go on, and so do run and sim; what they say
// works.
func TestReproduceGoesOnAsItSays(t *testing.T) {
	r := newReproduction(t)
	for _, c := range []struct{ failing, line string }{
		{"run", "scripts/reproduce.sh"},
		{"run", `scripts/reproduce.sh --full --out "it's here"`},
		{"sim", "cd scripts && ./reproduce.sh --out there"},
	} {
		code, _, errs, _ := r.sh(c.failing, "130", c.line)
		_, goOn, ok := strings.Cut(errs, "reproduce.sh: to go on: ")
		if code != 130 || !ok || strings.Count(errs, "\n") != 1 {
			t.Fatalf("%s: status %d, says %q", c.line, code, errs)
		}
		if cd, _, ok := strings.Cut(c.line, "&&"); ok {
			goOn = cd + "&&" + goOn
		}
		code, _, errs, commands := r.sh("", "", goOn)
		if code != 0 || len(commands) != 5 || commands[2][len(commands[2])-1] != "--resume" {
			t.Errorf("%s: status %d, %s%q", goOn, code, errs, commands)
		}
		if strings.Contains(goOn, "--full") != strings.Contains(c.line, "--full") {
			t.Errorf("%s was interrupted, and %s is another run", c.line, goOn)
		}
	}
	if code, _, errs, _ := r.sh("run", "1", "scripts/reproduce.sh"); code != 1 || errs != "" {
		t.Errorf("status %d, %q: what failed says so itself", code, errs)
	}
}

func TestReproduceRefuses(t *testing.T) {
	r := newReproduction(t)
	for args, want := range map[string]string{
		"--resume":               "--resume wants --out DIR",
		"--out":                  "--out wants a folder",
		"--ful":                  "unknown argument '--ful' (valid: --full",
		"--verify --full":        "--verify excludes",
		"--verify --out x":       "--verify excludes",
		"--out '' --full":        "--out wants a folder",
		"--out x --resume extra": "unknown argument 'extra'",
	} {
		code, out, errs, commands := r.sh("", "", "scripts/reproduce.sh "+args)
		if code != 2 || out != "" || commands != nil || !strings.HasPrefix(errs, "reproduce.sh: ") || !strings.Contains(errs, want) {
			t.Errorf("%s: status %d, %q, %q; want status 2 and %q", args, code, out, errs, want)
		}
	}
}
