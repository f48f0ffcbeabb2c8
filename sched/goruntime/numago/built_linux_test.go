package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"numasched/numa"
	"numasched/sched/goruntime/overlay"
	"numasched/topology"
)

// built is a folder with the programs of testdata, built by numago, once for all tests.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	app() // does not return if this is the program that a test spawned
	status := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(status)
}

// program builds a program of testdata with numago.
func program(t *testing.T, name string) string {
	t.Helper()
	if os.Getenv("NUMASCHED_LONG_TESTS") == "" {
		t.Skip("compiles Go's runtime; set NUMASCHED_LONG_TESTS=1 to run it")
	}
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "numago"); built.err != nil {
			return
		}
		// With cgo, which net uses, no thread would be bound.
		if before, ok := os.LookupEnv("CGO_ENABLED"); ok {
			defer os.Setenv("CGO_ENABLED", before)
		} else {
			defer os.Unsetenv("CGO_ENABLED")
		}
		os.Setenv("CGO_ENABLED", "0")
		for _, name := range []string{"affinity", "stress", "loops", "readings", "heap", "steps", "locality"} {
			var errs bytes.Buffer
			if status := run([]string{"build", "-o", filepath.Join(built.dir, name), "./testdata/" + name}, &errs, &errs); status != 0 {
				built.err = errors.New(errs.String())
				return
			}
		}
	})
	if built.err != nil {
		if strings.Contains(built.err.Error(), "is not supported") {
			t.Skip(built.err)
		}
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, name)
}

// start runs a program with GONUMA.
func start(t *testing.T, gonuma string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = append(os.Environ(), "GONUMA="+gonuma)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return exitStatus(cmd.ProcessState), out.String(), errs.String()
}

// severalCPUs returns the CPUs of this process, and skips the test if there is only one.
func severalCPUs(t *testing.T) topology.CPUSet {
	t.Helper()
	top, err := topology.Host()
	if err != nil {
		t.Fatal(err)
	}
	if top.Allowed.Len() < 2 {
		t.Skip("needs two CPUs")
	}
	return top.Allowed
}

func TestProgramHasMarker(t *testing.T) {
	status, out, errs := numago(t, "version", program(t, "stress"))
	if status != 0 || !strings.Contains(out, "the NUMA-aware runtime") {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
}

func TestGONUMAValues(t *testing.T) {
	app := program(t, "affinity")
	t.Setenv("GONUMATRACE", "1")
	for _, bad := range []string{"x", "ON", "0", "65", "-1", "2 ", "99999999999", "confine=", "confine=x", "confine=999", "confined",
		"heap", ",heap", "off,heap", "confine,heap", "confine=0,heap", "0,heap", "65,heap", "2,", "2,Heap", "2,heap,heap", "2,heap ", "on,"} {
		status, out, errs := start(t, bad, app, "mask", "me")
		if status != 2 || out != "" || !strings.Contains(errs, "GONUMA="+bad) || !strings.Contains(errs, ": want ") {
			t.Errorf("GONUMA=%s: status %d, %q, %q; want status 2 and what is valid", bad, status, out, errs)
		}
	}
	for good, want := range map[string]string{
		"off": `on=false .* heap=false`, "1": `on=false .* heap=false`, "1,heap": `on=false .* heap=false`,
		"2": `on=true confined=false nodes=2 .* heap=false`, "64": `on=true confined=false nodes=64 .* heap=false`,
		"2,heap": `on=true confined=false nodes=2 .* heap=true`, "64,heap": `on=true confined=false nodes=64 .* heap=true`,
		"on,heap": `on=(true|false) .* heap=`,
	} {
		status, out, errs := start(t, good, app, "mask", "me")
		if status != 0 || !strings.HasPrefix(out, "me ") || !regexp.MustCompile(want).MatchString(errs) || !strings.Contains(errs, overlay.Marker) {
			t.Errorf("GONUMA=%s: status %d, %q, %q; want %s", good, status, out, errs, want)
		}
	}
}

// values are what the affinity program printed, by the first word.
func values(text string) map[string][]string {
	all := map[string][]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		all[name] = append(all[name], value)
	}
	return all
}

