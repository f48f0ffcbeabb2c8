// Package usage reads what users type after a command: lists of arms and workloads, machines,
// numbers of Ps, shards. What it cannot read is an [Error], which names the flag, the text and
// what was expected.
//
// It is for the command alone. What the command calls returns errors of its own, and the
// command says which of them are the user's mistake.
//
//	loads, err := usage.Workloads("fib:n=20,traid", true)
//	// --workload: unknown workload "traid" (did you mean "triad"? valid: fib, ...)
package usage

import (
	"errors"
	"fmt"
	"io/fs"

	"numasched/experiments/harness"
	"numasched/experiments/spell"
)

// An Error is the user's mistake: exit status 2.
type Error struct{ error }

// Unwrap returns what is wrong.
func (e Error) Unwrap() error { return e.error }

// Errorf returns an [Error].
func Errorf(format string, args ...any) error { return Wrong(fmt.Errorf(format, args...)) }

// Wrong makes err the user's mistake. Its text stays the same.
func Wrong(err error) error { return Error{err} }

// Unknown is the error for a name that is not one of the valid ones.
func Unknown(what, name string, valid []string) error {
	return Wrong(&spell.UnknownError{What: what, Name: name, Valid: valid})
}

// FileError is the error of writing a file that a flag names.
func FileError(flag string, err error) error {
	return UnlessWrite(fmt.Errorf("--%s: %w", flag, err))
}

// UnlessWrite returns the error of writing a file. A file that cannot be made is
// the user's mistake. A file that cannot be written to, on a full disk, is not.
func UnlessWrite(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) && pe.Op == "open" && !harness.DiskFull(err) {
		return Wrong(err)
	}
	return err
}

// DirError is the error of making the result directory that --out names, or of locking
// it. That is the user's mistake, unless the disk is full.
func DirError(dir string, err error) error {
	err = fmt.Errorf("--out %s: %w", dir, err)
	if harness.DiskFull(err) {
		return err
	}
	return Wrong(err)
}
