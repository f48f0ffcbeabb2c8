package sched_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/policy"
)

// TestIdleProcess is a Go program for TestLinesAreGos, which sets GODEBUG. It has a
// goroutine that is locked to its thread and waits, and otherwise does nothing until its
// standard input ends.
func TestIdleProcess(t *testing.T) {
	if os.Getenv("SCHED_IDLE_PROCESS") == "" {
		t.Skip("runs for TestLinesAreGos")
	}
	done := make(chan bool)
	go func() {
		runtime.LockOSThread()
		<-done
	}()
	io.Copy(io.Discard, os.Stdin)
	close(done)
}

// A traceLine is a line of schedtrace: Go's, or one of ours.
type traceLine struct {
	kind   string // SCHED, P, M or G
	id     string // what follows it: a number, or a time
	fields []traceField
}

type traceField struct{ name, value string }

// parseLine reads what Go's schedtrace writes, and is told of nothing that is ours.
func parseLine(line string) (l traceLine, ok bool) {
	head := regexp.MustCompile(`^(SCHED (\d+ms)|  ([PMG])(\d+)): `).FindStringSubmatch(line)
	if head == nil {
		return l, false
	}
	l.kind, l.id = "SCHED", head[2]
	if head[3] != "" {
		l.kind, l.id = head[3], head[4]
	}
	// A value has no spaces, but for those in brackets and parentheses.
	field := regexp.MustCompile(`^(?:(\w+)=)?(\[ (?:\d+ )*\]|\d+\((?:[^()]|\([^()]*\))*\)|[^ =]*)(?: |$)`)
	for rest := strings.TrimSuffix(line[len(head[0]):], "\n"); rest != ""; {
		match := field.FindStringSubmatch(rest)
		if match == nil || match[0] == "" {
			return l, false
		}
		l.fields = append(l.fields, traceField{match[1], match[2]})
		rest = rest[len(match[0]):]
	}
	return l, true
}

// parseLines reads all lines of a text that are such.
func parseLines(text string) (all []traceLine) {
	for line := range strings.Lines(text) {
		if l, ok := parseLine(line); ok {
			all = append(all, l)
		}
	}
	return all
}

func (l traceLine) names() (all []string) {
	for _, f := range l.fields {
		all = append(all, f.name)
	}
	return all
}

// value returns the value of the field with that name, or "".
func (l traceLine) value(name string) string {
	for _, f := range l.fields {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

// form says what a value looks like.
func (f traceField) form() string {
	text := regexp.MustCompile(`\d+`).ReplaceAllString(f.value, "1")
	text = regexp.MustCompile(`\(.*\)`).ReplaceAllString(text, "(why)")
	text = regexp.MustCompile(`true|false`).ReplaceAllString(text, "bool")
	return strings.ReplaceAll(text, "1 ", "")
}

// goProgram returns the lines of a Go program that runs with that GODEBUG, up to the
// tenth that begins with SCHED: however slow this machine is, the program idles by then.
func goProgram(t *testing.T, godebug string) []traceLine {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestIdleProcess$")
	cmd.Env = append(os.Environ(), "SCHED_IDLE_PROCESS=1", "GODEBUG="+godebug)
	end, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	errs, err := cmd.StderrPipe() // what the testing package writes goes to standard output
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for n, in := 0, bufio.NewReader(errs); n < 10; {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Errorf("%v after\n%s", err, lines.String())
			break
		}
		if strings.HasPrefix(line, "SCHED ") {
			n++
		}
		lines.WriteString(line)
	}
	end.Close()
	io.Copy(io.Discard, errs)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, lines.String())
	}
	return parseLines(lines.String())
}

