package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A disk that is full is no mistake of the user's, whatever does not fit any more. What
// was not written as a whole is not there.
func TestCommandsOnAFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=4096"); err != nil {
		t.Skipf("cannot mount a small disk (%v): run as root", err)
	}
	t.Cleanup(func() { unix.Unmount(disk, unix.MNT_DETACH) })
	in := func(name string) string { return filepath.Join(disk, name) }
	results := copyCase(t, "onenode")
	resize := func(pages int) {
		if err := unix.Mount("tmpfs", disk, "tmpfs", unix.MS_REMOUNT, fmt.Sprintf("size=%d", pages*4096)); err != nil {
			t.Fatal(err)
		}
	}
	factor := 4
	if longTests() {
		factor = 2
	}
	for _, args := range [][]string{
		{"merge", results, "--out", in("merged")},
		{"topo", "--from", "skx-8s", "--svg", in("a.svg")},
		{"topo", "--from", "skx-8s", "--png", in("a.png")},
		{"report", results, "--tex", in("a.tex")},
		{"man", in("man")},
	} {
		resize(1 << 14)
		if status := dispatch(args, io.Discard, io.Discard); status != 0 {
			t.Fatalf("%q: status %d on a large disk", args, status)
		}
		whole := take(disk)
		for pages, status := 1, 1; status != 0; pages *= factor {
			resize(pages)
			var errs strings.Builder
			status = dispatch(args, io.Discard, &errs)
			if status != 0 && (status != 1 || !strings.Contains(errs.String(), "no space left")) {
				t.Errorf("%q on %d pages: status %d, %s; want 1 and no space left", args, pages, status, errs.String())
			}
			for name, text := range take(disk) {
				if filepath.Base(name) != ".lock" && text != whole[name] {
					t.Errorf("%q on %d pages: %s has %d bytes, want none or %d", args, pages, name, len(text), len(whole[name]))
				}
			}
		}
	}
}

// take removes all files from a folder and returns what they hold.
func take(dir string) map[string]string {
	all := map[string]string{}
	filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if data, err := os.ReadFile(path); err == nil {
			all[path] = string(data)
		}
		return nil
	})
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		os.RemoveAll(filepath.Join(dir, e.Name()))
	}
	return all
}
