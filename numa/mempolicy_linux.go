package numa

import (
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A nodemask is a set of nodes in the kernel's format. The calls take the number of
// bits plus one, because the kernel subtracts one before it looks (get_nodes and
// copy_nodes_to_user in mm/mempolicy.c). A caller who passes the number of bits loses
// the last node silently.
type nodemask [64]uint64

const maxNodes = len(nodemask{}) * 64 // more than any kernel has (1024)

func maskOf(nodes []int) (*nodemask, error) {
	var m nodemask
	for _, n := range nodes {
		if n < 0 || n >= maxNodes {
			return nil, fmt.Errorf("numa: %d is not a node ID: want 0 to %d", n, maxNodes-1)
		}
		m[n/64] |= 1 << (n % 64)
	}
	return &m, nil
}

func (m *nodemask) nodes() []int {
	var nodes []int
	for i, w := range m {
		for ; w != 0; w &= w - 1 {
			nodes = append(nodes, i*64+bits.TrailingZeros64(w))
		}
	}
	return nodes
}

// args returns the two arguments that describe the mask: nil and 0 if it is empty.
func (m *nodemask) args() (unsafe.Pointer, uintptr) {
	if *m == (nodemask{}) {
		return nil, 0
	}
	return unsafe.Pointer(m), uintptr(maxNodes + 1)
}

// SetPolicy gives the calling thread a memory policy. The policy holds for pages that
// this thread touches first from now on, in memory without a policy of its own
// ([SetPolicyOf]). Threads and processes that this thread makes inherit it, and it
// survives exec. Other goroutines that run on the thread get it, too. So lock the
// goroutine to its thread, and restore the [CurrentPolicy] of before. 0.3 µs.
//
// Errors: EINVAL if no node of the set is online, has memory and is allowed by
// the cpuset, or if this kernel does not know the mode or flag; EPERM or ENOSYS
// if a container's seccomp filter refuses the call (Docker's does without
// CAP_SYS_NICE); ErrUnsupported on kernels without NUMA.
func SetPolicy(p Policy) error {
	m, err := maskOf(p.Nodes)
	if err != nil {
		return err
	}
	ptr, maxnode := m.args()
	_, _, errno := syscall.RawSyscall(unix.SYS_SET_MEMPOLICY, uintptr(int(p.Mode)|int(p.Flags)), uintptr(ptr), maxnode)
	runtime.KeepAlive(m)
	return policyError(errno, p.Nodes, "set_mempolicy(%v)", p)
}

// CurrentPolicy returns the memory policy of the calling thread. 0.5 µs.
//
// Errors: as [SetPolicy].
func CurrentPolicy() (Policy, error) { return getPolicy(nil, 0) }

// PolicyOf returns the policy of the memory at p, or the thread's policy if that
// memory has none. 0.5 µs.
//
// Errors: as [SetPolicy]; EFAULT if there is no memory at p.
func PolicyOf(p unsafe.Pointer) (Policy, error) { return getPolicy(p, unix.MPOL_F_ADDR) }

func getPolicy(p unsafe.Pointer, flags uintptr) (Policy, error) {
	var mode int32
	var m nodemask
	_, _, errno := syscall.RawSyscall6(unix.SYS_GET_MEMPOLICY, uintptr(unsafe.Pointer(&mode)),
		uintptr(unsafe.Pointer(&m)), uintptr(maxNodes+1), uintptr(p), flags, 0)
	if errno != 0 {
		return Policy{}, policyError(errno, nil, "get_mempolicy(flags %d)", flags)
	}
	return Policy{
		Mode:  Mode(mode &^ int32(modeFlagsMask)),
		Flags: ModeFlags(mode) & modeFlagsMask,
		Nodes: m.nodes(),
	}, nil
}

// AllowedNodes returns the IDs of the nodes that policies may name: those with memory
// that the cpuset of this process allows. 0.5 µs.
//
// Errors: as [SetPolicy].
func AllowedNodes() ([]int, error) {
	var m nodemask
	_, _, errno := syscall.RawSyscall6(unix.SYS_GET_MEMPOLICY, 0,
		uintptr(unsafe.Pointer(&m)), uintptr(maxNodes+1), 0, unix.MPOL_F_MEMS_ALLOWED, 0)
	if errno != 0 {
		return nil, policyError(errno, nil, "get_mempolicy(allowed nodes)")
	}
	return m.nodes(), nil
}

// SetPolicyOf gives memory a policy (mbind). mem begins on a page boundary, and the
// policy holds for the whole of its last page. Pages that were touched before stay
// where they are unless flags say otherwise. The policy belongs to the mapping: a new
// mapping of the range (MAP_FIXED) does not have it, and giving back the pages
// (MADV_DONTNEED) does not end it. The call takes 1 µs, and 1 to 3 µs for each page
// that it moves (assumed).
//
// Errors: as [SetPolicy]; EIO if flags have Strict and pages lie, or stay, elsewhere;
// EPERM if flags have MoveAll and CAP_SYS_NICE is missing; EFAULT if part of mem is
// not mapped; ENOMEM if the kernel has no room for the policy.
func SetPolicyOf(mem []byte, p Policy, flags MoveFlags) error {
	m, err := maskOf(p.Nodes)
	if err != nil {
		return err
	}
	if len(mem) == 0 {
		return nil
	}
	ptr, maxnode := m.args()
	// Not RawSyscall: moving pages takes milliseconds.
	_, _, errno := syscall.Syscall6(unix.SYS_MBIND, uintptr(unsafe.Pointer(&mem[0])), uintptr(len(mem)),
		uintptr(int(p.Mode)|int(p.Flags)), uintptr(ptr), maxnode, uintptr(flags))
	runtime.KeepAlive(m)
	return policyError(errno, p.Nodes, "mbind(%d bytes, %v)", len(mem), p)
}

// MigrateProcess moves the pages of a process (0 is this one) from the nodes in from
// to the nodes in to, keeps their relative order, and returns how many pages could not
// be moved. The policies of the process stay as they are. Moving a page takes about 1
// to 3 µs (assumed), while the process goes on.
//
// Errors: as [SetPolicy]; EPERM if CAP_SYS_NICE is missing and the process is another
// user's, or to names a node outside its cpuset; ESRCH if there is no such process.
func MigrateProcess(pid int, from, to []int) (left int, err error) {
	f, err := maskOf(from)
	if err != nil {
		return 0, err
	}
	t, err := maskOf(to)
	if err != nil {
		return 0, err
	}
	n, _, errno := syscall.Syscall6(unix.SYS_MIGRATE_PAGES, uintptr(pid), uintptr(maxNodes+1),
		uintptr(unsafe.Pointer(f)), uintptr(unsafe.Pointer(t)), 0, 0)
	if errno != 0 {
		return 0, policyError(errno, to, "migrate_pages(pid %d, nodes %s to %s)", pid, NodeList(from), NodeList(to))
	}
	return int(n), nil
}

// policyError explains what errno means to the calls of this file.
func policyError(errno syscall.Errno, nodes []int, format string, args ...any) error {
	if errno == 0 {
		return nil
	}
	e := &CallError{Call: fmt.Sprintf(format, args...), Errno: errno}
	switch errno {
	case syscall.EINVAL:
		e.Why = "this kernel does not know the mode or flag, or no such node"
		if allowed, err := AllowedNodes(); err == nil && len(nodes) > 0 {
			var bad []int
			for _, n := range nodes {
				if !slices.Contains(allowed, n) {
					bad = append(bad, n)
				}
			}
			if len(bad) > 0 {
				e.Why = fmt.Sprintf("node %s is offline, has no memory or is outside the cpuset: this process may use memory of node %s",
					NodeList(bad), NodeList(allowed))
			} else {
				e.Why = "this kernel does not know the mode or flag, or the address does not begin a page"
			}
		}
	case syscall.EPERM:
		e.Why = "CAP_SYS_NICE is missing, or the container's seccomp filter refuses the call: run with --cap-add SYS_NICE"
	case syscall.ENOSYS:
		e.Why = "this kernel is built without NUMA, or a sandbox hides it: memory lies where it is first touched"
	case syscall.EIO:
		e.Why = "pages lie on other nodes and could not be moved: they are shared, pinned, or the node is full"
	case syscall.EFAULT:
		e.Why = "part of this memory is not mapped"
	case syscall.ENOMEM:
		e.Why = "the kernel has no memory for the policy, or the process has too many mappings (vm.max_map_count)"
	case syscall.ESRCH:
		e.Why = "there is no such process"
	case syscall.ENODEV:
		e.Why = "a node is offline"
	}
	return e
}