// output is written by sysmon and read by the test.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Tools that read Go's lines can read ours. One parser reads both. Ours have all fields of
// Go's, in Go's order, with values of Go's form, and then the ones that are ours.
func TestLinesAreGos(t *testing.T) {
	for _, c := range []struct {
		detail  bool
		godebug string
		ours    map[string]string // by kind
	}{
		{false, "schedtrace=10", map[string]string{"SCHED": "nodes nodequeues nodeidleprocs"}},
		{true, "schedtrace=10,scheddetail=1", map[string]string{"SCHED": "nodequeues nodeidleprocs", "P": "node cpu", "M": "node", "G": "node"}},
	} {
		names := make(map[string]string)             // of Go's fields, by kind
		forms := make(map[[2]string]map[string]bool) // of Go's values, by kind and name
		for _, l := range goProgram(t, c.godebug) {
			got := strings.Join(l.names(), " ")
			if names[l.kind] == "" {
				names[l.kind] = got
			}
			if names[l.kind] != got {
				t.Fatalf("Go's %s lines have the fields %q, and %q", l.kind, names[l.kind], got)
			}
			for _, f := range l.fields {
				key := [2]string{l.kind, f.name}
				if forms[key] == nil {
					forms[key] = make(map[string]bool)
				}
				forms[key][f.form()] = true
				if f.value == "nil" {
					forms[key]["1"] = true
				}
			}
		}
		if want := "gomaxprocs idleprocs threads spinningthreads needspinning idlethreads runqueue"; !strings.HasPrefix(names["SCHED"], want) {
			t.Fatalf("Go's lines have the fields %q, want %q first", names["SCHED"], want)
		}
		n := make(map[string]int)
		for _, l := range linesOfAll(t, c.detail) {
			n[l.kind]++
			if got, want := strings.Join(l.names(), " "), names[l.kind]+" "+c.ours[l.kind]; got != want {
				t.Fatalf("our %s lines have the fields\n%q, want\n%q: Go's, then ours", l.kind, got, want)
			}
			for _, f := range l.fields[:strings.Count(names[l.kind], " ")+1] {
				if known := forms[[2]string{l.kind, f.name}]; !known[f.form()] {
					t.Errorf("%s%s: %s=%s, where Go's have the forms %v", l.kind, l.id, f.name, f.value, known)
				}
			}
		}
		for kind := range c.ours {
			if n[kind] == 0 {
				t.Errorf("no %s lines in %v", kind, n)
			}
		}
	}
}

// linesOfAll returns the lines of a scheduler that has parked Gs, Gs that compute and a
// locked G.
func linesOfAll(t *testing.T, detail bool) []traceLine {
	out := new(output)
	a, _ := policy.ByName("numa")
	s, err := sched.New(sched.Config{Machine: open(t, "synthetic:2x2"), Arm: a, SchedTrace: sched.SchedTrace{Every: time.Millisecond, Detail: detail, Out: out}})
	if err != nil {
		t.Fatal(err)
	}
	run(t, s, func(g *sched.G) {
		var gr sched.Group
		never := sched.NewChan[int](s, 0)
		gr.Go(g, func(g *sched.G) { never.Recv(g) })
		g.GoLocked(func(g *sched.G) { never.Recv(g) })
		for strings.Count(out.String(), "SCHED") < 5 {
			gr.Go(g, func(*sched.G) { time.Sleep(time.Millisecond) })
			g.Yield()
		}
		never.Close(g)
		gr.Wait(g)
	})
	s.Close()
	return parseLines(out.String())
}

// Which G is locked to which M is said twice, as in Go: by the G and by the M. The SCHED
// line counts those that wait.
func TestLinesTellWhoIsLocked(t *testing.T) {
	out := new(output)
	a, _ := policy.ByName("numa")
	s := onSim(t, "synthetic:1x2", sched.Config{Arm: a, SchedTrace: sched.SchedTrace{Every: time.Millisecond, Detail: true, Out: out}})
	locked := make(map[string]bool)
	run(t, s, func(g *sched.G) {
		never := sched.NewChan[int](s, 0)
		for range 2 {
			g.GoLocked(func(g *sched.G) {
				locked[fmt.Sprint(g.ID())] = true
				never.Recv(g)
			})
		}
		compute(g, 20*time.Millisecond) // while they wait
		never.Close(g)
		compute(g, 20*time.Millisecond) // after they have ended
		g.Go(func(g *sched.G) { g.Yield() })
		compute(g, 20*time.Millisecond)
	})
	var waiting, ofMs, ofGs []string
	looked := func() {
		if len(waiting) == 0 {
			return
		}
		want := "0"
		if len(ofMs) == 2 {
			want = "2"
		}
		slices.Sort(ofMs)
		slices.Sort(ofGs)
		if last := waiting[len(waiting)-1]; last != want || !slices.Equal(ofMs, ofGs) || len(ofMs) != 0 && len(ofMs) != 2 {
			t.Errorf("%s locked Ms wait; by the Ms %v are locked, by the Gs %v", last, ofMs, ofGs)
		}
		ofMs, ofGs = nil, nil
	}
	seen := 0
	for _, l := range parseLines(out.String()) {
		switch l.kind {
		case "SCHED":
			looked()
			waiting = append(waiting, l.value("nmidlelocked"))
		case "M":
			if g := l.value("lockedg"); g != "nil" {
				ofMs = append(ofMs, g+" on "+l.id)
				if seen++; !locked[g] {
					t.Errorf("M%s has lockedg=%s, want one of %v", l.id, g, locked)
				}
			}
		case "G":
			if m := l.value("lockedm"); m != "nil" {
				ofGs = append(ofGs, l.id+" on "+m)
			}
		}
	}
	looked()
	if seen == 0 || waiting[0] != "2" || waiting[len(waiting)-1] != "0" {
		t.Errorf("%d lines of Ms name locked Gs, and of locked Ms there wait %v", seen, waiting)
	}
}

