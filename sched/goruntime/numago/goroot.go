package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"numasched/sched/goruntime/overlay"
)

// Twice the overlay needs a GOROOT that is not the toolchain's own folder. Such a GOROOT
// lies in numago's folder of the user's cache, and consists of links.

func cacheFolder() (string, error) {
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "numago"), err
}

// leaveModuleCache gives a toolchain that the go command has downloaded a GOROOT elsewhere:
// the go command lets no overlay replace files in the module cache.
func (t *toolchain) leaveModuleCache(cache string) error {
	if rel, err := filepath.Rel(t.GOMODCACHE, t.GOROOT); err != nil || !filepath.IsLocal(rel) {
		return nil
	}
	links := filepath.Join(cache, "goroot-"+filepath.Base(t.GOROOT))
	if err := linkAll(t.GOROOT, links, ""); err != nil {
		return fmt.Errorf("%s was downloaded, and needs a GOROOT of links outside the module cache: %w", t.GOVERSION, err)
	}
	t.GOROOT = links
	return nil
}

// enterable gives the toolchain a GOROOT with a folder for package runtime/numa, if what is
// to be vetted imports that, and returns the overlay for it. The go command runs vet in each
// package's folder, and an overlay has files only. Other builds keep the toolchain's own
// GOROOT, which stack traces name. There are no packages below the links, so a pattern such
// as std does not see them; one that names a package does.
func (t *toolchain) enterable(file, name string, g *goArgs) (string, error) {
	if name == "test" && g.named["vet"] == "off" {
		return file, nil
	}
	args := []string{"list", "-e", "-deps", "-test", "-overlay=" + file}
	for _, flag := range []string{"tags", "mod", "modfile"} {
		if v, ok := g.named[flag]; ok {
			args = append(args, "-"+flag+"="+v)
		}
	}
	packages := g.rest
	for i, arg := range packages {
		if strings.HasPrefix(arg, "-") {
			packages = packages[:i] // the rest is for the test
			break
		}
	}
	out, err := output(t.command(append(append(args, "--"), packages...)...))
	if err != nil || !strings.Contains("\n"+string(out), "\nruntime/numa\n") {
		return file, nil // what is wrong is for the go command to say
	}
	cache, err := cacheFolder()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(t.GOROOT))
	links := filepath.Join(cache, fmt.Sprintf("goroot-%s-%x", t.release(), sum[:8]))
	from, to := t.GOROOT, links
	for _, inner := range []string{"src", "runtime", ""} {
		if err := linkAll(from, to, inner); err != nil {
			return "", fmt.Errorf("vet needs a GOROOT with a folder for runtime/numa: %w", err)
		}
		from, to = filepath.Join(from, inner), filepath.Join(to, inner)
	}
	if err := os.MkdirAll(filepath.Join(to, "numa"), 0o777); err != nil {
		return "", err
	}
	t.GOROOT = links
	return overlay.Make(cache, t.release(), t.GOROOT)
}

// linkAll fills a folder with links to all that another one holds, but for one name.
func linkAll(from, to, but string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o777); err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == but {
			continue
		}
		from, to := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		if have, err := os.Readlink(to); err == nil && have == from {
			continue
		}
		if err := os.Symlink(from, to); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}