// Children, what follows an exec, locked threads and GOMAXPROCS see the process's own mask.
func TestAffinityStaysInside(t *testing.T) {
	app := program(t, "affinity")
	top, err := topology.Host()
	if err != nil {
		t.Fatal(err)
	}
	own, n := top.Allowed.String(), top.Allowed.Len()
	if n < 2 || !top.Allowed.Contains(0) {
		t.Skip("needs CPU 0 and another")
	}
	for _, gonuma := range []string{"off", "2"} {
		status, out, errs := start(t, gonuma, app)
		if status != 0 || errs != "" {
			t.Errorf("GONUMA=%s: status %d, %s", gonuma, status, errs)
		}
		_, after, _ := start(t, gonuma, app, "exec")
		got := values(out + after)
		for name, want := range map[string]string{
			"NumCPU": fmt.Sprint(n), "GOMAXPROCS": fmt.Sprint(n), "default": fmt.Sprint(n),
			"child": own, "exec": own, "locked": own, "own": "0", "left": "0",
		} {
			for _, value := range got[name] {
				if value != want {
					t.Errorf("GONUMA=%s: %s is %s, want %s", gonuma, name, value, want)
				}
			}
			if count := len(got[name]); count == 0 || name == "child" && count != 20 {
				t.Errorf("GONUMA=%s: %s was printed %d times", gonuma, name, count)
			}
		}
		bound, free := 0, 0
		for _, mask := range got["thread"] {
			if mask == own {
				free++
			} else {
				bound++
			}
		}
		if (bound > 0) != (gonuma == "2") || free == 0 {
			t.Errorf("GONUMA=%s: %d threads are bound, %d are not", gonuma, bound, free)
		}
	}
}

// A thread that a goroutine was locked to is bound again later.
func TestThreadIsBoundAfterALock(t *testing.T) {
	app := program(t, "affinity")
	severalCPUs(t)
	for gonuma, want := range map[string]string{"off": "again free\n", "2": "again bound\n"} {
		if _, out, errs := start(t, gonuma, app, "again"); out != want {
			t.Errorf("GONUMA=%s: %q %s, want %q", gonuma, out, errs, want)
		}
	}
}

// Who narrows the mask of a running program is obeyed from then on.
func TestTasksetWhileRunning(t *testing.T) {
	app := program(t, "stress")
	allowed := severalCPUs(t)
	one := topology.CPUs(allowed.First())
	cmd := exec.Command(app, "10m") // it is killed
	cmd.Env = append(os.Environ(), "GONUMA=2")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	tasks := func(f func(tid int)) {
		dirs, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range dirs {
			tid, _ := strconv.Atoi(dir.Name())
			f(tid)
		}
	}
	bound := 0
	for end := time.Now().Add(time.Minute); bound == 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
		tasks(func(tid int) {
			if mask, err := numa.Affinity(tid); err == nil && !mask.Equal(allowed) {
				bound++
			}
		})
	}
	if bound == 0 {
		t.Error("no thread is bound before")
	}
	// Some times, as taskset does not see the threads that are made meanwhile, and a thread
	// that was about to be bound when that came may not have had a CPU since.
	var again string
	for range 4 {
		tasks(func(tid int) { numa.SetAffinity(tid, one) }) // fails if the thread has ended
		time.Sleep(300 * time.Millisecond)
		again = ""
		for i := 0; i < 20 && again == ""; i++ {
			tasks(func(tid int) {
				if mask, err := numa.Affinity(tid); err == nil && !mask.Equal(one) {
					again = fmt.Sprintf("thread %d has CPUs %v again", tid, mask)
				}
			})
			time.Sleep(20 * time.Millisecond)
		}
		if again == "" {
			return
		}
	}
	t.Error(again)
}

// An M whose thread is bound to another node than that of its P finds what waits there: once
// it went round and round instead.
func TestLoopingGoroutines(t *testing.T) {
	app := program(t, "loops")
	t.Setenv("GODEBUG", "asyncpreemptoff=1")
	for i := range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := exec.CommandContext(ctx, app)
		cmd.Env = append(os.Environ(), fmt.Sprint("GONUMA=", 2+i%3))
		out, err := cmd.CombinedOutput()
		cancel()
		if err != nil || string(out) != "ran\n" {
			t.Fatalf("%v: %v, %q", cmd.Env[len(cmd.Env)-1], err, out)
		}
	}
}