// The lines go on while all is idle.
func TestLinesWhileIdle(t *testing.T) {
	out := new(output)
	a, _ := policy.ByName("flat")
	s, err := sched.New(sched.Config{Machine: open(t, ""), Arm: a, SchedTrace: sched.SchedTrace{Every: time.Millisecond, Out: out}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	run(t, s, func(*sched.G) {})
	s.Quiesce()
	for n := strings.Count(out.String(), "SCHED"); strings.Count(out.String(), "SCHED") < n+3; {
		time.Sleep(time.Millisecond)
	}
}

func TestTheEnvironmentAsksForLines(t *testing.T) {
	m := open(t, "")
	a, _ := policy.ByName("flat")
	for _, c := range []struct{ env, want string }{
		{"", ""},
		{"schedtrace=1000", ""},
		{"schedtrace=1000,scheddetail=1", ""},
		{"scheddetail=0,schedtrace=0", ""},
		{"schedtrase=1000", `sched: NUMASCHED: "schedtrase=1000": want fields schedtrace=MILLISECONDS, scheddetail=0 or scheddetail=1`},
		{"schedtrace=1000,gctrace=1", `"gctrace=1": want fields schedtrace`},
		{"schedtrace", `"schedtrace": want`},
		{"schedtrace=-1", `"schedtrace=-1": want`},
		{"schedtrace=1s", `"schedtrace=1s": want`},
		{"scheddetail=2", `"scheddetail=2": want`},
		{"schedtrace=9223372036854", ""}, // the longest
		{"schedtrace=9223372036855", `sched: NUMASCHED: "schedtrace=9223372036855": want 0 to 9223372036854 milliseconds`},
		{"scheddetail=1,schedtrace=99999999999999999999", `"schedtrace=99999999999999999999": want 0 to`},
		{"schedtrace=-99999999999999999999", `"schedtrace=-99999999999999999999": want`},
	} {
		t.Setenv("NUMASCHED", c.env)
		s, err := sched.New(sched.Config{Machine: m, Arm: a})
		if c.want == "" && err == nil {
			s.Close()
		} else if c.want == "" || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("NUMASCHED=%s: %v, want %q", c.env, err, c.want)
		}
	}
	for _, c := range []struct {
		env, want string
		cfg       sched.Config
	}{
		{"schedtrace=1000", "NUMASCHED has schedtrace, and Config has NoSysmon: want one of them", sched.Config{NoSysmon: true}},
		{"scheddetail=1", "", sched.Config{NoSysmon: true}},
		{"schedtrase=1", `NUMASCHED: "schedtrase=1": want fields`, sched.Config{SchedTrace: sched.SchedTrace{Every: time.Second}}},
	} {
		t.Setenv("NUMASCHED", c.env)
		c.cfg.Machine, c.cfg.Arm = m, a
		s, err := sched.New(c.cfg)
		if c.want == "" && err == nil {
			s.Close()
		} else if c.want == "" || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("NUMASCHED=%s and %+v: %v, want %q", c.env, c.cfg.SchedTrace, err, c.want)
		}
	}
	t.Setenv("NUMASCHED", "")
	for want, cfg := range map[string]sched.Config{
		"SchedTrace.Every is -1s: want 0 or more": {SchedTrace: sched.SchedTrace{Every: -time.Second}},
		"SchedTrace and NoSysmon":                 {SchedTrace: sched.SchedTrace{Every: time.Second}, NoSysmon: true},
	} {
		cfg.Machine, cfg.Arm = m, a
		if _, err := sched.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
