package numa

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What happens without permission: the test runs this program again, as another user
// or under a seccomp filter like a container's. The child reports what it can do and
// uses a heap.

func TestWithoutPrivilegeAllButMovingOthersPagesWorks(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to become nobody; the other tests ran without privilege already")
	}
	out := limited(t, "", &syscall.Credential{Uid: 65534, Gid: 65534})
	for _, want := range []string{"sched_setaffinity: works", "mbind: works", "move_pages (query): works", "move_pages (all): refused", "heap works, 0 warnings"} {
		if !strings.Contains(out, want) {
			t.Errorf("want %q in\n%s", want, out)
		}
	}
}

func TestUnderAContainersFilterTheHeapWorksAndWarns(t *testing.T) {
	for errno, want := range map[syscall.Errno][]string{
		syscall.EPERM: {
			"mbind: refused: numa: mbind", "CAP_SYS_NICE is missing, or the container's seccomp filter refuses", "docker run --cap-add SYS_NICE",
			"set_mempolicy: refused", "move_pages (query): refused", "sched_setaffinity: works",
			"heap works, 1 warnings", "memory for node 0 is not bound to it and lies where it is touched first",
		},
		syscall.ENOSYS: {"mbind: unsupported", "a sandbox hides it", "move_pages (query): unsupported", "heap works, 1 warnings"},
	} {
		out := limited(t, strconv.Itoa(int(errno)), nil)
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("%v: want %q in\n%s", errno, w, out)
			}
		}
	}
}

// limited runs TestLimitedChild in a child process, as the given user. The child's
// memory calls return errno.
func limited(t *testing.T, errno string, as *syscall.Credential) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "numa-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	exe, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	name := dir + "/child" // where every user can run it
	if err := os.WriteFile(name, exe, 0o755); err != nil {
		t.Fatal(err)
	}
	os.Chmod(dir, 0o755)
	cmd := exec.Command(name, "-test.run", "^TestLimitedChild$", "-test.v")
	cmd.Env = append(os.Environ(), "NUMA_TEST_CHILD=1", "NUMA_TEST_ERRNO="+errno)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if strings.Contains(string(out), "--- SKIP") {
		t.Skip(string(out))
	}
	return string(out)
}

func TestLimitedChild(t *testing.T) {
	if os.Getenv("NUMA_TEST_CHILD") == "" {
		t.Skip("a helper of other tests")
	}
	if errno, err := strconv.Atoi(os.Getenv("NUMA_TEST_ERRNO")); err == nil {
		refuseMemoryCalls(t, uint32(errno))
	}
	for _, c := range Capabilities() {
		fmt.Println(c)
	}
	h, err := NewHeap(HeapOptions{Nodes: []int{0}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	c, _ := h.NewCache(0)
	for range 10000 {
		*(*int)(mustAlloc(t, c, 64)) = 1
	}
	fmt.Printf("heap works, %d warnings\n%s\n", len(h.Warnings()), strings.Join(h.Warnings(), "\n"))
}

// refuseMemoryCalls puts a seccomp filter on every thread, under which NUMA memory
// calls return errno. Docker's default profile does so without CAP_SYS_NICE.
func refuseMemoryCalls(t *testing.T, errno uint32) {
	load := unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0} // the call's number
	filter := []unix.SockFilter{load}
	calls := []uint32{unix.SYS_MBIND, unix.SYS_SET_MEMPOLICY, unix.SYS_GET_MEMPOLICY, unix.SYS_MOVE_PAGES, unix.SYS_MIGRATE_PAGES}
	for i, nr := range calls {
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: nr, Jt: uint8(len(calls) - i)})
	}
	filter = append(filter,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | errno})
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Skip("no seccomp here: ", err)
	}
	if _, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&prog))); e != 0 {
		t.Skip("no seccomp here: ", e)
	}
}
