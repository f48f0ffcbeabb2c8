package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// smallDisk mounts a disk of that many bytes.
func smallDisk(t *testing.T, bytes int) string {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", bytes)); err != nil {
		t.Skipf("cannot mount a small disk (%v): run as root", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// A disk has room for a lock, then for run.json too, then for the head of
// results.txt, and so on. Wherever it is full, the same command works once there
// is room.
func TestARunOnAFullDiskCanBeRepeatedOnceThereIsRoom(t *testing.T) {
	const page = 4096
	begun := false
	for pages := 1; !begun; pages++ {
		disk := smallDisk(t, pages*page)
		dir := filepath.Join(disk, "run")
		err := Run(t.Context(), dir, plan(3, "fib", "flat numa"), false, newFake().bench, quiet)
		begun = err == nil
		if !begun && !DiskFull(err) {
			t.Fatalf("%d pages: %v, want no space left", pages, err)
		}
		left, _ := os.ReadDir(disk)
		if err := unix.Mount("tmpfs", disk, "tmpfs", unix.MS_REMOUNT, "size=1m"); err != nil {
			t.Fatal(err)
		}
		resume := len(left) > 0
		if resume && !begun {
			if res, err := Load(dir); err != nil || res.Meta.Planned != 6 {
				t.Fatalf("%d pages: what is left is no run: %v", pages, err)
			}
		}
		mustRun(t, dir, plan(3, "fib", "flat numa"), resume, newFake())
	}
}
