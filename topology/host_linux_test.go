package topology

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Host, asked in a process of its own, which taskset would have started with one CPU.
func TestHostSeesTheMaskOfTheProcess(t *testing.T) {
	if os.Getenv("TOPOLOGY_TEST_HOST") != "" {
		topo, err := Host()
		if err != nil {
			t.Fatal(err)
		}
		check(t, topo)
		fmt.Printf("allowed: %s.\n", topo.Allowed)
		return
	}
	runtime.LockOSThread() // never unlocked: the thread, and its mask, end with the test
	before, err := affinityMask(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []CPUSet{CPUs(before.First()), before} {
		setMask(t, want)
		child := exec.Command(os.Args[0], "-test.run=^TestHostSeesTheMaskOfTheProcess$")
		child.Env = append(os.Environ(), "TOPOLOGY_TEST_HOST=1")
		out, err := child.CombinedOutput()
		if err != nil || !strings.Contains(string(out), fmt.Sprintf("allowed: %s.", want)) {
			t.Errorf("a process that may run on %s says: %v, %s", want, err, out)
		}
	}
}

// What the program has done to the thread that Host is called on is no limit of the
// process.
func TestHostDoesNotDependOnTheThreadThatAsks(t *testing.T) {
	want, err := Host()
	if err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread() // never unlocked
	before, err := affinityMask(0)
	if err != nil {
		t.Fatal(err)
	}
	defer setMask(t, before) // the main thread does not end
	setMask(t, CPUs(before.First()))
	topo, err := Host()
	if err != nil {
		t.Fatal(err)
	}
	wantCPUs(t, "allowed", topo.Allowed, want.Allowed.String())
}

func setMask(t *testing.T, cpus CPUSet) {
	t.Helper()
	var mask unix.CPUSet
	for c := range cpus.All() {
		mask.Set(c)
	}
	if err := unix.SchedSetaffinity(0, &mask); err != nil {
		t.Skipf("the mask cannot be set: %v", err)
	}
}

func TestMasksOfAnySizeAndByteOrder(t *testing.T) {
	for _, want := range []CPUSet{CPUs(0), CPUs(63, 64), CPUs(1, 1023, 1024, 2047, 8191)} {
		mask := make([]uint64, 128)
		const long = int(unsafe.Sizeof(uintptr(0))) * 8
		longs := unsafe.Slice((*uintptr)(unsafe.Pointer(&mask[0])), 128*64/long)
		for c := range want.All() {
			longs[c/long] |= 1 << (c % long)
		}
		if got := affinityOf(mask, 128*8); !got.Equal(want) {
			t.Errorf("%v is read as %v", want, got)
		}
	}
}
