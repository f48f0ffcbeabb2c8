package peers

import (
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed native
var sources embed.FS

// A native is a peer in another language: a program that is called as
//
//	program WORKLOAD N THREADS RUNS WARM
//
// and prints the nanoseconds that RUNS runs took. It exits with a status other than 0,
// and a reason, if an answer was wrong.
type native struct {
	source  string   // file or folder under native
	program string   // where the command leaves the program, in the folder of the source
	command []string // that builds it there

	once sync.Once
	path string
	err  error
}

var (
	oneTBB = &native{source: "onetbb.cpp", program: "onetbb",
		command: []string{"g++", "-O3", "-std=c++17", "onetbb.cpp", "-o", "onetbb", "-ltbb"}}
	openMP = &native{source: "openmp.cpp", program: "openmp",
		command: []string{"g++", "-O3", "-std=c++17", "-fopenmp", "openmp.cpp", "-o", "openmp"}}
	rayon = &native{source: "rayon", program: "rayon/target/release/rayon-peer",
		command: append([]string{"cargo", "build", "--release", "--quiet", "--manifest-path", "rayon/Cargo.toml"}, debianCrates()...)}
)

// debianCrates returns cargo's flags for taking rayon from Debian's package
// librust-rayon-dev, if that is installed.
func debianCrates() []string {
	const folder = "/usr/share/cargo/registry"
	if found, _ := filepath.Glob(folder + "/rayon-[0-9]*"); len(found) == 0 {
		return nil
	}
	return []string{"--offline", "--config", `source.crates-io.replace-with="debian"`, "--config", `source.debian.directory="` + folder + `"`}
}

// build builds the program, unless an earlier process has, and returns its path. It lies
// in the user's cache folder under a name that depends on its source.
func (n *native) build() (string, error) {
	n.once.Do(func() { n.path, n.err = n.buildOnce() })
	return n.path, n.err
}

func (n *native) buildOnce() (string, error) {
	if _, err := exec.LookPath(n.command[0]); err != nil {
		return "", fmt.Errorf("there is no %s here", n.command[0])
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	files, sum := map[string][]byte{}, sha256.New()
	err = fs.WalkDir(sources, "native", func(name string, d fs.DirEntry, err error) error {
		rel := strings.TrimPrefix(name, "native/")
		if err != nil || d.IsDir() || rel != n.source && rel != "common.hpp" && !strings.HasPrefix(rel, n.source+"/") {
			return err
		}
		data, err := sources.ReadFile(name)
		files[rel] = data
		fmt.Fprintf(sum, "%s %d\n%s", rel, len(data), data)
		return err
	})
	if err != nil {
		return "", err
	}
	fmt.Fprintln(sum, n.command)
	dir := filepath.Join(cache, "numasched", fmt.Sprintf("%s-%x", path.Base(n.program), sum.Sum(nil)[:8]))
	program := filepath.Join(dir, filepath.FromSlash(n.program))
	if info, err := os.Stat(program); err == nil && info.Mode().IsRegular() {
		return program, nil
	}
	for name, data := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			return "", err
		}
		if err := os.WriteFile(file, data, 0o666); err != nil {
			return "", err
		}
	}
	cmd := exec.Command(n.command[0], n.command[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		return "", fmt.Errorf("%s: %w: %s", strings.Join(n.command, " "), err, first)
	}
	return program, nil
}

// measure is [Peer.Measure] of a native program.
func (n *native) measure(load string, size, procs, runs int, warm bool) (time.Duration, error) {
	program, err := n.build()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(program, load, strconv.Itoa(size), strconv.Itoa(procs), strconv.Itoa(runs), strconv.FormatBool(warm))
	var reason strings.Builder
	cmd.Stderr = &reason
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("%w: %s", err, strings.TrimSpace(reason.String()))
	}
	ns, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil || ns <= 0 {
		return 0, fmt.Errorf("it printed %q: want nanoseconds", out)
	}
	return time.Duration(ns), nil
}
