package leakcheck

import (
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"numasched/numa"
	"numasched/topology"
)

// wantLeak runs f between two looks and wants one leak that says so, then none once
// undo has run.
func wantLeak(t *testing.T, says string, f func() (undo func())) {
	t.Helper()
	After(t)
	before := look()
	undo := f()
	if leaks := before.leaks(50 * time.Millisecond); len(leaks) != 1 || !strings.Contains(leaks[0], says) {
		t.Errorf("leaks %q, want one with %q", leaks, says)
	}
	undo()
}

func TestAChangedGOMAXPROCSIsALeak(t *testing.T) {
	wantLeak(t, "GOMAXPROCS is", func() func() {
		old := runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
		return func() { runtime.GOMAXPROCS(old) }
	})
}

func TestAGoroutineThatGoesOnIsALeak(t *testing.T) {
	wantLeak(t, "TestAGoroutineThatGoesOnIsALeak", func() func() {
		quit := make(chan struct{})
		go func() { <-quit }()
		return func() { close(quit) }
	})
}

func TestAnOpenFileIsALeak(t *testing.T) {
	name := t.TempDir() + "/open"
	if look().files["0"] == "" {
		t.Skip("this system does not list open files")
	}
	wantLeak(t, name, func() func() {
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		return func() { f.Close() }
	})
}

func TestANarrowedThreadIsALeak(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	mask, err := numa.Affinity(0)
	if err != nil || mask.Len() < 2 {
		t.Skip("needs a thread that may run on two CPUs")
	}
	wantLeak(t, "want "+mask.String()+" as before", func() func() {
		if err := numa.SetAffinity(0, topology.CPUs(mask.First())); err != nil {
			t.Fatal(err)
		}
		return func() { numa.SetAffinity(0, mask) }
	})
}

func TestMemoryOfAnArenaIsALeak(t *testing.T) {
	wantLeak(t, "bytes more than before", func() func() {
		a, err := numa.NewArena(0, numa.ArenaOptions{Unbound: true})
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Alloc(1 << 20); err != nil {
			t.Fatal(err)
		}
		return func() { a.Close() }
	})
}

func TestAThreadWithTheNameOfABoundOneIsALeak(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	file := "/proc/self/task/" + strconv.Itoa(numa.CurrentThread()) + "/comm"
	was, err := os.ReadFile(file)
	if err != nil {
		t.Skip("threads have no names here: ", err)
	}
	wantLeak(t, "is still called numasched-7", func() func() {
		os.WriteFile(file, []byte("numasched-7"), 0)
		return func() { os.WriteFile(file, was, 0) }
	})
}

// Parts of a test that compares need not compare.
func TestAfterOfAPartDoesNothing(t *testing.T) {
	After(t)
	t.Run("part", func(t *testing.T) {
		if begin(t.Name()) {
			t.Error("a part compares, too")
		}
	})
	if begin(t.Name()) || !begin(t.Name()+"2") {
		t.Error("another test does not compare")
	}
	end(t.Name() + "2")
}
