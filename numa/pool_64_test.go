//go:build amd64 || arm64

package numa

import (
	"strings"
	"testing"
)

// Nothing is allocated in Go's heap, or on the stack, to learn a size.
func TestTheSizeOfATypeCostsNoMemory(t *testing.T) {
	type huge [1 << 40]byte
	a, _ := NewArena(0, ArenaOptions{Unbound: true})
	defer a.Close()
	s, err := MakeSlice[huge](a, 0)
	if err != nil {
		t.Fatal(err)
	}
	FreeSlice(a, s)
	if _, err := MakeSlice[huge](a, 1<<30); err == nil || !strings.Contains(err.Error(), "1073741824 elements of 1099511627776 bytes") {
		t.Errorf("2^70 bytes: %v", err)
	}
	if pool, err := NewPool[huge](); err != nil || pool.size != 1<<40 {
		t.Errorf("pool %+v, %v", pool, err)
	}
}