// What package runtime/numa and runtime/metrics say.
func TestReadings(t *testing.T) {
	app := program(t, "readings")
	for gonuma, want := range map[string]struct {
		nodes, ran string
		homes      []string
	}{
		"off": {"1", "0", []string{"-1"}},
		"2":   {"2", "", []string{"0", "1"}},
	} {
		status, out, errs := start(t, gonuma, app)
		got := values(out)
		if status != 0 || errs != "" || len(got["lost"]) != 1 {
			t.Fatalf("GONUMA=%s: status %d, %q, %q", gonuma, status, out, errs)
		}
		if got["nodes"][0] != want.nodes || !slices.Contains(want.homes, got["home"][0]) || got["null"][0] != "-1" || got["lost"][0] != "false" {
			t.Errorf("GONUMA=%s: %v", gonuma, got)
		}
		// A container may forbid the question where a page lies.
		if page, err := strconv.Atoi(got["page"][0]); err != nil || page < -1 {
			t.Errorf("GONUMA=%s: a page lies on node %s", gonuma, got["page"][0])
		}
		if ran, _ := strconv.Atoi(got["ran"][0]); (ran == 0) != (want.ran == "0") {
			t.Errorf("GONUMA=%s: %d goroutines ran", gonuma, ran)
		}
		// All but those that run, whose number GOMAXPROCS bounds, wait in some queue.
		if n, _ := strconv.Atoi(got["runnable"][0]); n < 2000 {
			t.Errorf("GONUMA=%s: runtime/metrics counts %d goroutines that can run, want nearly 3000", gonuma, n)
		}
	}
}

