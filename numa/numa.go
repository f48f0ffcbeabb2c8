// Package numa says what the kernel lets a process do about NUMA: which CPUs a
// thread may run on, which CPU it is running on, which node its memory comes
// from and where a page lies; and builds on that memory that stays on a node.
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
// Every call exists on every system. Where the system has no such thing, the
// call returns an error that is [ErrUnsupported], and what is built on it
// goes on without binding and says so (see [Heap.Warnings]).
//
// # Invariant
//
// Nothing here is undone by itself. Who narrows a mask or sets a policy
// restores it before the thread goes back to Go's scheduler; otherwise
// goroutines that know nothing of it run under it, and threads cloned from
// that thread inherit it.
package numa

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
)

// ErrUnsupported is returned, as it is or wrapped, by calls that this system
// cannot do at all. It wraps [errors.ErrUnsupported]. A call that this system
// knows but this process may not do gives another error, which is
// [os.ErrPermission].
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
