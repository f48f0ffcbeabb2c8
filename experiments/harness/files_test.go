package harness

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestWriteFileThatFailsLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := os.WriteFile(file, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); runtime.GOOS == "windows" && err != nil {
		t.Skip("only some users may make links here: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	holds := func(want string) {
		t.Helper()
		if data, err := os.ReadFile(file); err != nil || string(data) != want {
			t.Errorf("the file holds %q (%v), want %q", data, err, want)
		}
		if names, _ := os.ReadDir(dir); len(names) != 2 {
			t.Errorf("the folder has %v, want the file and the link", names)
		}
	}
	failed := errors.New("failed")
	if err := WriteFile(link, func(w io.Writer) error { fmt.Fprint(w, "half"); return failed }); !errors.Is(err, failed) {
		t.Error(err)
	}
	holds("old")
	if err := WriteFile(link, func(w io.Writer) error { _, err := fmt.Fprint(w, "new"); return err }); err != nil {
		t.Error(err)
	}
	holds("new")
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is no link now: %v, %v", info, err)
	}
}

func TestWriteFileWritesToADevice(t *testing.T) {
	if err := WriteFile(os.DevNull, func(w io.Writer) error { _, err := fmt.Fprint(w, "gone"); return err }); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%s is a file now: %v", os.DevNull, err)
	}
}
