package sched_test

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/policy"
)

// TestIdleProcess does nothing for a while: TestLinesAreGos runs it in a process whose
// GODEBUG asks for Go's lines.
func TestIdleProcess(t *testing.T) {
	if os.Getenv("SCHED_IDLE_PROCESS") == "" {
		t.Skip("runs for TestLinesAreGos")
	}
	time.Sleep(100 * time.Millisecond)
}

// goLines returns expressions for the lines that Go's own runtime has just written, by
// what they begin with.
func goLines(t *testing.T, godebug string) map[string][]*regexp.Regexp {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestIdleProcess$")
	cmd.Env = append(os.Environ(), "SCHED_IDLE_PROCESS=1", "GODEBUG="+godebug)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	all := make(map[string][]*regexp.Regexp)
	seen := make(map[string]bool)
	for line := range strings.Lines(string(out)) {
		kind := kindOf(line)
		if kind == "" {
			continue
		}
		// What stands for a value may be another value.
		text := regexp.QuoteMeta(strings.TrimSuffix(line, "\n"))
		text = regexp.MustCompile(`\\\[ (\d+ )*\\\]`).ReplaceAllString(text, `\[ (\d+ )*\]`)
		text = regexp.MustCompile(`\\\([^=]*\\\)`).ReplaceAllString(text, `\([^=]*\)`)
		text = regexp.MustCompile(`=(\d+|nil)\b`).ReplaceAllString(text, `=(\d+|nil)`)
		text = regexp.MustCompile(`=(true|false)`).ReplaceAllString(text, `=(true|false)`)
		text = regexp.MustCompile(`(SCHED |  [PMG])\d+`).ReplaceAllString(text, `$1\d+`)
		if text = "^" + text + " (node|nodes|nodequeues)=.+$"; !seen[text] {
			seen[text] = true
			all[kind] = append(all[kind], regexp.MustCompile(text))
		}
	}
	return all
}

// kindOf returns SCHED, P, M or G for a line of Go's.
func kindOf(line string) string {
	return strings.TrimSpace(regexp.MustCompile(`^(SCHED |  [PMG])`).FindString(line))
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

// Tools that read Go's lines can read ours: these are Go's, with more behind.
func TestLinesAreGos(t *testing.T) {
	for _, c := range []struct {
		detail  bool
		godebug string
		kinds   []string
	}{
		{false, "schedtrace=10", []string{"SCHED"}},
		{true, "schedtrace=10,scheddetail=1", []string{"SCHED", "P", "M", "G"}},
	} {
		want := goLines(t, c.godebug)
		out := new(output)
		a, _ := policy.ByName("numa")
		s, err := sched.New(sched.Config{Machine: open(t, "synthetic:2x2"), Arm: a, SchedTrace: sched.SchedTrace{Every: time.Millisecond, Detail: c.detail, Out: out}})
		if err != nil {
			t.Fatal(err)
		}
		run(t, s, func(g *sched.G) {
			var gr sched.Group
			never := sched.NewChan[int](s, 0)
			gr.Go(g, func(g *sched.G) { never.Recv(g) })
			for strings.Count(out.String(), "SCHED") < 5 {
				gr.Go(g, func(*sched.G) { time.Sleep(time.Millisecond) })
				g.Yield()
			}
			never.Close(g)
			gr.Wait(g)
		})
		s.Close()
		n := make(map[string]int)
		for line := range strings.Lines(out.String()) {
			line = strings.TrimSuffix(line, "\n")
			kind := kindOf(line)
			n[kind]++
			matched := false
			for _, re := range want[kind] {
				matched = matched || re.MatchString(line)
			}
			if !matched {
				t.Errorf("%q is not like any of Go's lines %v", line, want[kind])
				break
			}
		}
		for _, kind := range c.kinds {
			if n[kind] == 0 {
				t.Errorf("no %s lines in %v", kind, n)
			}
		}
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
	} {
		t.Setenv("NUMASCHED", c.env)
		s, err := sched.New(sched.Config{Machine: m, Arm: a})
		if c.want == "" && err == nil {
			s.Close()
		} else if c.want == "" || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("NUMASCHED=%s: %v, want %q", c.env, err, c.want)
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
