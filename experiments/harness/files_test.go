package harness

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
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

// Whoever interrupts a process while it makes what a new file will hold leaves no file, so
// that the same command works again.
func TestNewFileIsThereAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	holds := func(want ...string) {
		t.Helper()
		var names []string
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			names = append(names, e.Name())
		}
		if !slices.Equal(names, want) {
			t.Errorf("the folder has %q, want %q", names, want)
		}
	}
	failed := errors.New("failed")
	if err := NewFile(file, func() ([]byte, error) { holds(); return nil, failed }); !errors.Is(err, failed) {
		t.Error(err)
	}
	holds()
	if err := NewFile(file, func() ([]byte, error) { holds(); return []byte("new"), nil }); err != nil {
		t.Error(err)
	}
	holds("file")
	if err := NewFile(file, func() ([]byte, error) { t.Error("made in vain"); return nil, nil }); !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v, want that the file exists", err)
	}
	other := filepath.Join(dir, "other")
	err := NewFile(other, func() ([]byte, error) { return []byte("mine"), os.WriteFile(other, []byte("theirs"), 0o666) })
	if data, _ := os.ReadFile(other); !errors.Is(err, fs.ErrExist) || string(data) != "theirs" {
		t.Errorf("%v, and the file that somebody made meanwhile holds %q", err, data)
	}
	holds("file", "other")
	if err := NewFile(filepath.Join(dir, "none", "x"), func() ([]byte, error) { t.Error("made in vain"); return nil, nil }); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want that there is no such folder", err)
	}
}
