package numa

import (
	"fmt"
	"math"
	"os"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pagesPerCall bounds the time that one move_pages keeps a thread in the
// kernel: 1 ms for a query, 10 ms for a move.
const pagesPerCall = 4096

// Locate asks where pages lie (move_pages without targets). nodes[i] becomes the node
// ID of the page at pages[i], or minus an errno: [NotPresent] if no node holds it,
// -EFAULT if there is no memory or only the shared page of zeros, -EBUSY or -EIO while
// the page is being moved. Locate does not touch the pages.
//
// NUMA balancing marks pages without a policy to learn who touches them. Linux 6.1 was
// seen to answer NotPresent for a marked page until somebody touches it; numa_maps has
// the right answer. Bound memory is never marked.
//
// The call takes 0.3 µs, and 0.05 to 0.2 µs for each page. It needs no privilege.
//
// Errors: ENOSYS, which is [ErrUnsupported], on kernels without NUMA; EPERM
// if a container's seccomp filter refuses the call.
func Locate(pages []unsafe.Pointer, nodes []int32) error { return movePages(pages, nil, nodes, 0) }

// MovePages moves the page at pages[i] to node to[i], for every i. status[i] becomes
// the node where the page lies now, or minus an errno: -EACCES if other processes map
// the page and all is false, -ENOENT if it was never touched. A page that is pinned
// stays where it is, and the kernel may not have tried pages behind it that have
// another target, so compare status with to. If all is true, pages that other
// processes map are moved, too; this needs CAP_SYS_NICE. Moving a page takes about 1
// to 3 µs (assumed).
//
// Errors: as [Locate]; ENODEV if a target node is offline, EACCES if it is outside the
// cpuset, ENOMEM if it is full; EPERM if all is true and CAP_SYS_NICE is missing.
// Pages before the one that fails may have been moved.
func MovePages(pages []unsafe.Pointer, to, status []int32, all bool) error {
	flags := uintptr(unix.MPOL_MF_MOVE)
	if all {
		flags = unix.MPOL_MF_MOVE_ALL
	}
	if len(to) != len(pages) {
		return fmt.Errorf("numa: move_pages: %d pages and %d target nodes", len(pages), len(to))
	}
	if i := slices.IndexFunc(to, func(node int32) bool { return node < 0 }); i >= 0 {
		return fmt.Errorf("numa: move_pages: %d is not a node ID: want 0 or more", to[i])
	}
	return movePages(pages, to, status, flags)
}

// untold marks a page that the kernel has not answered for.
const untold = math.MinInt32

func movePages(pages []unsafe.Pointer, to, status []int32, flags uintptr) error {
	if len(status) != len(pages) {
		return fmt.Errorf("numa: move_pages: %d pages and room for %d answers", len(pages), len(status))
	}
	for len(pages) > 0 {
		n := min(len(pages), pagesPerCall)
		var target unsafe.Pointer
		if to != nil {
			target = unsafe.Pointer(&to[0])
			for i := range n {
				status[i] = untold
			}
		}
		stayed, _, errno := syscall.Syscall6(unix.SYS_MOVE_PAGES, 0, uintptr(n), uintptr(unsafe.Pointer(&pages[0])),
			uintptr(target), uintptr(unsafe.Pointer(&status[0])), flags)
		if errno != 0 {
			var nodes []int
			for _, t := range to {
				nodes = append(nodes, int(t))
			}
			return movePagesError(errno, n, nodes)
		}
		// A positive result counts pages that did not move. The kernel then
		// leaves the answers from the failing group of pages on as they were
		// (do_pages_move in mm/migrate.c).
		if stayed > 0 {
			for i := range n {
				if status[i] != untold {
					continue
				}
				if err := Locate(pages[i:i+1], status[i:i+1]); err != nil {
					return err
				}
			}
		}
		pages, status = pages[n:], status[n:]
		if to != nil {
			to = to[n:]
		}
	}
	return nil
}

func movePagesError(errno syscall.Errno, n int, to []int) error {
	call := fmt.Sprintf("move_pages(%d pages", n)
	if to != nil {
		call += ", to node " + NodeList(to)
	}
	e := &CallError{Call: call + ")", Errno: errno}
	switch errno {
	case syscall.ENODEV:
		e.Why = "a target node is offline or does not exist"
	case syscall.EACCES:
		e.Why = "a target node is outside the cpuset of this process"
	case syscall.ENOMEM:
		e.Why = "a target node is full"
	case syscall.EPERM:
		e.Why = "CAP_SYS_NICE is missing, or the container's seccomp filter refuses the call: run with --cap-add SYS_NICE"
	case syscall.ENOSYS:
		e.Why = "this kernel is built without NUMA or page migration, or a sandbox hides it"
	}
	return e
}

// LocateRange asks where the pages of mem lie; see [Locate]. It asks for each of the
// system's base pages, also inside huge pages.
func LocateRange(mem []byte) (Placement, error) {
	p := Placement{PageBytes: os.Getpagesize()}
	if len(mem) == 0 {
		return p, nil
	}
	lead := int(uintptr(unsafe.Pointer(&mem[0])) % uintptr(p.PageBytes))
	pages := make([]unsafe.Pointer, 0, (lead+len(mem)-1)/p.PageBytes+1)
	pages = append(pages, unsafe.Pointer(&mem[0]))
	for at := p.PageBytes - lead; at < len(mem); at += p.PageBytes {
		pages = append(pages, unsafe.Pointer(&mem[at]))
	}
	p.Nodes = make([]int32, len(pages))
	return p, Locate(pages, p.Nodes)
}
