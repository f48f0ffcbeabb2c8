//go:build !linux

package numa

import (
	"fmt"
	"unsafe"
)

// mapMemory returns memory of Go's heap that begins at a multiple of align. The
// garbage collector frees it when the last slice of it is gone.
func mapMemory(bytes, align int, pages PageKind) ([]byte, error) {
	if pages.huge() {
		return nil, fmt.Errorf("numa: huge pages: %w", ErrUnsupported)
	}
	const most = 1 << 40 // a larger make ends the process
	if bytes > most {
		return nil, fmt.Errorf("numa: cannot map %d bytes: want at most %d", bytes, most)
	}
	whole := make([]byte, bytes+align)
	lead := -int(uintptr(unsafe.Pointer(&whole[0]))) & (align - 1)
	return whole[lead : lead+bytes : lead+bytes], nil
}

func unmapMemory(mem []byte) error { return nil }
func giveBack(mem []byte) error    { return ErrUnsupported }
func populate(mem []byte) error    { return nil }
func nodeFree(node int) int64      { return -1 }