// With a heap for each node, what a P allocates lies on its node, also after objects were
// handed to other nodes and freed there; and what they have freed is used again. So do
// stacks, new ones and grown ones, also those of goroutines that ended elsewhere.
func TestHeapByNode(t *testing.T) {
	app := program(t, "heap")
	t.Setenv("GOMAXPROCS", fmt.Sprint(max(4, runtime.NumCPU()))) // each node has a P
	heap := func(gonuma, gogc string, args ...string) map[string][]string {
		t.Helper()
		t.Setenv("GOGC", gogc)
		status, out, errs := start(t, gonuma, append([]string{app}, args...)...)
		if status != 0 {
			t.Fatalf("GONUMA=%s GOGC=%s: status %d, %s%s", gonuma, gogc, status, out, errs)
		}
		t.Logf("GONUMA=%s GOGC=%s: %s", gonuma, gogc, strings.ReplaceAll(out, "\n", " "))
		return values(out)
	}
	number := func(got map[string][]string, name string, nth int) int {
		n, err := strconv.Atoi(strings.Fields(got[name][0])[nth])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	// Collections come between the rounds only, so that as much memory is needed each time.
	off := heap("off", "off")
	if near, far := number(off, "near", 0), number(off, "far", 0); near+far != 0 {
		t.Errorf("GONUMA=off: objects lie on nodes: %v", off)
	}
	returned := func(gonuma string, got map[string][]string) {
		t.Helper()
		if most, left := number(got, "crowd", 0), number(got, "crowd", 1); left > most/4 {
			t.Errorf("GONUMA=%s: stacks took %d bytes, and take %d when most goroutines have ended", gonuma, most, left)
		}
	}
	returned("off", off)
	plain := heap("2", "off", "8", "3")
	if near, far, spans := number(plain, "near", 0), number(plain, "far", 0), number(plain, "spans", 0); near+far+spans != 0 {
		t.Errorf("GONUMA=2: objects lie on nodes: %v", plain)
	}
	for _, c := range []struct {
		gonuma, gogc string
		args         []string
		bounded      bool
	}{
		{gonuma: "2,heap", gogc: "off", bounded: true},
		{gonuma: "2,heap", gogc: "1", args: []string{"8", "5"}},
		{gonuma: "4,heap", gogc: "20", args: []string{"16", "10"}},
	} {
		got := heap(c.gonuma, c.gogc, c.args...)
		near, far, unknown := number(got, "near", 0), number(got, "far", 0), number(got, "unknown", 0)
		if near == 0 || near < 9*(far+unknown) {
			t.Errorf("GONUMA=%s: of the live objects %d lie on the node that made them, %d do not, %d are not in the heap's books", c.gonuma, near, far, unknown)
		}
		near, far = number(got, "spans", 0), number(got, "spans", 1)
		if near == 0 || near < 9*far {
			t.Errorf("GONUMA=%s: Ps took %d spans of their own node, and %d of others", c.gonuma, near, far)
		}
		for _, name := range []string{"stacks", "grown"} {
			if near, far := number(got, name, 0), number(got, name, 1); near == 0 || near < 1000*far {
				t.Errorf("GONUMA=%s: %s: %d lie on the node that they were made on, and %d elsewhere", c.gonuma, name, near, far)
			}
		}
		returned(c.gonuma, got)
		// The aim is 1.15. With more Ps their caches count, too.
		if ours, stock := number(got, "sys", 0), number(off, "sys", 0); c.bounded && 100*ours > 130*stock {
			t.Errorf("GONUMA=%s: the heap takes %d bytes, and %d with GONUMA=off", c.gonuma, ours, stock)
		}
	}
}

// A node that gets no more addresses from the kernel uses what other nodes have free.
func TestHeapBorrows(t *testing.T) {
	app := program(t, "heap")
	t.Setenv("GOMAXPROCS", fmt.Sprint(max(4, runtime.NumCPU())))
	status, out, errs := start(t, "2,heap", app, "limited")
	got := values(out)
	if status != 0 || errs != "" || len(got["live"]) != 1 {
		t.Fatalf("status %d, %s%s", status, out, errs)
	}
	if far, err := strconv.Atoi(strings.Fields(got["spans"][0])[1]); err != nil || far == 0 {
		t.Errorf("no span of another node was used: %s", out)
	}
}

// Tools that know Go's lines still read them: what is ours comes last.
func TestSchedtrace(t *testing.T) {
	app := program(t, "stress")
	const list = `\[( \d+)+ \]`
	short := `^SCHED \d+ms: gomaxprocs=\d+ idleprocs=\d+ threads=\d+ spinningthreads=\d+ needspinning=\d+ idlethreads=\d+ runqueue=\d+ ` + list + ` schedticks=` + list
	long := `^SCHED .* runqueue=\d+ gcwaiting=\w+ nmidlelocked=\d+ stopwait=\d+ sysmonwait=\w+`
	perP, perM := `^  P\d+: status=.* timerslen=\d+`, `^  M\d+: p=.* lockedg=\w+`
	sums := ` nodequeues=` + list + ` nodeidleprocs=` + list
	for _, c := range []struct {
		gonuma, debug string
		lines         []string
	}{
		{"off", "schedtrace=50", []string{short + `$`}},
		{"2", "schedtrace=50", []string{short + ` nodes=` + list + sums + `$`}},
		{"off", "schedtrace=50,scheddetail=1", []string{long + `$`, perP + `$`, perM + `$`}},
		{"2", "schedtrace=50,scheddetail=1", []string{long + sums + `$`, perP + ` node=\d+$`, perM + ` node=-?\d+$`}},
	} {
		t.Setenv("GODEBUG", c.debug)
		_, _, errs := start(t, c.gonuma, app, "300ms")
		for _, line := range c.lines {
			if !regexp.MustCompile(`(?m)` + line).MatchString(errs) {
				t.Errorf("GONUMA=%s GODEBUG=%s: no line is like %s:\n%s", c.gonuma, c.debug, line, errs)
			}
		}
	}
}

// A toolchain line in go.mod chooses the toolchain, and the overlay is for that one.
func TestToolchainLine(t *testing.T) {
	program(t, "stress")
	other := ""
	for _, release := range overlay.Releases() {
		if release != strings.Fields(runtime.Version())[0] {
			other = release // the newest: only a newer one is switched to
		}
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  "module example.org/app\n\ngo 1.26.0\n\ntoolchain " + other + "\n",
		"main.go": "package main\n\nimport \"runtime\"\n\nfunc main() { println(runtime.Version()) }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GOTOOLCHAIN", "auto")
	t.Setenv("GOPROXY", "off")
	tool, err := findToolchain(dir)
	if err != nil || tool.release() != other {
		t.Skipf("%s is not in the module cache: %v", other, err)
	}
	if status, out, errs := numago(t, "build", "-C", dir, "."); status != 0 {
		t.Fatalf("status %d\n%s%s", status, out, errs)
	}
	if status, _, errs := start(t, "2", filepath.Join(dir, "app")); status != 0 || strings.TrimSpace(errs) != other {
		t.Errorf("status %d, %q; want %s", status, errs, other)
	}
	if ok, err := hasMarker(filepath.Join(dir, "app")); !ok || err != nil {
		t.Errorf("the program has no marker: %v", err)
	}
}

// inliners are functions that no edit touches and that the compiler expands an edited one in.
// All others must be the same text as in stock: malloc, channels, select, maps, the collector.
var inliners = strings.Fields(`cgocallbackg debugCallWrap debugCallWrap1.func1 gcBgMarkWorker.func2 exitsyscall.func3 main
	handoffp pollWork injectglist goschedImpl (*p).destroy checkdead schedEnableUser mput mget LockOSThread lockOSThread
	globrunqput globrunqputhead globrunqputbatch runqputslow os.runtime_beforeExit syscall.runtime_BeforeExec
	syscall.runtime_AfterExec syscall.runtime_AfterForkInChild
	(*mcentral).uncacheSpan (*mcache).allocLarge newUserArenaChunk finishsweep_m (*sweepLocked).sweep (*mheap).allocUserArenaChunk`)

// Functions that the overlay does not touch are compiled to the same text.
func TestUntouchedFunctionsAreStock(t *testing.T) {
	program(t, "stress")
	tool, err := findToolchain("")
	if err != nil {
		t.Fatal(err)
	}
	if tool.GOARCH != runtime.GOARCH || tool.GOOS != "linux" {
		t.Skip("the toolchain builds for another machine")
	}
	stock := functions(t, tool, "list", "-export", "-f={{.Export}}", "runtime")
	file, err := tool.overlay()
	if err != nil {
		t.Fatal(err)
	}
	ours := functions(t, tool, "list", "-export", "-overlay="+file, "-f={{.Export}}", "runtime")
	edited := map[string]bool{}
	for _, name := range slices.Concat(inliners, overlay.Edited()) {
		edited[name] = true
		if typ, method, ok := strings.Cut(name, "."); ok { // and what the compiler makes of it
			edited["(*"+typ+")."+method] = true
			edited["go:(**"+typ+").runtime."+method] = true
		}
		edited["type:.eq.runtime."+name] = true
	}
	same := 0
	for name, text := range stock {
		if other, ok := ours[name]; ok && other == text {
			same++
		} else if ok && !edited[strings.TrimPrefix(name, "runtime.")] {
			t.Errorf("%s differs from stock, and no edit touches it", name)
		}
	}
	if same < 3000 {
		t.Errorf("only %d functions are the same", same)
	}
	t.Logf("%d of %d functions are the same text", same, len(stock))
}

var (
	// The numbers of static values and of addresses are not part of the text.
	staticName = regexp.MustCompile(`stmp_\d+|\.\.(dict|typeAssert|interfaceSwitch)\S*`)
	relocation = regexp.MustCompile(`\[[^\]]*\]R_[^\t]*`)
)

// functions returns the text of each function of the archive that a go command names.
func functions(t *testing.T, tool *toolchain, args ...string) map[string]string {
	t.Helper()
	archive, err := output(tool.command(args...))
	if err != nil {
		t.Fatal(err)
	}
	dump, err := output(tool.command("tool", "objdump", strings.TrimSpace(string(archive))))
	if err != nil {
		t.Fatal(err)
	}
	all, name, text := map[string]string{}, "", new(strings.Builder)
	flush := func() {
		if name != "" {
			all[name] += text.String() // wrappers of different packages may share a name
		}
		text.Reset()
	}
	for line := range strings.Lines(string(dump)) {
		if rest, ok := strings.CutPrefix(line, "TEXT "); ok {
			flush()
			name, _, _ = strings.Cut(rest, "(SB)")
			continue
		}
		// Position, address, code, instruction, relocations.
		part := strings.FieldsFunc(line, func(r rune) bool { return r == '\t' })
		if len(part) > 2 {
			text.WriteString(part[2])
			for _, r := range relocation.FindAllString(staticName.ReplaceAllString(line, ""), -1) {
				text.WriteString(r)
			}
			text.WriteByte('\n')
		}
	}
	flush()
	return all
}
