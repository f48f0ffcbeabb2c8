// Package leakcheck finds what a test leaves behind in its process: goroutines, threads
// that still have the name or the mask of a bound one, open files, memory of Arenas, and
// another GOMAXPROCS. A thread that waits is a goroutine that does; Go's runtime keeps those
// that do nothing. What a goroutine holds of Go's heap is not counted.
//
//	func TestX(t *testing.T) {
//		leakcheck.After(t)
//		...
//	}
//
// A package whose tests are all clean says so once:
//
//	func TestMain(m *testing.M) { leakcheck.Main(m) }
//
// The tests of numa and of the packages above it use it. Tests that run in parallel
// cannot use After.
package leakcheck

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"numasched/numa"
	"numasched/topology"
)

// patience is how long goroutines may take to end that have been told to, on a machine whose
// CPUs others use as well.
const patience = time.Minute

// After notes what there is now and has t compare when it ends, after the cleanup
// functions that are registered later. What differs is an error that says what it
// is. Where the system does not tell, After leaves out masks or files.
//
// Where a test of which t is a part has called After already, nothing more is done, so
// helpers can call it for every machine that they make.
func After(t testing.TB) {
	t.Helper()
	if !begin(t.Name()) {
		return
	}
	before := look()
	t.Cleanup(func() {
		end(t.Name())
		if leaks := before.leaks(patience); len(leaks) > 0 {
			t.Errorf("the test leaves behind:\n%s", strings.Join(leaks, "\n"))
		}
	})
}

// under is the names of tests that will compare.
var under struct {
	sync.Mutex
	names map[string]bool
}

// begin notes that a test will compare. It returns false if that test, or one that it is a
// part of, does already.
func begin(name string) bool {
	under.Lock()
	defer under.Unlock()
	for outer := name; ; {
		if under.names[outer] {
			return false
		}
		i := strings.LastIndexByte(outer, '/')
		if i < 0 {
			break
		}
		outer = outer[:i]
	}
	if under.names == nil {
		under.names = make(map[string]bool)
	}
	under.names[name] = true
	return true
}

func end(name string) {
	under.Lock()
	defer under.Unlock()
	delete(under.names, name)
}

// Main runs the tests of a package, compares as [After] does, and exits the process.
// What differs fails the package.
func Main(m *testing.M) {
	before := look()
	code := m.Run()
	if code == 0 {
		if leaks := before.leaks(patience); len(leaks) > 0 {
			fmt.Fprintf(os.Stderr, "the tests of this package leave behind:\n%s\n", strings.Join(leaks, "\n"))
			code = 1
		}
	}
	os.Exit(code)
}

type state struct {
	procs      int                     // GOMAXPROCS
	goroutines map[string]string       // by the number in the first line; what follows
	masks      map[int]topology.CPUSet // by thread
	all        topology.CPUSet         // their union
	named      map[int]string          // threads that are called as bound ones are
	files      map[string]string       // by file descriptor; what it is
	memory     int64                   // of Arenas
}

// boundName begins the names of threads that package host has bound.
const boundName = "numasched-"

func look() *state {
	s := &state{
		procs: runtime.GOMAXPROCS(0), goroutines: goroutines(),
		masks: make(map[int]topology.CPUSet), named: make(map[int]string), files: make(map[string]string), memory: numa.Mapped(),
	}
	tids, _ := numa.Threads()
	for _, tid := range tids {
		if mask, err := numa.Affinity(tid); err == nil { // it may have ended
			s.masks[tid], s.all = mask, s.all.Or(mask)
		}
		name, _ := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/comm", tid))
		if strings.HasPrefix(string(name), boundName) {
			s.named[tid] = strings.TrimSpace(string(name))
		}
	}
	fds, _ := filepath.Glob("/proc/self/fd/*")
	for _, fd := range fds {
		// The listing's own descriptor is closed by now. The netpoller's are made
		// when they are first needed, and stay.
		if to, err := os.Readlink(fd); err == nil && to != "anon_inode:[eventpoll]" && to != "anon_inode:[eventfd]" {
			s.files[filepath.Base(fd)] = to
		}
	}
	return s
}

// goroutines returns the stacks of all goroutines but the calling one.
func goroutines() map[string]string {
	buf := make([]byte, 1<<16)
	for {
		if n := runtime.Stack(buf, true); n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	all := make(map[string]string)
	for i, stack := range strings.Split(string(buf), "\n\n") {
		if id, rest, ok := strings.Cut(stack, " ["); ok && i > 0 {
			all[id] = rest
		}
	}
	return all
}

// leaks returns what there is now and was not in s. It waits for what is about to end: a
// goroutine that has been told to, or the thread of one that ended locked to it.
func (s *state) leaks(patience time.Duration) (leaks []string) {
	pause := 100 * time.Microsecond
	for end := time.Now().Add(patience); ; time.Sleep(pause) {
		pause = min(2*pause, 10*time.Millisecond)
		if leaks = s.more(look()); len(leaks) == 0 || time.Now().After(end) {
			return leaks
		}
	}
}

// more returns what there is in now and not in s.
func (s *state) more(now *state) (leaks []string) {
	for id, stack := range now.goroutines {
		if _, known := s.goroutines[id]; !known {
			leaks = append(leaks, fmt.Sprintf("%s [%s", id, stack))
		}
	}
	if now.procs != s.procs {
		leaks = append(leaks, fmt.Sprintf("GOMAXPROCS is %d, and was %d", now.procs, s.procs))
	}
	for tid, mask := range now.masks {
		was, known := s.masks[tid]
		if !known {
			was = s.all
		}
		if !mask.Equal(was) {
			name, _ := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/comm", tid))
			leaks = append(leaks, fmt.Sprintf("thread %d (%s) may run on CPUs %s, want %s as before", tid, bytes.TrimSpace(name), mask, was))
		}
	}
	for tid, name := range now.named {
		if s.named[tid] == "" {
			leaks = append(leaks, fmt.Sprintf("thread %d is still called %s", tid, name))
		}
	}
	if now.memory > s.memory {
		leaks = append(leaks, fmt.Sprintf("Arenas have %d bytes more than before", now.memory-s.memory))
	}
	for fd, to := range now.files {
		if s.files[fd] != to {
			leaks = append(leaks, fmt.Sprintf("file descriptor %s is %s", fd, to))
		}
	}
	return leaks
}
