package sched

import (
	"testing"
	"unsafe"
)

// A G is two cache lines, the first of which is all that a G needs which never blocks and
// is not forked.
func TestAGIsTwoCacheLines(t *testing.T) {
	const line = 64
	var g G
	if size := unsafe.Sizeof(g); size != 2*line {
		t.Errorf("a G has %d bytes, want %d", size, 2*line)
	}
	for name, end := range map[string]uintptr{
		"group":    unsafe.Offsetof(g.group) + unsafe.Sizeof(g.group),
		"home":     unsafe.Offsetof(g.home) + unsafe.Sizeof(g.home),
		"forks":    unsafe.Offsetof(g.forks) + unsafe.Sizeof(g.forks),
		"arg.Data": unsafe.Offsetof(g.arg) + unsafe.Offsetof(g.arg.Data) + unsafe.Sizeof(g.arg.Data),
	} {
		if end > line {
			t.Errorf("%s ends at byte %d, want it in the first %d", name, end, line)
		}
	}
	for range 100 {
		escaped = new(G)
		if at := uintptr(unsafe.Pointer(escaped)); at%line != 0 {
			t.Fatalf("a G lies at %#x, want a multiple of %d", at, line)
		}
	}
}

var escaped *G // so that the compiler does not put it on the stack
