package numa

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mmap returns fresh private memory that nothing has touched.
func mmap(bytes int) ([]byte, error) {
	p, err := unix.MmapPtr(-1, 0, nil, uintptr(bytes), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("numa: cannot map %d bytes: %w (a limit on address space or mappings: ulimit -v, vm.max_map_count)", bytes, err)
	}
	return unsafe.Slice((*byte)(p), bytes), nil
}

func munmap(mem []byte) error {
	return unix.MunmapPtr(unsafe.Pointer(&mem[0]), uintptr(len(mem)))
}

// giveBack frees the pages of mem and keeps its address and its policy; the
// next touch finds zeros.
func giveBack(mem []byte) error { return unix.Madvise(mem, unix.MADV_DONTNEED) }
