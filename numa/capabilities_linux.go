package numa

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Capabilities makes each call once, on a locked thread, in a way that changes
// nothing, and returns the outcomes. It takes 1 ms.
func Capabilities() []Capability {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	var all []Capability
	add := func(call, loss, fix string, err error) {
		c := Capability{Call: call}
		if err != nil {
			c.State, c.Reason, c.Fix = Refused, fmt.Sprintf("%v: %s", err, loss), fix
			if errors.Is(err, ErrUnsupported) {
				c.State = Unsupported
			}
		}
		all = append(all, c)
	}
	const (
		nice   = "run with CAP_SYS_NICE (docker run --cap-add SYS_NICE)"
		kernel = "use a kernel with CONFIG_NUMA and CONFIG_MIGRATION"
	)

	mask, err := Affinity(0)
	add("sched_getaffinity", "masks cannot be restored, so threads stay unbound", "allow it in the seccomp profile", err)
	if err == nil {
		err = SetAffinity(0, mask)
	}
	add("sched_setaffinity", "threads stay unbound", nice+", or allow it in the seccomp profile", err)

	err = nil
	if cpu, _ := CurrentCPU(); cpu < 0 {
		err = ErrUnsupported
	}
	add("getcpu", "where threads run is not known", "allow it in the seccomp profile", err)

	old, err := CurrentPolicy()
	add("get_mempolicy", "memory is not bound", nice, err)
	nodes, errNodes := AllowedNodes()
	if err == nil {
		if err = SetPolicy(Policy{Mode: Local}); err == nil {
			err = SetPolicy(old)
		}
	}
	add("set_mempolicy", "threads keep the policy they have", nice, err)

	page, errMap := mapMemory(os.Getpagesize(), os.Getpagesize(), SystemPages)
	if errMap != nil {
		add("mmap", "no arena", "raise the memory limit", errMap)
		return all
	}
	defer unmapMemory(page)
	page[0] = 1
	own := Policy{Mode: Local}
	if errNodes == nil && len(nodes) > 0 {
		own = BindTo(nodes[0])
	}
	add("mbind", "arenas are not bound to their node", nice, SetPolicyOf(page, own, 0))

	at, err := LocateRange(page)
	if err == nil && at.Nodes[0] < 0 {
		err = &CallError{Call: "move_pages", Errno: syscall.Errno(-at.Nodes[0])}
	}
	add("move_pages (query)", "where pages lie cannot be proven", kernel+"; "+nice, err)
	if err == nil {
		p := []unsafe.Pointer{unsafe.Pointer(&page[0])}
		err = MovePages(p, at.Nodes, []int32{0}, false)
	}
	add("move_pages (move)", "pages stay where they were touched", kernel+"; "+nice, err)
	if err == nil {
		err = MovePages([]unsafe.Pointer{unsafe.Pointer(&page[0])}, at.Nodes, []int32{0}, true)
	}
	add("move_pages (all)", "shared pages stay where they were touched", nice, err)

	err = errNodes
	if err == nil {
		one := nodes[:min(len(nodes), 1)] // a sandbox may know of none
		_, err = MigrateProcess(0, one, one)
	}
	add("migrate_pages", "a process's pages cannot be moved as a whole", kernel+"; "+nice, err)

	_, err = ReadMaps(0)
	add("numa_maps", "placement is known from move_pages alone", "mount /proc; "+kernel, err)
	_, err = ReadCounters(os.DirFS("/"))
	add("node counters", "the kernel's count of remote pages is missing", "mount /sys", err)

	add("huge pages (transparent)", "arenas use base pages", "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled", thpError())
	add("huge pages (reserved)", "arenas cannot use them", "echo 64 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", hugeTLBError())
	return all
}

func thpError() error {
	const name = "/sys/kernel/mm/transparent_hugepage/enabled"
	text, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("%w: no %s", ErrUnsupported, name)
	}
	if s := string(text); len(s) > 7 && s[len(s)-8:] == "[never]\n" {
		return fmt.Errorf("%s says never", name)
	}
	return nil
}

func hugeTLBError() error {
	const size = 2 << 20
	p, err := unix.MmapPtr(-1, 0, nil, size, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_HUGETLB|21<<unix.MAP_HUGE_SHIFT)
	if err != nil {
		return fmt.Errorf("no huge page of 2 MB is reserved: %w", err)
	}
	return unix.MunmapPtr(p, size)
}
