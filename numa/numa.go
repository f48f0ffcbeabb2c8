// Package numa wraps what the kernel lets a process do about NUMA: it sets and
// tells which CPUs a thread may run on, which CPU it is running on, which node its
// memory comes from, and where a page lies. On top of these calls it builds memory
// that stays on a node.
//
// Vocabulary:
//
//   - A mask is the set of CPUs that the kernel may run a thread on. Masks
//     belong to threads, not to the process: a new thread inherits the mask
//     and the memory policy of the thread that made it.
//   - A policy says which node a page comes from when it is first touched.
//     Memory that has been touched stays where it is unless it is moved.
//   - An [Arena] is memory of one node. A [Heap] has one per node and hands
//     out objects of fixed size classes through a [Cache] per owner.
//
// Every call exists on every system. Where the system lacks the feature, the call
// returns an error that is [ErrUnsupported]. Heaps then work without binding and
// say so (see [Heap.Warnings]).
//
// # Invariant
//
// Nothing here undoes itself. If you narrow a mask or set a policy, restore it
// before the thread goes back to Go's scheduler. Otherwise unrelated goroutines
// run under it, and threads and processes made on that thread inherit it. Package
// host does this bookkeeping for the threads of a scheduler.
package numa

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
)

// ErrUnsupported is returned, possibly wrapped, by calls that this system cannot
// do at all. It wraps [errors.ErrUnsupported]. A call that exists but that this
// process may not make returns another error, which is [os.ErrPermission].
var ErrUnsupported = fmt.Errorf("numa: %s cannot do this: %w", runtime.GOOS, errors.ErrUnsupported)

// A CallError is a system call that failed, with what that means.
type CallError struct {
	Call  string        // the call and what it was asked, such as "sched_setaffinity(tid 0, CPUs 8-11)"
	Errno syscall.Errno // what the kernel said
	Why   string        // what that means for this call, and what to do
}

func (e *CallError) Error() string {
	if e.Why == "" {
		return fmt.Sprintf("numa: %s: %v", e.Call, e.Errno)
	}
	return fmt.Sprintf("numa: %s: %v: %s", e.Call, e.Errno, e.Why)
}

// Unwrap returns the errno, so that errors.Is(err, os.ErrPermission) works.
func (e *CallError) Unwrap() error { return e.Errno }

// Is reports whether target is [ErrUnsupported] and the kernel said so.
func (e *CallError) Is(target error) bool {
	return target == ErrUnsupported && e.Errno.Is(errors.ErrUnsupported)
}
