package harness

import (
	"bytes"
	"os"
	"strconv"
)

// forgetPeak makes [peakMemory] begin anew (proc(5): clear_refs). Where that is not
// allowed, the peak is that since the process began.
func forgetPeak() { os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// peakMemory is the most memory that the process had resident, in bytes, or 0 if that is
// not known.
func peakMemory() int64 {
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	f := bytes.Fields(rest)
	if len(f) == 0 {
		return 0
	}
	kb, _ := strconv.ParseInt(string(f[0]), 10, 64)
	return kb << 10
}
