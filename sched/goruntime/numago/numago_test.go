package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"numasched/sched/goruntime/overlay"
)

// numago runs a command line and returns what it printed.
func numago(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(args, &out, &errs)
	return status, out.String(), errs.String()
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string // in the error
	}{
		{nil, "no command: want build"},
		{[]string{"biuld"}, `unknown command "biuld": want build`},
		{[]string{"doctor", "x"}, `doctor: unexpected "x"`},
		{[]string{"spawn"}, "no program"},
		{[]string{"spawn", "--"}, "no program"},
		{[]string{"spawn", "app"}, `spawn: unexpected "app" before --`},
	} {
		if status, _, errs := numago(t, c.args...); status != 2 || !strings.Contains(errs, c.want) {
			t.Errorf("numago %q: status %d, %q; want 2, %q", c.args, status, errs, c.want)
		}
	}
	status, out, errs := numago(t, "help")
	if status != 0 || errs != "" {
		t.Errorf("numago help: status %d, %q", status, errs)
	}
	for _, word := range []string{"build", "run", "test", "vet", "install", "env", "version", "doctor", "spawn", "GONUMA", "confine=NODE", "GONUMATRACE=1", "schedtrace", "runtime/numa", "runtime/metrics", "-buildmode", "undo"} {
		if !strings.Contains(out, word) {
			t.Errorf("help says nothing about %s", word)
		}
	}
}

// What cannot work is refused with a reason.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		args, goflags, want string
	}{
		{"-overlay=x.json ./a", "", "-overlay"},
		{"-overlay x.json ./a", "", "-overlay"},
		{"./a", "-overlay=x.json", "-overlay"},
		{"-buildmode=c-shared ./a", "", "-buildmode=c-shared"},
		{"-buildmode c-archive ./a", "", "-buildmode=c-archive"},
		{"--buildmode=plugin ./a", "", "-buildmode=plugin"},
		{"-race -linkshared ./a", "", "-linkshared"},
		{"-compiler=gccgo ./a", "", "-compiler=gccgo"},
		{"-buildmode=pie -race -trimpath ./a", "-mod=mod", ""},
		{"./a -buildmode=plugin", "", ""}, // an argument of the program
	} {
		err := parseGoArgs(strings.Fields(c.args)).refuse(c.goflags)
		if got := ""; c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			if err != nil {
				got = err.Error()
			}
			t.Errorf("%s with GOFLAGS=%q: %q, want %q", c.args, c.goflags, got, c.want)
		}
	}
}

func TestGoArgs(t *testing.T) {
	g := parseGoArgs([]string{"-C", "dir", "-race", "-o", "out", "-tags=a,b", "-ldflags", "-s -w", "./x", "-y"})
	if g.dir != "dir" || g.named["o"] != "out" || g.named["ldflags"] != "-s -w" || strings.Join(g.rest, " ") != "./x -y" {
		t.Errorf("%+v", g)
	}
	if got := strings.Join(g.flags, "|"); got != "-race|-o|out|-tags=a,b|-ldflags|-s -w" {
		t.Errorf("flags %s", got)
	}
}

func TestQuote(t *testing.T) {
	for arg, want := range map[string]string{"": "''", "a-b=/c": "a-b=/c", "a b": "'a b'", "it's": `'it'\''s'`, "$x": "'$x'"} {
		if got := quote(arg); got != want {
			t.Errorf("quote(%q) = %s, want %s", arg, got, want)
		}
	}
}

func TestPrefixer(t *testing.T) {
	var out bytes.Buffer
	p := &prefixer{w: &out, lock: new(sync.Mutex), prefix: "node1| "}
	for _, s := range []string{"a\nb", "", "c\n\n", "last"} {
		if n, err := p.Write([]byte(s)); n != len(s) || err != nil {
			t.Errorf("Write(%q) = %d, %v", s, n, err)
		}
	}
	if err := p.Flush(); err != nil {
		t.Error(err)
	}
	if want := "node1| a\nnode1| bc\nnode1| \nnode1| last\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

// The marker tells programs with the overlay from others.
func TestMarker(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		text string
		want bool
	}{"with": {"\x00" + overlay.Marker + "\x00", true}, "without": {"numago", false}} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		if got, err := hasMarker(file); got != c.want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := hasMarker(filepath.Join(dir, "missing")); err == nil {
		t.Error("a file that does not exist has no marker, without an error")
	}
}

func TestDoctor(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command: ", err)
	}
	status, out, errs := numago(t, "doctor")
	if supported := strings.Contains(out, ": supported"); (status == 0) != supported || !strings.Contains(out, "toolchain") {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
}
