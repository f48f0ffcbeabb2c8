package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// kernelPackages are packages of Debian and Ubuntu. The first dependency of each is
// a small kernel for virtual machines.
var kernelPackages = []string{"linux-image-cloud-amd64", "linux-image-virtual"}

// findKernel returns a kernel image: this host's, or a distribution's, which it
// unpacks into the cache and does not install.
func findKernel(cache string) (string, error) {
	if runtime.GOARCH == "amd64" {
		if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
			if name := "/boot/vmlinuz-" + strings.TrimSpace(string(release)); checkKernel(name) == nil {
				return name, nil
			}
		}
	}
	have, _ := filepath.Glob(filepath.Join(cache, "kernel", "vmlinuz-*"))
	slices.Sort(have)
	for _, name := range slices.Backward(have) {
		if checkKernel(name) == nil {
			return name, nil
		}
	}
	name, err := fetchKernel(cache)
	if err != nil {
		return "", fmt.Errorf("no kernel: this host's (/boot/vmlinuz-*) cannot be read, and %w; give one with --kernel FILE (a bzImage)", err)
	}
	return name, nil
}

// checkKernel looks for the magic number of a bzImage (the Linux/x86 boot
// protocol: "HdrS" at 0x202).
func checkKernel(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	var magic [4]byte
	if _, err := f.ReadAt(magic[:], 0x202); err != nil || string(magic[:]) != "HdrS" {
		return fmt.Errorf("%s is not an x86 Linux kernel image (bzImage)", name)
	}
	return nil
}

func fetchKernel(cache string) (string, error) {
	for _, tool := range []string{"apt-cache", "apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "", fmt.Errorf("there is no %s to fetch one", tool)
		}
	}
	var pkg string
	for _, meta := range kernelPackages {
		text, _ := exec.Command("apt-cache", "depends", "--important", meta).Output()
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: "); ok && pkg == "" {
				pkg = name
			}
		}
	}
	if pkg == "" {
		return "", fmt.Errorf("apt knows none of %s (apt-get update)", strings.Join(kernelPackages, ", "))
	}
	dir := filepath.Join(cache, "kernel")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(dir, "fetch-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	fmt.Fprintf(os.Stderr, "numalab: fetching the kernel package %s, once\n", pkg)
	get := exec.Command("apt-get", "download", "-q", pkg)
	get.Dir = tmp
	if text, err := get.CombinedOutput(); err != nil {
		return "", fmt.Errorf("apt-get download %s: %w: %s", pkg, err, lastLine(text))
	}
	debs, _ := filepath.Glob(filepath.Join(tmp, "*.deb"))
	if len(debs) != 1 {
		return "", errors.New("apt-get download left no package")
	}
	tree := filepath.Join(tmp, "tree")
	if text, err := exec.Command("dpkg-deb", "-x", debs[0], tree).CombinedOutput(); err != nil {
		return "", fmt.Errorf("dpkg-deb -x: %w: %s", err, lastLine(text))
	}
	images, _ := filepath.Glob(filepath.Join(tree, "boot", "vmlinuz-*"))
	if len(images) != 1 {
		return "", fmt.Errorf("package %s has no boot/vmlinuz-*", pkg)
	}
	name := filepath.Join(dir, filepath.Base(images[0]))
	return name, os.Rename(images[0], name)
}

func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}
