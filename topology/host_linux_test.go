package topology

import (
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestHostSeesTheAffinityMask(t *testing.T) {
	runtime.LockOSThread() // never unlocked: the thread, and its mask, end with the test
	before, err := affinityMask()
	if err != nil {
		t.Fatal(err)
	}
	if before.Empty() {
		t.Fatal("the mask is empty")
	}
	var one unix.CPUSet
	one.Set(before.First())
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		t.Skipf("the mask cannot be set: %v", err)
	}
	topo, err := Host()
	if err != nil {
		t.Fatal(err)
	}
	check(t, topo)
	wantCPUs(t, "allowed", topo.Allowed, CPUs(before.First()).String())
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
