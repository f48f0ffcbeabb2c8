package main

import (
	"bytes"
	"debug/buildinfo"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"numasched/sched/goruntime/overlay"
)

// hasMarker reports whether a program, or an archive of package runtime, comes from the
// overlay.
func hasMarker(file string) (bool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return false, err
	}
	return bytes.Contains(text, []byte(overlay.Marker)), nil
}

// checkRuntime compiles package runtime with the overlay, or finds it compiled, and looks
// for the marker. The overlay cannot fall away later: the toolchain is the same.
func (t *toolchain) checkRuntime(file string, g *goArgs) error {
	args := []string{"list", "-export", "-overlay=" + file}
	for _, name := range []string{"race", "msan", "asan", "trimpath"} {
		if v, ok := g.named[name]; ok && v != "false" {
			args = append(args, "-"+name)
		}
	}
	out, err := output(t.command(append(args, "-f={{.Export}}", "runtime")...))
	if err != nil {
		return fmt.Errorf("compiling package runtime: %w", err)
	}
	archive := strings.TrimSpace(string(out))
	ok, err := hasMarker(archive)
	if err == nil && !ok {
		err = fmt.Errorf("%s: %s has dropped the overlay: this package runtime is Go's own", archive, t.GOVERSION)
	}
	return err
}

// checkPrograms looks for the marker in what build or install has written.
func (t *toolchain) checkPrograms(name string, g *goArgs) error {
	files, err := t.programs(name, g)
	if err != nil {
		return err
	}
	for _, file := range files {
		ok, err := hasMarker(file)
		if err == nil && !ok {
			err = fmt.Errorf("%s: its runtime is Go's own: the overlay was dropped", file)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// programs are the files that build or install has written.
func (t *toolchain) programs(name string, g *goArgs) ([]string, error) {
	at := func(file string) string {
		if filepath.IsAbs(file) {
			return file
		}
		return filepath.Join(t.dir, file)
	}
	out, given := g.named["o"]
	if out == os.DevNull {
		return nil, nil
	}
	if given && name == "build" {
		if info, err := os.Stat(at(out)); err == nil && !info.IsDir() {
			if strings.HasSuffix(out, ".a") {
				return nil, nil
			}
			return []string{at(out)}, nil
		}
	}
	if len(g.rest) > 0 && strings.Contains(g.rest[0], "@") {
		return t.installedAt(g)
	}
	// The rest is for the go command to say.
	var flags []string
	for i := 0; i < len(g.flags); i++ {
		switch flag := strings.TrimLeft(g.flags[i], "-"); {
		case flag == "o":
			i++
		case strings.HasPrefix(flag, "o="), flag == "x", flag == "v", flag == "json":
		default:
			flags = append(flags, g.flags[i])
		}
	}
	list, err := output(t.command(append(append(append([]string{"list"}, flags...), `-f={{if eq .Name "main"}}{{.Target}}|{{.ImportPath}}|{{index .GoFiles 0}}{{end}}`), g.rest...)...))
	if err != nil {
		return nil, fmt.Errorf("which programs were built: %w", err)
	}
	var files []string
	for _, line := range strings.Fields(string(list)) {
		part := strings.Split(line, "|")
		target := part[0]
		if part[1] == "command-line-arguments" {
			target = strings.TrimSuffix(part[2], ".go") + t.GOEXE
		}
		switch {
		case name == "install":
			files = append(files, part[0])
		case given: // into a folder
			files = append(files, filepath.Join(at(out), filepath.Base(target)))
		default:
			files = append(files, at(filepath.Base(target)))
		}
	}
	if name == "build" && !given && len(files) > 1 {
		return nil, nil // several packages are only compiled
	}
	return files, nil
}

// installedAt are the programs of "install PACKAGE@VERSION".
func (t *toolchain) installedAt(g *goArgs) ([]string, error) {
	out, err := output(t.command("env", "GOBIN", "GOPATH"))
	if err != nil {
		return nil, err
	}
	lines := strings.Split(string(out), "\n")
	bin := lines[0]
	if bin == "" {
		bin = filepath.Join(filepath.SplitList(lines[1])[0], "bin")
	}
	var files []string
	for _, arg := range g.rest {
		pkg, _, _ := strings.Cut(arg, "@")
		base := path.Base(pkg)
		if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
			base = path.Base(path.Dir(pkg))
		}
		files = append(files, filepath.Join(bin, base+t.GOEXE))
	}
	return files, nil
}

// version tells the versions of numago and go, or of programs.
func version(files []string, stdout io.Writer) error {
	if len(files) == 0 {
		t, err := findToolchain("")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(stdout, "numago for %s; here %s %s/%s\n", strings.Join(overlay.Releases(), ", "), t.GOVERSION, t.GOOS, t.GOARCH)
		return err
	}
	for _, file := range files {
		info, err := buildinfo.ReadFile(file)
		if err != nil {
			return err
		}
		ok, err := hasMarker(file)
		if err != nil {
			return err
		}
		runtime := "Go's own runtime"
		if ok {
			runtime = "the NUMA-aware runtime"
		}
		fmt.Fprintf(stdout, "%s: %s, %s\n", file, info.GoVersion, runtime)
	}
	return nil
}
