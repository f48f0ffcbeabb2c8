package numa

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapMemory returns fresh private memory that nothing has touched. It begins at a
// multiple of align, which is a power of two and at least a page.
func mapMemory(bytes, align int, pages PageKind) ([]byte, error) {
	flags := unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_NORESERVE
	if pages == ReservedHugePages {
		flags |= unix.MAP_HUGETLB | 21<<unix.MAP_HUGE_SHIFT // 2 MB
		bytes = roundUp(bytes, HugePageBytes)
	}
	// Map more than is needed, then unmap both ends.
	whole := bytes + align
	p, err := unix.MmapPtr(-1, 0, nil, uintptr(whole), unix.PROT_READ|unix.PROT_WRITE, flags)
	if err != nil {
		why := "a limit on address space or mappings: ulimit -v, vm.max_map_count"
		if pages == ReservedHugePages {
			why = "no huge pages of 2 MB: echo 64 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
		}
		return nil, fmt.Errorf("numa: cannot map %d bytes: %w (%s)", bytes, err, why)
	}
	lead := -int(uintptr(p)) & (align - 1)
	start := unsafe.Add(p, lead)
	for _, end := range []struct {
		p unsafe.Pointer
		n int
	}{{p, lead}, {unsafe.Add(start, bytes), align - lead}} {
		if end.n > 0 {
			if err := unix.MunmapPtr(end.p, uintptr(end.n)); err != nil {
				return nil, fmt.Errorf("numa: cannot trim a mapping: %w", err)
			}
		}
	}
	mem := unsafe.Slice((*byte)(start), bytes)
	// A kernel without transparent huge pages refuses both, and uses base pages.
	switch pages {
	case HugePages:
		unix.Madvise(mem, unix.MADV_HUGEPAGE)
	case BasePages:
		unix.Madvise(mem, unix.MADV_NOHUGEPAGE)
	}
	return mem, nil
}

func unmapMemory(mem []byte) error {
	return unix.MunmapPtr(unsafe.Pointer(&mem[0]), uintptr(len(mem)))
}

// giveBack frees the pages of mem, which keeps its address and its policy. The next
// touch finds zeros.
func giveBack(mem []byte) error { return unix.Madvise(mem, unix.MADV_DONTNEED) }

// populate makes the pages of mem, if the kernel can (Linux 5.14). Otherwise they come
// at the first touch, from the same node.
func populate(mem []byte) error {
	err := unix.Madvise(mem, unix.MADV_POPULATE_WRITE)
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOSYS) {
		return nil
	}
	return err
}

// nodeFree returns how many bytes of a node the kernel can give without swapping:
// those that are free, and those that hold file pages which can be read again. It
// returns -1 if the kernel does not tell.
func nodeFree(node int) int64 {
	m, err := readMemInfo(os.DirFS("/"), fmt.Sprintf("sys/devices/system/node/node%d", node))
	if err != nil || m == nil {
		return -1
	}
	return int64(m["MemFree"] + m["Inactive(file)"])
}
