package host_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"numasched/sched"
)

// A Buffer of 64 KB would take 2 MB with a transparent huge page, perhaps from another
// node. One that fills huge pages may have them.
func TestSmallBuffersHaveNoHugePages(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage"); err != nil {
		t.Skip("this kernel has no transparent huge pages: ", err)
	}
	m := open(t, "", 0)
	for bytes, want := range map[int64]bool{64 << 10: true, 1 << 20: true, 8 << 20: false} {
		buf, err := m.NewBuffer(bytes, sched.Default)
		if err != nil {
			t.Fatal(err)
		}
		flags := vmFlags(t, uintptr(buf.Base))
		if got := strings.Contains(flags+" ", " nh "); got != want {
			t.Errorf("a buffer of %d bytes may have no huge pages: %v, want %v (VmFlags:%s)", bytes, got, want, flags)
		}
		m.FreeBuffer(buf)
	}
}

// vmFlags returns what /proc/self/smaps says of the mapping that an address lies in.
func vmFlags(t *testing.T, addr uintptr) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip("this kernel does not tell the flags of mappings: ", err)
	}
	in := false
	for line := range strings.Lines(string(text)) {
		var from, to uintptr
		if n, _ := fmt.Sscanf(line, "%x-%x ", &from, &to); n == 2 {
			in = from <= addr && addr < to
		}
		if flags, ok := strings.CutPrefix(line, "VmFlags:"); ok && in {
			return strings.TrimRight(flags, "\n")
		}
	}
	t.Fatalf("no mapping holds %#x", addr)
	return ""
}
