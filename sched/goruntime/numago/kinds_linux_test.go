package main

import (
	"bytes"
	"debug/buildinfo"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"numasched/numa"
	"numasched/sched/goruntime/overlay"
	"numasched/topology"
)

// The kinds of builds: each must have the NUMA-aware runtime, or be refused with a reason.

// hello is a program that needs little of the standard library.
const hello = "package main\n\nfunc main() { println(\"hello\") }\n"

// tree writes files into a folder of their own.
func tree(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// buildIn builds a program in a folder, and checks that it has two nodes if told so. It
// returns the program's file.
func buildIn(t *testing.T, dir string, args ...string) (app string) {
	t.Helper()
	if os.Getenv("NUMASCHED_LONG_TESTS") == "" {
		t.Skip("compiles Go's runtime; set NUMASCHED_LONG_TESTS=1 to run it")
	}
	app = filepath.Join(t.TempDir(), "app")
	status, out, errs := numago(t, append([]string{"build", "-C", dir, "-o", app}, args...)...)
	if strings.Contains(errs, "is not supported") {
		t.Skip(errs)
	}
	if status != 0 {
		t.Fatalf("numago build %v: status %d\n%s%s", args, status, out, errs)
	}
	t.Setenv("GONUMATRACE", "1")
	if status, _, errs = start(t, "2", app); status != 0 || !strings.HasPrefix(errs, "hello\n"+overlay.Marker+"\ngonuma: on=true") {
		t.Fatalf("numago build %v: the program's status is %d, and it says\n%s", args, status, errs)
	}
	return app
}

func TestTrimPath(t *testing.T) {
	dir := tree(t, map[string]string{"go.mod": "module example.org/app\n\ngo 1.26.0\n", "main.go": hello})
	text, err := os.ReadFile(buildIn(t, dir, "-trimpath"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte(dir)) {
		t.Errorf("a program built with -trimpath names the folder %s", dir)
	}
}

func TestWorkspace(t *testing.T) {
	t.Setenv("GOWORK", "")
	os.Unsetenv("GOWORK") // Setenv brings back what was
	dir := tree(t, map[string]string{
		"go.work":     "go 1.26.0\n\nuse (\n\t./app\n\t./lib\n)\n",
		"app/go.mod":  "module example.org/app\n\ngo 1.26.0\n\nrequire example.org/lib v0.0.0\n",
		"app/main.go": "package main\n\nimport \"example.org/lib\"\n\nfunc main() { lib.Hello() }\n",
		"lib/go.mod":  "module example.org/lib\n\ngo 1.26.0\n",
		"lib/lib.go":  "package lib\n\nfunc Hello() { println(\"hello\") }\n",
	})
	buildIn(t, filepath.Join(dir, "app"))
	buildIn(t, dir, "example.org/app")
}

func TestVendoring(t *testing.T) {
	buildIn(t, tree(t, map[string]string{
		"go.mod":                        "module example.org/app\n\ngo 1.26.0\n\nrequire example.org/lib v1.0.0\n",
		"main.go":                       "package main\n\nimport \"example.org/lib\"\n\nfunc main() { lib.Hello() }\n",
		"vendor/modules.txt":            "# example.org/lib v1.0.0\n## explicit; go 1.26.0\nexample.org/lib\n",
		"vendor/example.org/lib/lib.go": "package lib\n\nfunc Hello() { println(\"hello\") }\n",
	}))
}

// A default.pgo has everything that the program needs compiled again, the runtime too.
func TestProfileGuided(t *testing.T) {
	var profile bytes.Buffer
	if err := pprof.StartCPUProfile(&profile); err != nil {
		t.Skip("somebody else takes a profile: ", err)
	}
	for end := time.Now().Add(200 * time.Millisecond); time.Now().Before(end); {
		fmt.Fprint(io.Discard, end)
	}
	pprof.StopCPUProfile()
	app := buildIn(t, tree(t, map[string]string{
		"go.mod": "module example.org/app\n\ngo 1.26.0\n", "main.go": hello, "default.pgo": profile.String(),
	}))
	info, err := buildinfo.ReadFile(app)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range info.Settings {
		if s.Key == "-pgo" && strings.HasSuffix(s.Value, "default.pgo") {
			return
		}
	}
	t.Errorf("the program was not built with default.pgo: %v", info.Settings)
}

// With an empty GOCACHE and with a full one, go and numago in turn: neither gets what the
// other has compiled.
func TestColdAndWarmCache(t *testing.T) {
	dir := tree(t, map[string]string{"go.mod": "module example.org/app\n\ngo 1.26.0\n", "main.go": hello})
	t.Setenv("GOCACHE", filepath.Join(t.TempDir(), "cache"))
	for range 2 {
		buildIn(t, dir)
		stock := filepath.Join(t.TempDir(), "stock")
		cmd := exec.Command("go", "build", "-o", stock, ".")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
		if ok, err := hasMarker(stock); ok || err != nil {
			t.Errorf("what go has built has the marker: %v, %v", ok, err)
		}
	}
}

// numago test runs vet before a test, as go test does; numago vet finds what go vet finds. It
// does so for who imports package runtime/numa, too, of which GOROOT has no folder.
func TestVet(t *testing.T) {
	good := "package app\n\nimport \"testing\"\n\nfunc Test(t *testing.T) { t.Log(\"ran\") }\n"
	bad := strings.Replace(good, `t.Log("ran")`, `t.Logf("%d", "ran")`, 1)
	withNuma := func(text string) string {
		return strings.Replace(text, "import ", "import _ \"runtime/numa\"\nimport ", 1)
	}
	for text, want := range map[string]int{good: 0, bad: 1, withNuma(good): 0, withNuma(bad): 1} {
		if os.Getenv("NUMASCHED_LONG_TESTS") == "" {
			t.Skip("compiles Go's runtime; set NUMASCHED_LONG_TESTS=1 to run it")
		}
		dir := tree(t, map[string]string{"go.mod": "module example.org/app\n\ngo 1.26.0\n", "app_test.go": text})
		for _, command := range []string{"vet", "test"} {
			if status, out, errs := numago(t, command, "-C", dir, "."); status != want || strings.Contains(out+errs, "wrong type") != (want == 1) {
				t.Errorf("numago %s: status %d, want %d\n%s%s", command, status, want, out, errs)
			}
		}
	}
}

// Threads that C makes have the mask of their maker. So nothing is bound in a program that
// uses cgo.
func TestCgoBindsNothing(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no C compiler: ", err)
	}
	if os.Getenv("NUMASCHED_LONG_TESTS") == "" {
		t.Skip("compiles Go's runtime; set NUMASCHED_LONG_TESTS=1 to run it")
	}
	t.Setenv("CGO_ENABLED", "1")
	app := filepath.Join(t.TempDir(), "app")
	if status, out, errs := numago(t, "build", "-o", app, "./testdata/cthread"); status != 0 {
		t.Fatalf("status %d\n%s%s", status, out, errs)
	}
	top, err := topology.Host()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GONUMATRACE", "1")
	status, out, errs := start(t, "2", app)
	if status != 0 || !strings.Contains(errs, "on=true") || !strings.Contains(errs, "bind=false") {
		t.Errorf("status %d, %s", status, errs)
	}
	for _, n := range values(out)["cpus"] {
		if n != fmt.Sprint(top.Allowed.Len()) {
			t.Errorf("a thread that C made has %s CPUs, want %d", n, top.Allowed.Len())
		}
	}
	// Unset, it stands down and says why, here or since there is one node.
	cmd := exec.Command(app)
	var said bytes.Buffer
	cmd.Stderr = &said
	cmd.Env = without(os.Environ(), "GONUMA")
	if err := cmd.Run(); err != nil || !strings.Contains(said.String(), "gonuma: off: one node") && !strings.Contains(said.String(), "gonuma: off: the program uses cgo") {
		t.Errorf("%v, %q", err, said.String())
	}
}

func without(env []string, name string) (out []string) {
	for _, e := range env {
		if !strings.HasPrefix(e, name+"=") {
			out = append(out, e)
		}
	}
	return out
}

// Somebody else's mask or memory policy is left alone: the program says so, and so does
// doctor.
func TestSomebodyElsesMaskAndPolicy(t *testing.T) {
	top, err := topology.Host()
	if err != nil {
		t.Fatal(err)
	}
	if top.Allowed.Len() < 2 || !top.Allowed.Equal(top.Online) {
		t.Skip("needs two CPUs, and a mask that is not narrowed")
	}
	// A thread's mask and policy are those of what it starts.
	onThread := func(set func() error, what func()) error {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer numa.SetAffinity(0, top.Allowed)
		if policy, err := numa.CurrentPolicy(); err == nil {
			defer numa.SetPolicy(policy)
		}
		err := set()
		if err == nil {
			what()
		}
		return err
	}
	narrow := func() error { return numa.SetAffinity(0, topology.CPUs(top.Allowed.First())) }
	prefer := func() error {
		return numa.SetPolicy(numa.Policy{Mode: numa.Preferred, Nodes: []int{top.Nodes[0].ID}})
	}
	for _, c := range []struct {
		name              string
		set               func() error
		doctors, programs string
	}{
		{"mask", narrow, "the CPU mask is narrowed to", "gonuma: off: somebody narrowed the CPU mask, and confine leaves that alone\n"},
		{"policy", prefer, "there is a memory policy", "gonuma: off: somebody set a memory policy, and confine leaves that alone\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := onThread(c.set, func() {
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), "NUMAGO_TEST_APP=doctor")
				if out, err := cmd.CombinedOutput(); !strings.Contains(string(out), c.doctors) {
					t.Errorf("doctor: %v\n%s\nwant %q", err, out, c.doctors)
				}
			})
			if err != nil && c.name == "policy" {
				t.Skip("the kernel takes no memory policy: ", err)
			} else if err != nil {
				t.Fatal(err)
			}
			app := program(t, "affinity")
			onThread(c.set, func() {
				if status, out, errs := start(t, "confine", app, "mask", "me"); status != 0 || errs != c.programs || c.name == "mask" && strings.TrimSpace(out) != "me "+topology.CPUs(top.Allowed.First()).String() {
					t.Errorf("status %d, %q, %q; want %q", status, out, errs, c.programs)
				}
			})
		})
	}
}
