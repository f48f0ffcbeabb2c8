package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"numasched/sched/goruntime/overlay"
)

// A toolchain is what "go" in a folder turns out to be, after GOTOOLCHAIN and the
// toolchain line of go.mod have had their say. An overlay names files of one GOROOT; with
// another one it is dropped without a word. So numago runs this one, and forbids it to
// switch again.
type toolchain struct {
	GOROOT, GOVERSION, GOFLAGS, GOOS, GOARCH, GOEXE, CGO_ENABLED, GOMODCACHE string

	dir string // where the go command runs
}

func findToolchain(dir string) (*toolchain, error) {
	goCmd, err := exec.LookPath("go")
	if err != nil {
		return nil, fmt.Errorf("there is no go command: %w", err)
	}
	t := &toolchain{dir: dir}
	cmd := exec.Command(goCmd, "env", "-json", "GOROOT", "GOVERSION", "GOFLAGS", "GOOS", "GOARCH", "GOEXE", "CGO_ENABLED", "GOMODCACHE")
	cmd.Dir = dir
	out, err := output(cmd)
	if err == nil {
		err = json.Unmarshal(out, t)
	}
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	return t, nil
}

// output runs a command; the error holds what it said.
func output(cmd *exec.Cmd) ([]byte, error) {
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	return out, err
}

// command is a go command of this toolchain and no other.
func (t *toolchain) command(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(t.GOROOT, "bin", "go"+exeSuffix), args...)
	cmd.Dir = t.dir
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local", "GOROOT="+t.GOROOT)
	return cmd
}

// overlay makes the overlay and returns the name of its overlay.json.
func (t *toolchain) overlay() (string, error) {
	cache, err := cacheFolder()
	if err != nil {
		return "", err
	}
	if err := overlay.Check(t.release(), os.DirFS(filepath.Join(t.GOROOT, "src", "runtime"))); err != nil {
		return "", err
	}
	if err := t.leaveModuleCache(cache); err != nil {
		return "", err
	}
	return overlay.Make(cache, t.release(), t.GOROOT)
}

// release is the toolchain's version without experiments.
func (t *toolchain) release() string {
	release, _, _ := strings.Cut(t.GOVERSION, " ")
	return release
}

// A goArgs is the arguments of a go command, taken apart.
type goArgs struct {
	dir   string   // of -C
	flags []string // without -C
	rest  []string // packages, files, a program's arguments
	named map[string]string
}

// switches are the go command's flags that take no value in the next argument.
var switches = map[string]bool{}

func init() {
	for _, name := range strings.Fields(`a n v x work race msan asan cover trimpath linkshared modcacherw json
		buildvcs c i benchmem failfast short fullpath artifacts h help fix diff`) {
		switches[name] = true
	}
}

func parseGoArgs(args []string) *goArgs {
	g := &goArgs{named: map[string]string{}}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if len(arg) < 2 || arg[0] != '-' || arg == "--" {
			g.rest = args[i:]
			break
		}
		name, value, has := strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
		mine := []string{arg}
		if !has && !switches[name] && i+1 < len(args) {
			i++
			value = args[i]
			mine = append(mine, value)
		}
		g.named[name] = value
		if name == "C" {
			g.dir = value
			continue
		}
		g.flags = append(g.flags, mine...)
	}
	return g
}

// refuse says why a build cannot have the overlay, before anything is written.
func (g *goArgs) refuse(goflags string) error {
	all := parseGoArgs(strings.Fields(goflags)).named
	for name, value := range g.named {
		all[name] = value
	}
	if _, ok := all["overlay"]; ok {
		return usageError("-overlay: the go command takes one overlay, and numago needs it")
	}
	if v, ok := all["compiler"]; ok && v != "gc" {
		return usageError(fmt.Sprintf("-compiler=%s: numago edits the runtime of gc", v))
	}
	switch mode := all["buildmode"]; mode {
	case "", "default", "exe", "pie":
	default:
		return usageError(fmt.Sprintf("-buildmode=%s: such a build shares a process with C or with another runtime, whose threads numago must not bind; want exe, pie or default", mode))
	}
	if v, ok := all["linkshared"]; ok && v != "false" {
		return usageError("-linkshared: the shared runtime would be Go's own")
	}
	return nil
}

// goCommand runs build, run, test, vet or install with the overlay.
func goCommand(name string, args []string, stdout, stderr io.Writer) error {
	g := parseGoArgs(args)
	t, err := findToolchain(g.dir)
	if err != nil {
		return err
	}
	if err := g.refuse(t.GOFLAGS); err != nil {
		return err
	}
	file, err := t.overlay()
	if err != nil {
		return err
	}
	if err := t.checkRuntime(file, g); err != nil {
		return err
	}
	if name == "vet" || name == "test" {
		if file, err = t.enterable(file, name, g); err != nil {
			return err
		}
	}
	cmd := t.command(append(append([]string{name, "-overlay=" + file}, g.flags...), g.rest...)...)
	if err := attached(cmd, stdout, stderr); err != nil {
		return err
	}
	if _, dry := g.named["n"]; dry {
		return nil
	}
	switch name {
	case "build", "install":
		return t.checkPrograms(name, g)
	}
	return nil
}

// attached runs a command on our own standard files. Its failure is an exitError.
func attached(cmd *exec.Cmd, stdout, stderr io.Writer) error {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, stdout, stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exitError(exitStatus(exit.ProcessState))
	}
	return err
}

func goEnv(args []string, stdout, stderr io.Writer) error {
	t, err := findToolchain(parseGoArgs(args).dir)
	if err != nil {
		return err
	}
	if len(args) == 1 && args[0] == "NUMAGO_OVERLAY" || len(args) == 0 {
		file, err := t.overlay()
		if err != nil {
			return err
		}
		if len(args) == 1 {
			_, err = fmt.Fprintln(stdout, file)
			return err
		}
		if err := attached(t.command("env"), stdout, stderr); err != nil {
			return err
		}
		_, err = fmt.Fprintf(stdout, "NUMAGO_OVERLAY='%s'\n", file)
		return err
	}
	return attached(t.command(append([]string{"env"}, args...)...), stdout, stderr)
}
